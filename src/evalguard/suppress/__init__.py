"""Findings → those to be shown: what comments, configuration and baselines say against them."""


def may_speak(text: str) -> bool:
    """Whether a text may hold comments against findings: a cheap look."""
    return "evalguard" in text or "noqa" in text.lower()
