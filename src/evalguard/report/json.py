"""``Result`` → JSON for other programs: the contract of ``docs/output.md``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from evalguard.finding import Evidence, FileError, Finding, Result, Severity
from evalguard.report.edits import NO_EDITS, Edits, PlacedEdit

VERSION = 1


def render(result: Result, edits: Edits = NO_EDITS) -> str:
    """Write one JSON object, in ASCII.

    Args:
        result: What to report.
        edits: What would mend a finding, for those that can be.
    """
    document = {
        "version": VERSION,
        "findings": [_finding(finding, edits.get(finding)) for finding in result.findings],
        "errors": [_error(error) for error in result.errors],
        "summary": _summary(result),
    }
    return json.dumps(document, indent=2) + "\n"


def render_lines(result: Result, edits: Edits = NO_EDITS) -> str:
    """Write one JSON object in a line for each finding, then for each error, in ASCII.

    Args:
        result: What to report.
        edits: What would mend a finding, for those that can be.
    """
    entries = [
        {"type": "finding", **_finding(finding, edits.get(finding))} for finding in result.findings
    ]
    entries += [{"type": "error", **_error(error)} for error in result.errors]
    return "".join(f"{json.dumps(entry)}\n" for entry in entries)


def _finding(finding: Finding, edits: Sequence[PlacedEdit] | None) -> dict[str, Any]:
    span = finding.place.shown
    return {
        "code": finding.code,
        "rule": finding.rule,
        "severity": finding.severity.word,
        "confidence": finding.confidence.word,
        "message": finding.message,
        "path": finding.place.path,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
        "cell": finding.cell,
        "evidence": [_evidence(item) for item in finding.evidence],
        "help": finding.help,
        "fix": _fix(finding, edits) if edits is not None else None,
    }


def _fix(finding: Finding, edits: Sequence[PlacedEdit]) -> dict[str, Any]:
    return {
        "safe": finding.fix is not None and finding.fix.safe,
        "edits": [_edit(edit) for edit in edits],
    }


def _edit(edit: PlacedEdit) -> dict[str, Any]:
    cell = edit.place.cell and edit.place.cell.number
    return {"cell": cell, **edit.place.shown.as_dict(), "text": edit.text}


def _evidence(item: Evidence) -> dict[str, Any]:
    return {
        "path": item.place.path,
        "cell": item.place.cell and item.place.cell.number,
        "line": item.place.shown.line,
        "message": item.message,
    }


def _error(error: FileError) -> dict[str, Any]:
    return {
        "path": error.path,
        "cell": error.cell and error.cell.number,
        "line": error.line or None,
        "column": error.column or None,
        "message": error.reason,
    }


def _summary(result: Result) -> dict[str, Any]:
    severities = Counter(finding.severity for finding in result.findings)
    rules = Counter(finding.rule for finding in result.findings)
    return {
        "files": result.files,
        "findings": len(result.findings),
        "errors": len(result.errors),
        "severities": {severity.word: severities[severity] for severity in Severity},
        "rules": dict(sorted(rules.items())),
    }
