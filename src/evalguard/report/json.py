"""``Result`` → JSON for other programs: the contract of ``docs/output.md``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from evalguard.finding import FileError, Finding, Result, Severity
from evalguard.repair import Edit

VERSION = 1
NO_EDITS: Mapping[Finding, Sequence[Edit]] = {}


def render(result: Result, edits: Mapping[Finding, Sequence[Edit]] = NO_EDITS) -> str:
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


def _finding(finding: Finding, edits: Sequence[Edit] | None) -> dict[str, Any]:
    span = finding.place.span
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
        "evidence": [
            {"path": item.place.path, "line": item.place.line, "message": item.message}
            for item in finding.evidence
        ],
        "help": finding.help,
        "fix": _fix(finding, edits) if edits is not None else None,
    }


def _fix(finding: Finding, edits: Sequence[Edit]) -> dict[str, Any]:
    return {
        "safe": finding.fix is not None and finding.fix.safe,
        "edits": [{**edit.span._asdict(), "text": edit.text} for edit in edits],
    }


def _error(error: FileError) -> dict[str, Any]:
    return {
        "path": error.path,
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
