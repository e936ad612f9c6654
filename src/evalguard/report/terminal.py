"""``Result`` → a compiler's report: header, source frames with their evidence, one help line."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, zip_longest
from typing import TypeAlias

from evalguard.finding import FileError, Finding, Result, Severity
from evalguard.report.frame import Lines, Row, rows
from evalguard.report.words import error_line, fixable, summary, visible

Piece: TypeAlias = tuple[str, str]

SEVERITY_STYLES = {
    Severity.ERROR: "bold red",
    Severity.WARNING: "bold yellow",
    Severity.NOTE: "bold cyan",
}
ROW_STYLES = {"source": "", "gap": "blue", "secondary": "blue"}


def render(
    result: Result, lines_of: Lines, *, width: int = 120, color: bool = False, closing: bool = True
) -> str:
    """Write the report.

    Args:
        result: What to report.
        lines_of: Gives the lines of a file, or of a notebook's cell; none if it can't be read.
        width: Columns that source lines must fit in.
        color: Whether to colour the text.
        closing: Whether to close with a count of what was found.

    Returns:
        The report, with a line break at its end unless it is empty.
    """
    blocks = [[*_finding(finding, lines_of, width)] for finding in result.findings]
    blocks += [[*_error(error)] for error in result.errors]
    gaps = [[("\n", "")] for _ in blocks[1:]]
    pieces = [piece for block in chain(*zip_longest(blocks, gaps, fillvalue=[])) for piece in block]
    if closing:
        pieces += [("\n" if blocks else "", ""), (f"{summary(result)}\n", "bold")]
        pieces.append((f"{line}\n" if (line := fixable(result)) else "", ""))
    if not color:
        return "".join([text for text, _ in pieces])
    from evalguard.report.drawing import styled

    return styled(pieces, width=width)


def _finding(finding: Finding, lines_of: Lines, width: int) -> Iterator[Piece]:
    places = [finding.place, *(item.place for item in finding.evidence)]
    span_lines = [place.shown.line for place in places]
    gutter = len(str(max(span_lines) + 1))
    style = SEVERITY_STYLES[finding.severity]
    yield from _header(finding, style)
    for row in rows(finding, lines_of, width - gutter - len(" | ")):
        yield from _row(row, gutter, style)
    for line in _help_lines(finding):
        yield from ((f"{' ' * gutter} ", ""), ("= help: ", "bold"), (f"{line}\n", ""))


def _header(finding: Finding, style: str) -> Iterator[Piece]:
    yield f"{finding.severity.word}[{finding.code}]", style
    yield f" {finding.rule} ", "bold"
    yield f"({finding.confidence.word}): ", ""
    yield f"{visible(finding.message)}\n", "bold"


def _help_lines(finding: Finding) -> Iterator[str]:
    if finding.help:
        mark = ["[*]"] if finding.fix is not None and finding.fix.safe else []
        yield " ".join([*(visible(line.strip()) for line in finding.help.splitlines()), *mark])


def _row(row: Row, gutter: int, primary: str) -> Iterator[Piece]:
    if row.kind == "place":
        arrow, _, place = row.text.partition(" ")
        yield from ((" " * gutter, ""), (arrow, "blue"), (f" {place}\n", ""))
        return
    number = f"{row.number or '':>{gutter}} | "
    text = row.text.rstrip()
    yield number if text else number.rstrip(), "blue"
    yield f"{text}\n", ROW_STYLES.get(row.kind, primary)


def _error(error: FileError) -> Iterator[Piece]:
    yield "error: ", "bold red"
    yield f"{error_line(error)}\n", ""
