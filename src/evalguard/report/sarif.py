"""``Result`` → SARIF 2.1.0, with the rules' pages, each finding's story and what would mend it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from evalguard._version import __version__
from evalguard.finding import Evidence, FileError, Finding, Result
from evalguard.places import Place, Span
from evalguard.report.edits import NO_EDITS, Edits, PlacedEdit, edits_in_file
from evalguard.report.fingerprints import fingerprints
from evalguard.report.markdown import page
from evalguard.report.words import in_cell, visible
from evalguard.rule import Rule, page_url
from evalguard.rules import load
from evalguard.suppress.notices import NOTICES

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
FINGERPRINT = "evalguard/v1"

_Json = dict[str, Any]


def render(result: Result, edits: Edits = NO_EDITS) -> str:
    """Write one SARIF log with one run, in ASCII.

    Args:
        result: What to report.
        edits: What would mend a finding, for those that can be.
    """
    named = {finding.rule for finding in result.findings}
    rules = [rule for rule in (*load(), *NOTICES) if rule.name in named]
    numbers = {rule.name: number for number, rule in enumerate(rules)}
    told = zip(result.findings, fingerprints(result.findings), strict=True)
    run = {
        "tool": {"driver": _driver(rules)},
        "invocations": [_invocation(result.errors)],
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, known, numbers, edits) for finding, known in told],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _driver(rules: Sequence[Rule]) -> _Json:
    return {
        "name": "evalguard",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": [_rule(rule) for rule in rules],
    }


def _rule(rule: Rule) -> _Json:
    told: _Json = {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.summary},
        "help": {"text": page(rule), "markdown": page(rule)},
        "defaultConfiguration": {"level": rule.severity.word},
        "properties": {"tags": ["pytorch", "correctness"]},
    }
    url = page_url(rule.name)
    return {**told, "helpUri": url} if url else told


def _invocation(errors: Sequence[FileError]) -> _Json:
    return {
        "executionSuccessful": True,
        "toolExecutionNotifications": [_notification(error) for error in errors],
    }


def _notification(error: FileError) -> _Json:
    region = {"startLine": error.file_line} if error.line else None
    return {
        "level": "error",
        "message": _message(in_cell(error.cell) + error.reason),
        "locations": [{"physicalLocation": _physical(error.path, region)}],
    }


def _result(finding: Finding, known: str, numbers: dict[str, int], edits: Edits) -> _Json:
    help_text = f" Help: {finding.help}" if finding.help else ""
    told: _Json = {
        "ruleId": finding.code,
        "level": finding.severity.word,
        "message": _message(f"{in_cell(finding.place.cell)}{finding.message}.{help_text}"),
        "locations": [_location(finding.place)],
        "partialFingerprints": {FINGERPRINT: known},
        "properties": {"confidence": finding.confidence.word},
    }
    if finding.rule in numbers:
        told["ruleIndex"] = numbers[finding.rule]
    if finding.evidence:
        told["codeFlows"] = [{"threadFlows": [{"locations": _story(finding)}]}]
    if mending := edits_in_file(finding, edits):
        told["fixes"] = [_fix(finding, mending)]
    return told


def _story(finding: Finding) -> list[_Json]:
    steps = [*finding.evidence, Evidence(finding.place, finding.message)]
    return [
        {
            "location": {
                **_location(step.place),
                "message": _message(in_cell(step.place.cell) + step.message),
            },
        }
        for step in steps
    ]


def _fix(finding: Finding, edits: Sequence[PlacedEdit]) -> _Json:
    replacements = [
        {"deletedRegion": _region(edit.place.span), "insertedContent": {"text": edit.text}}
        for edit in edits
    ]
    change = {"artifactLocation": _artifact(finding.place.path), "replacements": replacements}
    return {"description": _message(finding.help or finding.message), "artifactChanges": [change]}


def _location(place: Place) -> _Json:
    """A place in its file; of a notebook, that is a line of JSON."""
    region = {"startLine": place.file_line} if place.cell else _region(place.span)
    told: _Json = {"physicalLocation": _physical(place.path, region)}
    if place.cell:
        told["logicalLocations"] = [{"name": f"cell {place.cell.number}", "kind": "module"}]
    return told


def _region(span: Span) -> _Json:
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }


def _physical(path: str, region: _Json | None) -> _Json:
    location: _Json = {"artifactLocation": _artifact(path)}
    return {**location, "region": region} if region else location


def _artifact(path: str) -> _Json:
    """A file by its URI: relative to where the command was run, if the path is."""
    uri = quote(os.fsencode(path.replace(os.sep, "/")))
    return {"uri": f"file://{uri}" if os.path.isabs(path) else uri}


def _message(text: str) -> _Json:
    """Text in which nothing is a placeholder or a link (SARIF 2.1.0, 3.11.5 and 3.11.6)."""
    plain = visible(" ".join(text.split("\n")))
    return {"text": plain.replace("{", "{{").replace("}", "}}").replace("](", "\\](")}
