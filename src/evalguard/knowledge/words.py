"""What a function's name says: its parts, and whether they hold one of a kind's words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def parts_of(name: str) -> list[str]:
    """The parts of a name in lower case, split at ``_``, digits and camel case."""
    return [part.lower() for part in _PART.findall(name)]


def speaks(name: str, words: Iterable[str]) -> bool:
    """Whether a name holds one of these words; a word may have several parts (``mc_dropout``)."""
    parts = parts_of(name)
    return any(_holds(parts, word.split("_")) for word in words)


def _holds(parts: list[str], wanted: list[str]) -> bool:
    size = len(wanted)
    return any(
        all(_matches(part, want) for part, want in zip(parts[start:], wanted, strict=False))
        for start in range(len(parts) - size + 1)
    )


def _matches(part: str, want: str) -> bool:
    return part == want if want.isalnum() else fnmatchcase(part, want)
