"""``Result`` → a compiler's report: header, source frames with their evidence, one help line."""

from __future__ import annotations

import io
from collections.abc import Iterator

from rich.console import Console, RenderableType
from rich.text import Text

from evalguard.finding import FileError, Finding, Result, Severity
from evalguard.report.frame import Lines, Row, rows
from evalguard.report.words import error_line, fixable, summary, visible

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
    blocks = [_finding(finding, lines_of, width) for finding in result.findings]
    blocks += [_error(error) for error in result.errors]
    text = Text("\n").join(blocks)
    if closing:
        text.append("\n" if blocks else "").append(f"{summary(result)}\n", "bold")
        text.append(f"{line}\n" if (line := fixable(result)) else "")
    return drawn(text, width=width, color=color)


def drawn(content: RenderableType, *, width: int, color: bool) -> str:
    """Draw with rich into a string; text is neither wrapped nor read as markup."""
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
        _environ={},
    )
    with console.capture() as captured:
        console.print(content, soft_wrap=isinstance(content, Text), end="")
    return captured.get()


def _finding(finding: Finding, lines_of: Lines, width: int) -> Text:
    places = [finding.place, *(item.place for item in finding.evidence)]
    span_lines = [place.shown.line for place in places]
    gutter = len(str(max(span_lines) + 1))
    style = SEVERITY_STYLES[finding.severity]
    text = _header(finding, style)
    for row in rows(finding, lines_of, width - gutter - len(" | ")):
        text.append_text(_row(row, gutter, style))
    for line in _help_lines(finding):
        text.append(f"{' ' * gutter} ").append("= help: ", "bold").append(f"{line}\n")
    return text


def _header(finding: Finding, style: str) -> Text:
    text = Text(f"{finding.severity.word}[{finding.code}]", style=style)
    header = Text().append_text(text).append(f" {finding.rule} ", "bold")
    header.append(f"({finding.confidence.word})").append(": ")
    return header.append(f"{visible(finding.message)}\n", "bold")


def _help_lines(finding: Finding) -> Iterator[str]:
    if finding.help:
        mark = ["[*]"] if finding.fix is not None and finding.fix.safe else []
        yield " ".join([*(visible(line.strip()) for line in finding.help.splitlines()), *mark])


def _row(row: Row, gutter: int, primary: str) -> Text:
    if row.kind == "place":
        arrow, _, place = row.text.partition(" ")
        return Text(" " * gutter).append(arrow, "blue").append(f" {place}\n")
    number = str(row.number) if row.number else ""
    text = Text(f"{number:>{gutter}} | ", style="blue")
    styled = Text(row.text, style=ROW_STYLES.get(row.kind, primary))
    line = Text().append_text(text).append_text(styled)
    line.rstrip()
    return line.append("\n")


def _error(error: FileError) -> Text:
    return Text("error: ", style="bold red").append(f"{error_line(error)}\n", "not bold default")
