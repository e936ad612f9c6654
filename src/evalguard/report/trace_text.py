"""``Trace`` → the source with a gutter: in which mode each line calls modules, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.text import Text

from evalguard.facts import Forward
from evalguard.modes import Grad, Mode, Sensitivity
from evalguard.places import Span
from evalguard.records import NamedTuple
from evalguard.report.drawing import drawn
from evalguard.report.frame import CUT, Lines, clipped
from evalguard.report.trace_words import (
    GRADS,
    UNKNOWN,
    Sheet,
    callers,
    mode_word,
    sheet_of,
    story,
)
from evalguard.report.words import count, error_line, visible
from evalguard.trace import Switched, Trace

STYLES = {"train": "green", "eval": "cyan", "train|eval": "yellow", "mixed": "yellow"}
SAME = "-"
MODE_WIDTH, GRAD_WIDTH = 13, 6
MOST_NOTES = 4
SHORT, BESIDE = 30, 4
LEGEND = (
    "mode: in which the line calls a module; -> it switches one; - no mode changes what it calls\n"
    "grad: whether autograd records there; ? not known\n"
)


class Line(NamedTuple):
    """What happens on a line of source; ``partial`` are the calls that others may lead to, too."""

    calls: list[Forward]
    switches: list[Switched]
    partial: list[Forward]


def render(
    trace: Trace, lines_of: Lines, *, width: int = 120, color: bool = False, whole: bool = False
) -> str:
    """Write the source of what calls or switches modules, with what is believed there.

    Args:
        trace: What to show.
        lines_of: Gives the lines of a file, or of a notebook's cell; none if it can't be read.
        width: Columns that source lines must fit in.
        color: Whether to colour the text.
        whole: Whether to show all lines of these files.

    Returns:
        The report, with a line break at its end.
    """
    text = Text()
    for sheet, lines in _sheets(trace).items():
        text.append_text(_sheet(sheet, lines, trace, lines_of(*sheet), width, whole)).append("\n")
    if trace.calls or trace.switches:
        text.append(f"{LEGEND}\n", "blue")
    for error in trace.errors:
        text.append("error: ", "bold red").append(f"{error_line(error)}\n")
    return drawn(text.append(f"{_summary(trace)}\n", "bold"), width=width, color=color)


def _summary(trace: Trace) -> str:
    calls = count(len({call.place for call in trace.calls}), "call")
    switches = len({item.place for item in trace.switches})
    told = f"{calls} of modules, {switches} {'switch' if switches == 1 else 'switches'}"
    missed = len(trace.unfollowed)
    rest = f"; {count(missed, 'call')} of functions not followed to the end" if missed else ""
    return f"{told} in {count(len(trace.files), 'file')}{rest}."


def _sheets(trace: Trace) -> dict[Sheet, dict[int, Line]]:
    """What happens, by file or cell, and by line."""
    found: dict[Sheet, dict[int, Line]] = {}
    places = [*(call.place for call in trace.calls), *(item.place for item in trace.switches)]
    for place in sorted(places, key=lambda place: (place.path, place.span)):
        found.setdefault(sheet_of(place), {}).setdefault(place.shown.line, Line([], [], []))
    whole = trace.wholly()
    for call in trace.calls:
        line = found[sheet_of(call.place)][call.place.shown.line]
        line.calls.append(call)
        if not whole(call):
            line.partial.append(call)
    for item in trace.switches:
        found[sheet_of(item.place)][item.place.shown.line].switches.append(item)
    return found


def _sheet(
    sheet: Sheet,
    lines: dict[int, Line],
    trace: Trace,
    source: Sequence[str],
    width: int,
    whole: bool,
) -> Text:
    path, cell = sheet
    text = Text().append(f"{visible(path)}{f':cell {cell}' if cell else ''}\n", "bold")
    text.append(f"{'mode':>{MODE_WIDTH}} grad\n", "blue")
    wanted = _wanted([block.shown for block in trace.blocks if sheet_of(block) == sheet], lines)
    shown = [number for number in range(1, len(source) + 1) if whole or number in wanted]
    digits = len(str(shown[-1])) if shown else 1
    previous = 0
    for number in _trimmed(shown, source):
        if previous and number > previous + 1:
            text.append(f"{CUT:>{MODE_WIDTH + GRAD_WIDTH + digits + 2}}\n", "blue")
        previous = number
        line = lines.get(number, Line([], [], []))
        text.append_text(_row(number, source[number - 1], line, digits, width))
    return text


def _wanted(blocks: Iterable[Span], lines: Iterable[int]) -> set[int]:
    """The lines to show: short functions as a whole, of others what is near and how they begin."""
    wanted = {number + step for number in lines for step in (-1, 0, 1)}
    for block in blocks:
        body = range(block.line, block.end_line + 1)
        near = {number + step for number in lines for step in range(-BESIDE, BESIDE + 1)}
        wanted |= {*body} if len(body) <= SHORT else {block.line, *near & {*body}}
    return wanted


def _trimmed(shown: Sequence[int], source: Sequence[str]) -> Iterator[int]:
    """Lines without the empty ones beside a gap."""
    wanted = set(shown)
    for number in shown:
        beside = {number - 1, number + 1} <= wanted
        if beside or source[number - 1].strip():
            yield number


def _row(number: int, source: str, line: Line, digits: int, width: int) -> Text:
    """A line of source, and what there is to say of it."""
    mode, grad = _mode_of(line), _grad_of(line)
    style = STYLES.get(mode.removeprefix("-> "), "magenta" if mode == UNKNOWN else "blue")
    text = Text().append(f"{mode:>{MODE_WIDTH}} ", style)
    text.append(f"{grad:<{GRAD_WIDTH}} ", "blue").append(f"{number:>{digits}} | ", "blue")
    lead = MODE_WIDTH + GRAD_WIDTH + digits + 2
    column = line.calls[0].place.shown.column if line.calls else 1
    text.append(visible(clipped(source, column, width - lead - len(" | "))[0]).rstrip())
    text.rstrip()
    text.append("\n")
    for note in _notes(line):
        text.append(f"{' ' * lead} = ", "blue").append(f"{note}\n", "blue")
    return text


def _mode_of(line: Line) -> str:
    """The modes that a line calls modules in; if it calls none, those that it switches to."""
    asking = [call for call in line.calls if call.module.sensitive is not Sensitivity.NO]
    if asking:
        return mode_word(_join(call.mode for call in asking), any(call.mixed for call in asking))
    if line.calls:
        return SAME
    if line.switches:
        return f"-> {mode_word(_join(item.origin.mode for item in line.switches))}"
    return ""


def _join(modes: Iterable[Mode]) -> Mode:
    found = Mode(0)
    for mode in modes:
        found |= mode
    return found


def _grad_of(line: Line) -> str:
    found = Grad(0)
    for call in line.calls:
        found |= call.grad
    return GRADS.get(found, UNKNOWN) if line.calls else ""


def _notes(line: Line) -> Iterator[str]:
    """Why a module is in its mode, for each that a line calls; and by which calls."""
    told: dict[str, list[Forward]] = {}
    for call in line.calls:
        if call.module.sensitive is not Sensitivity.NO:
            told.setdefault(story(call), []).append(call)
    several = len({call.module.text for call in line.calls}) < len(told)
    by = callers([*told.values()]) if several else [""] * len(told)
    for words, called in [*zip(told, by, strict=True)][:MOST_NOTES]:
        yield visible(f"{words}{called}")
    if line.partial:
        yield "not every call that leads here was followed"
    if len(told) > MOST_NOTES:
        yield f"and {len(told) - MOST_NOTES} more"
    if line.calls or len({item.module for item in line.switches}) > 1:
        for item in line.switches:
            yield visible(f"{item.module} is switched: {mode_word(item.origin.mode)}")
