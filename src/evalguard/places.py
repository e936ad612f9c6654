"""Places in source text, as a person counts them."""

from __future__ import annotations

from collections.abc import Sequence

from evalguard.records import NamedTuple

WIDTH = 24  # bits for a line or a column: no file that is read has more of either
MOST = (1 << WIDTH) - 1


class Span(int):
    """A stretch of one file, its end exclusive.

    Lines and columns count from 1; columns count characters. All four are one number, the line
    foremost: every call and statement has its own, a tuple of four takes three times the memory,
    and numbers are sorted and compared as the places are.
    """

    __slots__ = ()

    def __new__(cls, line: int, column: int, end_line: int, end_column: int) -> Span:  # noqa: D102, PYI034 (a plain constructor)
        start, end = line << WIDTH | column, end_line << WIDTH | end_column
        return int.__new__(cls, start << 2 * WIDTH | end)

    def __reduce__(self) -> tuple[type[Span], tuple[int, ...]]:
        return Span, (*self.start, *self.end)

    def __repr__(self) -> str:
        return f"Span{(*self.start, *self.end)}"

    @property
    def line(self) -> int:
        """The line it starts on."""
        return self >> 3 * WIDTH

    @property
    def column(self) -> int:
        """The column it starts at."""
        return self >> 2 * WIDTH & MOST

    @property
    def end_line(self) -> int:
        """The line it ends on."""
        return self >> WIDTH & MOST

    @property
    def end_column(self) -> int:
        """The column behind its last character."""
        return self & MOST

    @property
    def start(self) -> tuple[int, int]:
        """The line and the column it starts at."""
        return self.line, self.column

    @property
    def end(self) -> tuple[int, int]:
        """The line and the column it ends before."""
        return self.end_line, self.end_column

    def as_dict(self) -> dict[str, int]:
        """The four numbers by name."""
        names = ("line", "column", "end_line", "end_column")
        return dict(zip(names, (*self.start, *self.end), strict=True))


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
        span, line = self.span, self.cell.line
        return Span(line, span.column, span.end_line - span.line + line, span.end_column)

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
        return self.path == other.path and mine.start <= theirs.start and theirs.end <= mine.end


class Cut(NamedTuple):
    """What stands in the brackets of ``value[start:stop]``, if both are literals or left out."""

    start: int | None
    stop: int | None

    def __repr__(self) -> str:
        """As in a text that has no room for it."""
        return "..."
