"""``Result`` → reviewdog's diagnostic format."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from evalguard.finding import FileError, Finding, Result, Severity
from evalguard.places import Place, Span
from evalguard.report.edits import NO_EDITS, Edits, edits_in_file
from evalguard.report.frame import Lines
from evalguard.report.words import decodable, in_cell, visible
from evalguard.rule import page_url

SEVERITIES = {Severity.ERROR: "ERROR", Severity.WARNING: "WARNING", Severity.NOTE: "INFO"}

_Json = dict[str, Any]


def render(result: Result, lines_of: Lines, edits: Edits = NO_EDITS) -> str:
    """Write one JSON object, in ASCII.

    Args:
        result: What to report.
        lines_of: Gives the lines of a file, as columns count its bytes; without them, a place has
            only its line.
        edits: What would mend a finding, for those that can be.
    """
    diagnostics = [_finding(finding, lines_of, edits) for finding in result.findings]
    diagnostics += [_error(error) for error in result.errors]
    document = {"source": {"name": "evalguard"}, "diagnostics": diagnostics}
    return json.dumps(document, indent=2) + "\n"


def _finding(finding: Finding, lines_of: Lines, edits: Edits) -> _Json:
    advice = f"\nhelp: {visible(' '.join(finding.help.split()))}" if finding.help else ""
    text = f"{in_cell(finding.place.cell)}{visible(finding.message)} ({finding.confidence.word})"
    told: _Json = {
        "message": text + advice,
        "location": _location(finding.place, lines_of),
        "severity": SEVERITIES[finding.severity],
        "code": _code(finding),
        "related_locations": [
            {
                "message": in_cell(item.place.cell) + visible(item.message),
                "location": _location(item.place, lines_of),
            }
            for item in finding.evidence
        ],
    }
    lines = lines_of(finding.place.path, None)
    told["suggestions"] = [
        {"range": _range(edit.place.span, lines), "text": edit.text}
        for edit in (edits_in_file(finding, edits) if lines else ())
    ]
    return {key: value for key, value in told.items() if value != []}


def _code(finding: Finding) -> _Json:
    url = page_url(finding.rule)
    return {"value": finding.code, **({"url": url} if url else {})}


def _error(error: FileError) -> _Json:
    location: _Json = {"path": decodable(error.path)}
    if error.line:
        location["range"] = {"start": {"line": error.file_line}}
    text = f"{in_cell(error.cell)}could not be checked: {visible(error.reason)}"
    return {"message": text, "location": location, "severity": "WARNING"}


def _location(place: Place, lines_of: Lines) -> _Json:
    if place.cell is not None:
        span: _Json = {"start": {"line": place.file_line}}
    else:
        span = _range(place.span, lines_of(place.path, None))
    return {"path": decodable(place.path), "range": span}


def _range(span: Span, lines: Sequence[str]) -> _Json:
    """A span whose columns count bytes of UTF-8."""
    if not 1 <= span.line <= span.end_line <= len(lines):
        return {"start": {"line": span.line}, "end": {"line": span.end_line}}
    return {
        "start": {"line": span.line, "column": _byte(lines[span.line - 1], span.column)},
        "end": {"line": span.end_line, "column": _byte(lines[span.end_line - 1], span.end_column)},
    }


def _byte(line: str, column: int) -> int:
    return len(line[: column - 1].encode("utf-8", "surrogatepass")) + 1
