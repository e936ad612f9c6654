"""A finding's places → source frames: the lines of each file that its story goes through."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from evalguard.finding import Finding
from evalguard.places import Place, Span
from evalguard.records import NamedTuple
from evalguard.report.words import position, visible

Lines = Callable[[str, int | None], Sequence[str]]

CUT = "..."


class Label(NamedTuple):
    """A stretch to underline, and what to say of it; the primary one is the finding's own."""

    place: Place
    message: str
    primary: bool

    @property
    def span(self) -> Span:
        """What to underline, by the lines of its file, or of its cell."""
        return self.place.shown

    @property
    def source(self) -> tuple[str, int | None]:
        """The file, and the cell of a notebook."""
        return self.place.path, self.place.cell and self.place.cell.number


class Row(NamedTuple):
    """A line of a frame; ``kind`` is ``place``, ``source``, ``gap``, ``primary`` or ``secondary``.

    ``number`` is the line's number, 0 if the row is not a line of source.
    """

    kind: str
    number: int
    text: str


def rows(finding: Finding, lines_of: Lines, room: int) -> Iterator[Row]:
    """Lay out the frames of a finding, the file of the finding first.

    Args:
        finding: What to show.
        lines_of: Gives the lines of a file, or of a notebook's cell; none if it can't be read.
        room: How many characters of a source line there is room for.

    Yields:
        The rows from top to bottom.
    """
    for labels in _by_source(finding):
        first = next((label for label in labels if label.primary), labels[0])
        yield Row("place", 0, f"{'-->' if first.primary else ':::'} {position(first.place)}")
        lines = lines_of(*labels[0].source)
        yield from _frame(labels, lines, room) if lines else _unread(labels)


def _by_source(finding: Finding) -> list[list[Label]]:
    """Group what there is to show by file and cell, and order it by line within each."""
    labels = [Label(finding.place, "", True)]
    for item in finding.evidence:
        label = Label(item.place, visible(item.message), False)
        if label not in labels:
            labels.append(label)
    groups: dict[tuple[str, int | None], list[Label]] = {}
    for label in labels:
        groups.setdefault(label.source, []).append(label)
    return [sorted(group, key=lambda label: label.span) for group in groups.values()]


def _unread(labels: list[Label]) -> Iterator[Row]:
    for label in labels:
        if label.message:
            yield Row("secondary", 0, f"line {label.span.line}: {label.message}")


def _frame(labels: list[Label], lines: Sequence[str], room: int) -> Iterator[Row]:
    by_line = {
        line: list(group) for line, group in groupby(labels, key=lambda label: label.span.line)
    }
    yield Row("gap", 0, "")
    previous = 0
    for number in _shown(labels, lines):
        if previous and number > previous + 1:
            yield Row("gap", 0, CUT)
        previous = number
        yield from _marked(number, lines[number - 1], by_line.get(number, []), room)


def _shown(labels: list[Label], lines: Sequence[str]) -> list[int]:
    """Choose lines: those with labels, those beside the primary one, and no gap of one."""
    wanted = {label.span.line for label in labels}
    beside = {label.span.line + step for label in labels if label.primary for step in (-1, 1)}
    wanted |= {line for line in beside if 1 <= line <= len(lines) and lines[line - 1].strip()}
    wanted |= {line + 1 for line in wanted if line + 2 in wanted}
    return sorted(line for line in wanted if 1 <= line <= len(lines))


def _marked(number: int, line: str, labels: list[Label], room: int) -> Iterator[Row]:
    """Show a line with its underlinings; a long line is cut to show the first of them."""
    first = min((label.span.column for label in labels), default=1)
    text, shift = clipped(line, first, room)
    yield Row("source", number, visible(text).rstrip())
    for label in labels:
        start, end = _columns(label.span, line)
        lead = _cells(visible(text[: max(start - shift, 0)]))
        length = _cells(visible(text[max(start - shift, 0) : max(end - shift, 0)]))
        mark = ("^" if label.primary else "-") * max(length, 1)
        kind = "primary" if label.primary else "secondary"
        yield Row(kind, 0, f"{' ' * lead}{mark} {label.message}".rstrip())


def _columns(span: Span, line: str) -> tuple[int, int]:
    """Where to underline, from 0; a span of several lines is underlined on its first."""
    end = span.end_column - 1 if span.end_line == span.line else len(line.rstrip())
    return span.column - 1, end


def clipped(line: str, column: int, room: int) -> tuple[str, int]:
    """Cut a line to what there is room for; also tell by how many characters columns moved."""
    if len(line) <= room:
        return line, 0
    left = column - 1 - room // 3
    if left <= 0:
        return line[: room - len(CUT)] + CUT, 0
    tail = len(line) - (room - len(CUT))
    if left >= tail:
        return CUT + line[tail:], tail - len(CUT)
    return CUT + line[left : left + room - 2 * len(CUT)] + CUT, left - len(CUT)


def _cells(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)
