"""Findings → those to be shown: what comments, configuration and baselines say against them."""

from __future__ import annotations

import re

_ANY = re.compile(r"#\s*noqa\b(?!\s*:)", re.IGNORECASE)
_OURS = re.compile(r"noqa\s*:.*\bEG\d", re.IGNORECASE)


def may_speak(text: str) -> bool:
    """Whether a text may hold comments against findings: a cheap look."""
    return may_be_told(text) or (_has_noqa(text) and _ANY.search(text) is not None)


def may_be_told(text: str) -> bool:
    """Whether it may hold comments that are told where they are wrong, or against nothing."""
    return "evalguard" in text or (_has_noqa(text) and _OURS.search(text) is not None)


def _has_noqa(text: str) -> bool:
    return "noqa" in text.lower()
