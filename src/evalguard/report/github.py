"""``Result`` → workflow commands that annotate a pull request on GitHub."""

from __future__ import annotations

from collections.abc import Mapping

from evalguard.finding import FileError, Finding, Result, Severity
from evalguard.report.words import in_cell, position, visible

COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def render(result: Result) -> str:
    """Write one command for each finding, then one for each file that could not be checked."""
    lines = [*map(_annotation, result.findings), *map(_error, result.errors)]
    return "".join(f"{line}\n" for line in lines)


def _annotation(finding: Finding) -> str:
    place = finding.place
    where: dict[str, object] = {"file": place.path, "line": place.file_line}
    if place.cell is None:
        start, end = place.span.start, place.span.end
        where |= {"endLine": end[0], "col": start[1]}
        where |= {"endColumn": max(end[1] - 1, start[1])} if start[0] == end[0] else {}
    where["title"] = f"{finding.code} {finding.rule} ({finding.confidence.word})"
    story = [f"{position(item.place)}: {visible(item.message)}" for item in finding.evidence]
    advice = [f"help: {visible(' '.join(finding.help.split()))}"] if finding.help else []
    text = [in_cell(place.cell) + visible(finding.message), *story, *advice]
    return _command(COMMANDS[finding.severity], where, text)


def _error(error: FileError) -> str:
    where: dict[str, object] = {"file": error.path}
    where |= {"line": error.file_line} if error.line else {}
    where["title"] = "could not be checked"
    return _command("warning", where, [in_cell(error.cell) + visible(error.reason)])


def _command(name: str, where: Mapping[str, object], text: list[str]) -> str:
    properties = ",".join(f"{key}={_property(visible(str(value)))}" for key, value in where.items())
    return f"::{name} {properties}::{_data(chr(10).join(text))}"


def _data(text: str) -> str:
    """Escape what would end a command or begin another one."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
