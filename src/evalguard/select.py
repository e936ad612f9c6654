"""Words of ``--select`` and ``--ignore`` → rules: a code, the beginning of codes, or a name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evalguard.rule import Rule

EVERY = "EG"


class UnknownRule(ValueError):
    """A word that stands for no rule; ``similar`` holds the names and codes it may have meant."""

    def __init__(self, word: str, similar: Sequence[str]) -> None:
        hint = f"; did you mean {' or '.join(similar)}?" if similar else ""
        super().__init__(f"unknown rule: {word}{hint}")
        self.word = word
        self.similar = tuple(similar)


def choose(
    rules: Sequence[Rule], select: Sequence[str] = (), ignore: Sequence[str] = ()
) -> tuple[Rule, ...]:
    """Choose the rules to run.

    The longest word that stands for a rule decides over it, so that a family can be ignored but
    for one rule; if a word both selects and ignores it, it is ignored.

    Args:
        rules: All there are.
        select: Words for rules to run; all run if there is none.
        ignore: Words for rules not to run.

    Returns:
        The rules to run, in the order given.

    Raises:
        UnknownRule: A word stands for no rule.
    """
    require(rules, (*select, *ignore))
    return tuple(
        rule for rule in rules if _heaviest(select or (EVERY,), rule) > _heaviest(ignore, rule)
    )


def require(rules: Sequence[Rule], words: Iterable[str]) -> None:
    """Make sure that words stand for rules.

    Raises:
        UnknownRule: A word stands for no rule.
    """
    for word in words:
        if not any(weight(word, rule.code, rule.name) for rule in rules):
            raise UnknownRule(word, _similar(word, rules))


def deciding(words: Iterable[str], code: str, name: str) -> str | None:
    """The word that decides over a rule: the longest that stands for it, None if none does."""
    weights = {word: weight(word, code, name) for word in words}
    return max(weights, key=weights.__getitem__) if any(weights.values()) else None


def find(rules: Sequence[Rule], word: str) -> Rule:
    """Find one rule by its code or name.

    Raises:
        UnknownRule: There is none.
    """
    for rule in rules:
        if _canonical(word) in {rule.code.lower(), rule.name}:
            return rule
    raise UnknownRule(word, _similar(word, rules))


def weight(word: str, code: str, name: str) -> int:
    """How exactly a word stands for a rule: 0 if not, more for more of its code."""
    word = _canonical(word)
    if word == name:
        return len(code)
    is_family = word.startswith(EVERY.lower()) and code.lower().startswith(word)
    return len(word) if is_family else 0


def _heaviest(words: Sequence[str], rule: Rule) -> int:
    return max((weight(word, rule.code, rule.name) for word in words), default=0)


def _canonical(word: str) -> str:
    return word.strip().lower().replace("_", "-")


def _similar(word: str, rules: Sequence[Rule]) -> list[str]:
    import difflib

    known = {known.lower(): known for rule in rules for known in (rule.name, rule.code)}
    return [known[match] for match in difflib.get_close_matches(_canonical(word), known, 2, 0.6)]
