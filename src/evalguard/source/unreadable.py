"""What can't be read → the reason and the place, for people."""

from __future__ import annotations

import re
from collections.abc import Sequence

from evalguard.places import Cell

_ON_LINE = re.compile(r"on line (\d+)")


class Unreadable(Exception):
    """A file that can't be checked, and why.

    Args:
        reason: What a user needs to know, without the path.
        line: Where, from 1; 0 if the whole file is meant.
        column: Where in the line, from 1; 0 if the whole line is meant.
        cell: Which cell of a notebook it is in; the line then counts in the cell.
    """

    def __init__(
        self, reason: str, line: int = 0, column: int = 0, cell: Cell | None = None
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
        self.column = column
        self.cell = cell

    def within(self, cells: Sequence[Cell]) -> Unreadable:
        """The same with its cell.

        Args:
            cells: Where each line of the file is; empty if it is no notebook.
        """
        if not (cells and self.line):
            return self

        def moved(match: re.Match[str]) -> str:
            return f"on line {cells[int(match[1]) - 1].line}"

        cell = cells[min(self.line, len(cells)) - 1]
        return Unreadable(_ON_LINE.sub(moved, self.reason), cell.line, self.column, cell)
