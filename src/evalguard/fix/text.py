"""Edits and a text → the text that comes of them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate

from evalguard.repair import Edit


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
