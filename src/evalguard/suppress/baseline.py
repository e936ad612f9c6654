"""Findings of old code → a file of them; later findings → those that are new, and what is cured.

A finding is known again by its file, its rule, the function it is in and the code it is about,
wherever that has moved to. Of those that are alike only as many are known as were there.
"""

from __future__ import annotations

import json
import os
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Any

from evalguard.contents import contents, reason
from evalguard.finding import Finding
from evalguard.globs import posix
from evalguard.places import Span
from evalguard.records import NamedTuple
from evalguard.suppress.layout import laid_out

VERSION = 1
LONGEST = 160
MOST_BYTES = 100_000_000
Lines = Callable[[str], Sequence[str]]
_DEFINITION = re.compile(r"[ \t\f]*(?:async\s+)?(?:def|class)\s+(\w+)")
_GAP = re.compile(r" ?([^\w ]) ?")
_LAST_COMMA = re.compile(r",([)\]}])")
_FIELDS: Mapping[str, type] = {"path": str, "rule": str, "scope": str, "code": str, "count": int}


class BaselineError(Exception):
    """A file that is no baseline, and why."""

    def __init__(self, path: str, reason: str, line: int = 0) -> None:
        super().__init__(f"{path}:{line}: {reason}" if line else f"{path}: {reason}")


class Mark(NamedTuple):
    """What a finding is known by; ``path`` is seen from the baseline's folder."""

    path: str
    rule: str
    scope: str
    code: str


Marks = Counter[Mark]


class Compared(NamedTuple):
    """The findings that a baseline doesn't know, and what it knows that wasn't found."""

    new: tuple[Finding, ...]
    gone: Marks


def marks(findings: Iterable[Finding], folder: str, lines_of: Lines) -> list[Mark]:
    """What findings are known by, in their order.

    Args:
        findings: What was found.
        folder: Where the baseline is.
        lines_of: Gives the lines of a file, none if it can't be read.
    """
    scopes = lru_cache(maxsize=None)(lambda path: _Scopes(lines_of(path)))
    return [_mark(finding, folder, scopes(finding.place.path)) for finding in findings]


def compared(findings: Sequence[Finding], known: Marks, folder: str, lines_of: Lines) -> Compared:
    """Tell new findings from known ones; the arguments are as in ``marks``."""
    left, new = Counter(known), []
    for finding, mark in zip(findings, marks(findings, folder, lines_of), strict=True):
        if left[mark]:
            left[mark] -= 1
        else:
            new.append(finding)
    return Compared(tuple(new), +left)


def below(known: Marks, paths: Iterable[str], folder: str, but: Container[str] = ()) -> Marks:
    """The part of a baseline that is about files at or below paths, but for some rules."""
    seen = [os.path.abspath(path) for path in paths]
    return Counter(
        {
            mark: count
            for mark, count in known.items()
            if mark.rule not in but and _is_below(mark, seen, folder)
        }
    )


def read(path: str) -> Marks:
    """Read a baseline.

    Raises:
        BaselineError: It can't be read, or is none.
    """
    try:
        document = json.loads(contents(path, MOST_BYTES).decode())
    except FileNotFoundError:
        raise BaselineError(path, "no such file: `evalguard baseline` writes one") from None
    except OSError as error:
        raise BaselineError(path, f"can't be read: {reason(error)}") from None
    except json.JSONDecodeError as error:
        raise BaselineError(path, f"not JSON: {error.msg}", error.lineno) from None
    except (ValueError, RecursionError):
        raise BaselineError(path, "not a baseline") from None
    return _marks_of(path, document)


def written(known: Marks) -> str:
    """A baseline as text: one line for each finding, in a fixed order."""
    entries = [{**mark._asdict(), "count": count} for mark, count in sorted(known.items())]
    rows = ",\n".join(f"    {json.dumps(entry)}" for entry in entries)
    return f'{{\n  "version": {VERSION},\n  "findings": [{_rows(rows)}]\n}}\n'


def _rows(rows: str) -> str:
    return f"\n{rows}\n  " if rows else ""


def _marks_of(path: str, document: object) -> Marks:
    if not isinstance(document, dict) or not isinstance(document.get("findings"), list):
        raise BaselineError(path, "not a baseline: `evalguard baseline` writes one")
    if document.get("version") != VERSION:
        version = document.get("version")
        raise BaselineError(
            path, f"a baseline of version {version!r}; this evalguard knows {VERSION}"
        )
    found: Marks = Counter()
    for number, entry in enumerate(document["findings"], start=1):
        found[_entry(path, number, entry)] += entry["count"]
    return found


def _entry(path: str, number: int, entry: Any) -> Mark:
    fits = isinstance(entry, dict) and entry.keys() == _FIELDS.keys()
    if not fits or any(type(entry[field]) is not kind for field, kind in _FIELDS.items()):
        raise BaselineError(path, f"entry {number} must have {', '.join(_FIELDS)}, and no more")
    if entry["count"] < 1:
        raise BaselineError(path, f"entry {number} must count at least 1")
    return Mark(entry["path"], entry["rule"], entry["scope"], entry["code"])


def _mark(finding: Finding, folder: str, scopes: _Scopes) -> Mark:
    place = finding.place
    return Mark(
        _seen_from(place.path, folder), finding.rule, scopes.at(place.line), scopes.code(place.span)
    )


def _seen_from(path: str, folder: str) -> str:
    path = os.path.abspath(path)
    try:
        return posix(os.path.relpath(path, folder))
    except ValueError:
        return posix(path)


def _is_below(mark: Mark, paths: Iterable[str], folder: str) -> bool:
    path = os.path.normpath(os.path.join(folder, mark.path))
    return any(path == each or path.startswith(os.path.join(each, "")) for each in paths)


class _Scopes:
    """The functions and classes of a file's lines."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._starts: list[int] = []
        self._names: list[str] = []
        around: list[tuple[int, str]] = []
        for statement in laid_out("\n".join(lines)).statements:
            line = lines[statement.head - 1].expandtabs()
            depth = len(line) - len(line.lstrip())
            around = [outer for outer in around if outer[0] < depth]
            if found := _DEFINITION.match(line):
                around.append((depth, found[1]))
            self._starts.append(statement.first)
            self._names.append(".".join(name for _, name in around))

    def at(self, line: int) -> str:
        """The qualified name of what a line is in; empty for a file's own code."""
        index = bisect_right(self._starts, line) - 1
        return self._names[index] if index >= 0 else ""

    def code(self, span: Span) -> str:
        """The code at a place, however it is laid out; what is long ends in a digest."""
        lines = [*self._lines[span.line - 1 : span.end_line]]
        if len(lines) == span.end_line - span.line + 1:
            lines[-1] = lines[-1][: span.end_column - 1]
            lines[0] = lines[0][span.column - 1 :]
        text = _LAST_COMMA.sub(r"\1", _GAP.sub(r"\1", " ".join(" ".join(lines).split())))
        if len(text) <= LONGEST:
            return text
        return f"{text[:LONGEST]}... {sha256(text.encode('utf-8', 'replace')).hexdigest()[:12]}"
