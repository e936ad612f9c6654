"""The forms of a report, by the names that ``--output-format`` takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from evalguard.finding import Result
from evalguard.records import NamedTuple
from evalguard.report.edits import Edits, none_known


def _no_lines(_: str, __: int | None = None) -> Sequence[str]:
    return ()


class View(NamedTuple):
    """What a report may draw on besides the result.

    Args:
        lines_of: Gives the lines of a file, or of a notebook's cell; none if it can't be read.
        edits_of: Gives what would mend findings, for those that can be.
        width: Columns that source lines must fit in.
        color: Whether to colour the text.
        closing: Whether to close with a count of what was found.
    """

    lines_of: Callable[[str, int | None], Sequence[str]] = _no_lines
    edits_of: Callable[[Result], Edits] = none_known
    width: int = 120
    color: bool = False
    closing: bool = True


def render(name: str, result: Result, view: View) -> str:
    """Write a report.

    Args:
        name: One of ``FORMATS``.
        result: What to report.
        view: What it may draw on.

    Returns:
        The report, with a line break at its end unless it is empty.
    """
    return FORMATS[name](result, view)


def _full(result: Result, view: View) -> str:
    from evalguard.report import terminal

    lines_of, _, width, color, closing = view
    return terminal.render(result, lines_of, width=width, color=color, closing=closing)


def _concise(result: Result, _: View) -> str:
    from evalguard.report import concise

    return concise.render(result)


def _json(result: Result, view: View) -> str:
    from evalguard.report import json

    return json.render(result, view.edits_of(result))


def _json_lines(result: Result, view: View) -> str:
    from evalguard.report import json

    return json.render_lines(result, view.edits_of(result))


def _sarif(result: Result, view: View) -> str:
    from evalguard.report import sarif

    return sarif.render(result, view.edits_of(result))


def _github(result: Result, _: View) -> str:
    from evalguard.report import github

    return github.render(result)


def _gitlab(result: Result, _: View) -> str:
    from evalguard.report import gitlab

    return gitlab.render(result)


def _junit(result: Result, _: View) -> str:
    from evalguard.report import junit

    return junit.render(result)


def _rdjson(result: Result, view: View) -> str:
    from evalguard.report import rdjson

    return rdjson.render(result, view.lines_of, view.edits_of(result))


FORMATS: Mapping[str, Callable[[Result, View], str]] = {
    "full": _full,
    "concise": _concise,
    "json": _json,
    "json-lines": _json_lines,
    "sarif": _sarif,
    "github": _github,
    "gitlab": _gitlab,
    "junit": _junit,
    "rdjson": _rdjson,
}
