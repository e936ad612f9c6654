"""Places in source text, as a person counts them."""

from __future__ import annotations

from collections.abc import Sequence

from evalguard.records import NamedTuple


class Span(NamedTuple):
    """A stretch of one file, its end exclusive.

    Lines and columns count from 1; columns count characters.
    """

    line: int
    column: int
    end_line: int
    end_column: int


NOWHERE = Span(0, 0, 0, 0)


class Cell(NamedTuple):
    """Where a line of a notebook's program is: which cell, which line of it, and of the file."""

    number: int
    line: int
    file_line: int


class Place(NamedTuple):
    """A span in a file; ``path`` as shown to the user.

    The lines of a notebook are those of its cells put together; ``cell`` tells where that is, in
    what is reported.
    """

    path: str
    span: Span
    cell: Cell | None = None

    @property
    def line(self) -> int:
        """The line it starts on, from 1."""
        return self.span.line

    @property
    def shown(self) -> Span:
        """The span as a person sees it: of a notebook, lines count in the cell."""
        if self.cell is None:
            return self.span
        moved = self.span.line - self.cell.line
        return self.span._replace(line=self.cell.line, end_line=self.span.end_line - moved)

    @property
    def file_line(self) -> int:
        """The line of the file that it starts on; of a notebook, that is a line of JSON."""
        return self.cell.file_line if self.cell else self.span.line

    def within(self, cells: Sequence[Cell]) -> Place:
        """The same with its cell.

        Args:
            cells: Where each line of the file is; empty if it is no notebook.
        """
        return self._replace(cell=cells[self.span.line - 1]) if cells else self

    def holds(self, other: Place) -> bool:
        """Whether another place lies within this one."""
        mine, theirs = self.span, other.span
        return self.path == other.path and mine[:2] <= theirs[:2] and theirs[2:] <= mine[2:]
