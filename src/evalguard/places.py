"""Places in source text, as a person counts them."""

from __future__ import annotations

from typing import NamedTuple


class Span(NamedTuple):
    """A stretch of one file, its end exclusive.

    Lines and columns count from 1; columns count characters.
    """

    line: int
    column: int
    end_line: int
    end_column: int


NOWHERE = Span(0, 0, 0, 0)


class Place(NamedTuple):
    """A span in a file; ``path`` as shown to the user."""

    path: str
    span: Span

    @property
    def line(self) -> int:
        """The line it starts on, from 1."""
        return self.span.line

    def holds(self, other: Place) -> bool:
        """Whether another place lies within this one."""
        mine, theirs = self.span, other.span
        return self.path == other.path and mine[:2] <= theirs[:2] and theirs[2:] <= mine[2:]
