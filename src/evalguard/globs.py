"""Patterns for paths → whether they match.

A pattern without a slash is the name of a file or folder, wherever it is; one with a slash is a
whole path, and what matches a folder matches all that is in it. ``*`` and ``?`` stand for any
characters, slashes too, ``[ab]`` for one of these, and ``**/`` for any folders, or none.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterable

_SPECIAL = r"\*\*/|\*+|\?|\[!?[^]/]+\]"
_WILD = frozenset("*?[")


class Globs:
    """Some patterns; absolute ones are held against absolute paths."""

    def __init__(self, patterns: Iterable[str]) -> None:
        every = tuple(patterns)
        names = {pattern for pattern in every if "/" not in pattern}
        wild = {name for name in names if not _WILD.isdisjoint(name)}
        self._names = frozenset(names - wild)
        self._wild = _any_of(map(_regex, sorted(wild)))
        self._paths = _any_of(f"{_regex(each)}(?:/.*)?" for each in every if "/" in each)

    def match(self, path: str) -> bool:
        """Whether a file or folder is matched by its own name or its path."""
        return self.match_name(os.path.basename(path)) or self.match_path(path)

    def match_name(self, name: str) -> bool:
        """Whether a pattern without a slash matches a name."""
        return name in self._names or (self._wild is not None and bool(self._wild.fullmatch(name)))

    def match_path(self, path: str) -> bool:
        """Whether a pattern with a slash matches a path, or a folder on the way to it."""
        return self._paths is not None and bool(self._paths.fullmatch(posix(os.path.abspath(path))))


def seen_from(pattern: str, folder: str) -> str:
    """A pattern with a slash, as seen from a folder, as an absolute one; others stay."""
    pattern = posix(pattern)
    if "/" not in pattern:
        return pattern
    rooted = pattern if os.path.isabs(pattern) else f"{escaped(folder)}/{pattern}"
    return posixpath.normpath(rooted)


def escaped(folder: str) -> str:
    """A pattern that matches nothing but a path."""
    return re.sub(r"([*?[])", r"[\1]", posix(folder))


def posix(path: str) -> str:
    """A path with slashes."""
    return path if os.sep == "/" else path.replace(os.sep, "/")


def _any_of(regexes: Iterable[str]) -> re.Pattern[str] | None:
    every = "|".join(regexes)
    return re.compile(every, re.DOTALL) if every else None


def _regex(pattern: str) -> str:
    out, end = [], 0
    for found in re.finditer(_SPECIAL, pattern):
        out += [re.escape(pattern[end : found.start()]), _special(found[0])]
        end = found.end()
    return "".join((*out, re.escape(pattern[end:])))


def _special(text: str) -> str:
    if text == "**/":
        return "(?:.*/)?"
    if text[0] != "[":
        return ".*" if text[0] == "*" else "."
    negated = text.startswith("[!")
    members = re.findall(r".-.|.", text[2 if negated else 1 : -1])
    return f"[{'^' if negated else ''}{''.join(map(_member, members))}]"


def _member(text: str) -> str:
    if len(text) == 3 and text[0] <= text[2]:
        return f"{re.escape(text[0])}-{re.escape(text[2])}"
    return re.escape(text)
