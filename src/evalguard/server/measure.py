"""Places and texts → positions and edits of the protocol, in the units that the client counts."""

from __future__ import annotations

import re
from collections.abc import Callable
from difflib import SequenceMatcher

from lsprotocol.types import Position, Range, TextEdit

from evalguard.places import Place

_START = re.compile(r"(?<=\n)|(?<=\r)(?!\n)")


class Measure:
    """Tells places of a text.

    Args:
        text: What the file holds, with line ends of any kind.
        units: How many units of the client a text has.
    """

    def __init__(self, text: str, units: Callable[[str], int]) -> None:
        self._lines = _START.split(text)
        self._units = units

    def range(self, place: Place) -> Range:
        """Where a place is; in a notebook, that is a line of JSON."""
        if place.cell:
            return self.line(place.file_line)
        span = place.span
        start = self.position(span.line, span.column)
        return Range(start, self.position(span.end_line, span.end_column))

    def line(self, number: int) -> Range:
        """A whole line, from 1."""
        return Range(self.position(number, 1), self.position(number, len(self._line(number)) + 1))

    def position(self, line: int, column: int) -> Position:
        """A place, from 1, as near as the text has it."""
        number = min(max(line, 1), len(self._lines))
        before = self._line(number)[: max(column - 1, 0)]
        return Position(number - 1, self._units(before))

    def edits(self, new: str) -> list[TextEdit]:
        """What makes another text of this one, line by line."""
        lines = _START.split(new)
        matcher = SequenceMatcher(None, self._lines, lines, autojunk=False)
        return [
            TextEdit(Range(self._start(start), self._start(end)), "".join(lines[first:last]))
            for tag, start, end, first, last in matcher.get_opcodes()
            if tag != "equal"
        ]

    def _line(self, number: int) -> str:
        return self._lines[number - 1].rstrip("\r\n")

    def _start(self, index: int) -> Position:
        """Where a line starts, from 0; behind the last one, where the text ends."""
        if index < len(self._lines):
            return Position(index, 0)
        return Position(len(self._lines) - 1, self._units(self._lines[-1]))


def meet(one: Range, other: Range) -> bool:
    """Whether two ranges meet."""
    first, second = _ends(one), _ends(other)
    return first[0] <= second[1] and second[0] <= first[1]


def _ends(found: Range) -> tuple[tuple[int, int], tuple[int, int]]:
    start, end = found.start, found.end
    return (start.line, start.character), (end.line, end.character)
