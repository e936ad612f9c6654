"""Edits and a text → the text that comes of them, as one or in the line ends of a file."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import accumulate

from evalguard.repair import Edit

_LINE_END = re.compile("\r\n|\r|\n")


def edited(text: str, edits: Iterable[Edit]) -> str:
    """Make edits that don't overlap; of equal ones, one.

    Args:
        text: With line ends of one kind.
        edits: Their spans are places of this text.
    """
    lines = text.split("\n")
    starts = [0, *accumulate(len(line) + 1 for line in lines)]
    out, at = [], 0
    for edit in sorted(dict.fromkeys(edits), key=lambda item: item.span):
        span = edit.span
        start = starts[span.line - 1] + span.column - 1
        out += [text[at:start], edit.text]
        at = starts[span.end_line - 1] + span.end_column - 1
    return "".join((*out, text[at:]))


def with_line_ends(new: str, old: str, original: str) -> str:
    """Give a text the line ends of a file.

    Args:
        new: The text to write, with line ends of one kind.
        old: What it was made of.
        original: The file's own text of ``old``, with line ends of any kind.

    Returns:
        ``new``: lines that it shares with ``old`` end as in the file, new ones like the line that
        they follow.
    """
    import difflib

    ends = _LINE_END.findall(original)
    if not ends or set(ends) == {"\n"}:
        return new
    if len(set(ends)) == 1:
        return new.replace("\n", ends[0])
    ours, theirs = new.split("\n"), old.split("\n")
    found = [ends[0]] * len(ours)
    matcher = difflib.SequenceMatcher(None, theirs, ours, autojunk=False)
    for _, start, stop, first, last in matcher.get_opcodes():
        for place in range(first, last):
            index = min(start + place - first, max(stop - 1, start - 1, 0), len(ends) - 1)
            found[place] = ends[index]
    return "".join(line + end for line, end in zip(ours[:-1], found, strict=False)) + ours[-1]
