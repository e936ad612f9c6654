"""What a run tells: findings, their evidence, and the files that could not be read."""

from __future__ import annotations

from enum import IntEnum

from evalguard.places import Cell, Place
from evalguard.records import dataclass
from evalguard.repair import Repair


class Severity(IntEnum):
    """How much a defect matters; ``--fail-on`` compares them."""

    NOTE = 1
    WARNING = 2
    ERROR = 3

    @property
    def word(self) -> str:
        """As written in options and output."""
        return self.name.lower()


class Confidence(IntEnum):
    """How sure evalguard is; ``--min-confidence`` compares them."""

    POSSIBLE = 1
    LIKELY = 2
    CERTAIN = 3

    @property
    def word(self) -> str:
        """As written in options and output."""
        return self.name.lower()


@dataclass(frozen=True, slots=True, order=True)
class Evidence:
    """A secondary place of a finding: where its story took a turn."""

    place: Place
    message: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One defect, at the place where a reader should look first.

    ``place.shown`` has the lines that a reader counts: in a notebook those of the ``cell``.
    ``fix`` is what would mend it, None if only its author can tell.
    """

    code: str
    rule: str
    severity: Severity
    confidence: Confidence
    message: str
    place: Place
    evidence: tuple[Evidence, ...] = ()
    help: str = ""
    fix: Repair | None = None

    @property
    def cell(self) -> int | None:
        """The notebook cell, from 1; None outside notebooks."""
        return self.place.cell and self.place.cell.number

    @property
    def sort_key(self) -> tuple[str, int, int, str, str]:
        """Findings are shown by file, then by place, then by code."""
        span = self.place.span
        return (self.place.path, span.line, span.column, self.code, self.message)


@dataclass(frozen=True, slots=True)
class FileError:
    """A file, or part of one, that could not be checked, and why; ``line`` is 0 if unknown.

    Of what is wrong in a notebook's cell, the line counts in the cell.
    """

    path: str
    reason: str
    line: int = 0
    column: int = 0
    cell: Cell | None = None

    @property
    def file_line(self) -> int:
        """The line of the file; of a notebook's cell, that is a line of JSON."""
        return self.cell.file_line if self.cell else self.line


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of a run."""

    findings: tuple[Finding, ...]
    errors: tuple[FileError, ...]
    files: int
