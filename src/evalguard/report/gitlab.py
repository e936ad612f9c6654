"""``Result`` → GitLab's Code Quality report."""

from __future__ import annotations

import json
from typing import Any

from evalguard.finding import FileError, Finding, Result, Severity
from evalguard.report.fingerprints import fingerprints, hashed
from evalguard.report.words import decodable, in_cell, visible

SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.NOTE: "minor"}


def render(result: Result) -> str:
    """Write a JSON list of what was found, then of the files that could not be checked."""
    told = zip(result.findings, fingerprints(result.findings), strict=True)
    entries = [_finding(finding, known) for finding, known in told]
    entries += [_error(error) for error in result.errors]
    return json.dumps(entries, indent=2) + "\n"


def _finding(finding: Finding, known: str) -> dict[str, Any]:
    place = finding.place
    lines = {"begin": place.file_line}
    if place.cell is None:
        lines["end"] = place.span.end_line
    text = f"{in_cell(place.cell)}{visible(finding.message)} ({finding.confidence.word})"
    return {
        "description": f"{finding.code}: {text}",
        "check_name": finding.rule,
        "fingerprint": known,
        "severity": SEVERITIES[finding.severity],
        "location": {"path": _path(place.path), "lines": lines},
    }


def _error(error: FileError) -> dict[str, Any]:
    text = f"{in_cell(error.cell)}{visible(error.reason)}"
    return {
        "description": f"could not be checked: {text}",
        "check_name": "could-not-be-checked",
        "fingerprint": hashed(error.path, error.reason),
        "severity": "info",
        "location": {"path": _path(error.path), "lines": {"begin": max(error.file_line, 1)}},
    }


def _path(path: str) -> str:
    """GitLab compares paths with git's, which don't begin with a dot."""
    return decodable(path.removeprefix("./"))
