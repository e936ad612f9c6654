"""Reports for other programs, held against what reads them, and that no text gets out of hand."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from junitparser import JUnitXml
from pydantic import BaseModel
from sarif_pydantic import Sarif

from evalguard.check import check_texts
from evalguard.finding import FileError, Finding, Result
from evalguard.places import Cell, Place, Span
from evalguard.report import github, gitlab, junit, rdjson, sarif, statistics
from evalguard.report import json as json_report
from evalguard.report.edits import PlacedEdit
from evalguard.report.formats import FORMATS, View, render
from evalguard.rules import load
from samples import CLEAN, ERROR, MIXED, finding, lines_of, place

OFFICIAL = os.environ.get("EVALGUARD_SARIF_SCHEMA", "")
VIEW = View(lines_of)
MACHINES = tuple(name for name in FORMATS if name not in ("full", "concise"))

NASTY = (
    "a\n::error::x\r\n\x1b]0;title\x07[bold]x[/bold] [l](http://x) {0} <b>&amp;\"'%0A,:\u202e"
    "\u2028\ufffe\x00 é.py"
)
CELL = Cell(3, 2, 40)
IN_CELL = finding(
    Place("nb.ipynb", Span(17, 5, 17, 8), CELL),
    (place("net.py", 1, 1, 2), "built here"),
    help="call `net.eval()` before",
)
EVIL = Result(
    (
        replace(finding(place(NASTY, 1, 1, 2), (place(NASTY, 1, 1, 2), NASTY), message=NASTY)),
        replace(IN_CELL, message=NASTY, help=NASTY),
    ),
    (FileError(NASTY, NASTY, 3, 1), FileError("nb.ipynb", "syntax error", 2, 1, CELL)),
    3,
)
RESULTS = {"mixed": MIXED, "clean": CLEAN, "evil": EVIL, "cell": Result((IN_CELL,), (), 1)}


def loaded(text: str) -> Any:
    assert text.isascii()
    return json.loads(text)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("result", RESULTS.values(), ids=RESULTS)
def test_no_text_speaks_to_a_terminal_or_a_workflow(name: str, result: Result) -> None:
    text = render(name, result, VIEW)
    assert not set(text) & set("\x00\x07\x1b\r\u202e\u2028\ufffe")
    for line in text.split("\n"):
        assert not line.lstrip().startswith("::") or name in ("full", "github")
        assert not line.lstrip().startswith("::error::")
    assert text.endswith("\n") or not text


KEY = r"m['::error::\x1b[31m\u202e](x)\n<b>{0}']"
PROGRAM = f"""\
import torch
from torch import nn
m = {{}}
{KEY} = nn.Dropout()
print({KEY}(x).argmax().item())
"""


@pytest.mark.parametrize("name", FORMATS)
def test_names_in_checked_code_are_only_text(name: str) -> None:
    result = check_texts({NASTY: PROGRAM})
    assert "::error::" in result.findings[0].message
    text = render(name, result, View(lambda *_: PROGRAM.split("\n")))
    assert not set(text) & set("\x00\x07\x1b\r\u202e\u2028\ufffe")
    assert not re.search(r"^\s*::error::", text, re.MULTILINE)


def test_an_unknown_rule_needs_no_page() -> None:
    other = replace(ERROR, rule="of-a-plugin", code="X1")
    (told,) = loaded(sarif.render(Result((other,), (), 1)))["runs"][0]["results"]
    assert told["ruleId"] == "X1"
    assert "ruleIndex" not in told


# SARIF.


def unknown(node: object) -> Iterator[tuple[str, str]]:
    """Members of a document that its model doesn't know."""
    if isinstance(node, BaseModel):
        yield from ((type(node).__name__, name) for name in node.model_extra or ())
        for name in type(node).model_fields:
            yield from unknown(getattr(node, name))
    elif isinstance(node, list):
        for item in node:
            yield from unknown(item)


@pytest.mark.parametrize("result", RESULTS.values(), ids=RESULTS)
def test_sarif_as_a_model_reads_it(result: Result) -> None:
    parsed = Sarif.model_validate_json(sarif.render(result))
    missing = {("Run", "columnKind"), ("Invocation", "toolExecutionNotifications")}
    assert set(unknown(parsed)) <= missing


@pytest.mark.skipif(not OFFICIAL, reason="EVALGUARD_SARIF_SCHEMA names no file")
@pytest.mark.parametrize("result", RESULTS.values(), ids=RESULTS)
def test_sarif_by_the_official_schema(result: Result) -> None:
    schema = json.loads(Path(OFFICIAL).read_text(encoding="utf-8"))
    edits = {item: [PlacedEdit(item.place, "x")] for item in result.findings}
    for text in (sarif.render(result), sarif.render(result, edits)):
        validator = jsonschema.Draft4Validator(
            schema, format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER
        )
        validator.validate(json.loads(text))


def test_sarif_tells_the_story_and_the_page() -> None:
    run = loaded(sarif.render(MIXED))["runs"][0]
    first, second = run["results"]
    assert first["message"]["text"] == (
        "`net` is called for inference in train mode. Help: call `net.eval()` before"
    )
    assert first["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "app/run.py"},
                "region": {"startLine": 6, "startColumn": 11, "endLine": 7, "endColumn": 11},
            }
        }
    ]
    steps = first["codeFlows"][0]["threadFlows"][0]["locations"]
    assert [
        (
            step["location"]["physicalLocation"]["artifactLocation"]["uri"],
            step["location"]["physicalLocation"]["region"]["startLine"],
            step["location"]["message"]["text"],
        )
        for step in steps
    ] == [
        ("app/net.py", 2, "drops in train mode"),
        ("app/run.py", 3, "built here, in train mode"),
        ("app/run.py", 4, "put in train mode here"),
        ("app/run.py", 6, "`net` is called for inference in train mode"),
    ]
    assert "codeFlows" not in second
    assert [item["level"] for item in run["results"]] == ["error", "note"]
    rules = run["tool"]["driver"]["rules"]
    assert [rules[item["ruleIndex"]]["id"] for item in run["results"]] == ["EG101", "EG201"]
    page = next(rule.page for rule in load() if rule.code == "EG101")
    assert page.strip() in rules[first["ruleIndex"]]["help"]["markdown"]
    broken, lost = run["invocations"][0]["toolExecutionNotifications"]
    assert broken["locations"][0]["physicalLocation"]["region"] == {"startLine": 3}
    assert "region" not in lost["locations"][0]["physicalLocation"]


def test_sarif_of_a_notebook_tells_the_line_of_the_file_and_the_cell() -> None:
    (told,) = loaded(sarif.render(Result((IN_CELL,), (), 1)))["runs"][0]["results"]
    (where,) = told["locations"]
    assert where["physicalLocation"]["region"] == {"startLine": 40}
    assert where["logicalLocations"] == [{"name": "cell 3", "kind": "module"}]
    assert told["message"]["text"].startswith("cell 3, line 2: `net`")


def test_sarif_fixes() -> None:
    edits = {
        item: [PlacedEdit(place("app/run.py", 6, 5, 5), "net.eval()\n    ")]
        for item in (ERROR, IN_CELL)
    }
    results = loaded(sarif.render(Result((ERROR, IN_CELL), (), 1), edits))["runs"][0]["results"]
    (change,) = results[0]["fixes"][0]["artifactChanges"]
    assert change == {
        "artifactLocation": {"uri": "app/run.py"},
        "replacements": [
            {
                "deletedRegion": {"startLine": 6, "startColumn": 5, "endLine": 6, "endColumn": 5},
                "insertedContent": {"text": "net.eval()\n    "},
            }
        ],
    }
    assert "fixes" not in results[1]


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("src/net.py", "src/net.py"),
        ("a b/é%.py", "a%20b/%C3%A9%25.py"),
        ("c:d.py", "c%3Ad.py"),
        ("/abs/net.py", "file:///abs/net.py"),
        ("\udcff.py", "%FF.py"),
    ],
)
def test_sarif_paths_are_uris(path: str, uri: str) -> None:
    (told,) = loaded(sarif.render(Result((finding(place(path, 1, 1, 2)),), (), 1)))["runs"][0][
        "results"
    ]
    found = told["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert found == uri
    assert os.fsdecode(unquote(found, errors="surrogateescape").encode("utf-8", "surrogateescape"))


def test_sarif_text_has_no_placeholders_and_links() -> None:
    told = loaded(sarif.render(EVIL))["runs"][0]["results"][0]["message"]["text"]
    assert "{{0}}" in told
    assert "[l\\](http" in told


def known(result: Result) -> list[list[str]]:
    run = loaded(sarif.render(result))["runs"][0]
    in_sarif = [next(iter(item["partialFingerprints"].values())) for item in run["results"]]
    in_gitlab = [item["fingerprint"] for item in loaded(gitlab.render(result))]
    return [in_sarif, in_gitlab]


def moved(item: Finding, lines: int) -> Finding:
    span = item.place.span
    to = Span(span.line + lines, span.column, span.end_line + lines, span.end_column)
    return replace(item, place=item.place._replace(span=to))


def test_fingerprints_stay_when_lines_move_and_tell_findings_apart() -> None:
    other, again = moved(ERROR, 9), replace(moved(ERROR, 12), message="another")
    before, after = (ERROR, other, again), tuple(moved(x, 5) for x in (ERROR, other, again))
    assert known(Result(before, (), 1)) == known(Result(after, (), 1))
    for found in known(Result(before, (), 1)):
        assert len(set(found)) == 3


# GitHub.


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """Read workflow commands as a runner does."""
    found = []
    for line in text.splitlines():
        match = re.fullmatch(r"::(\w+) ([^:]*)::(.*)", line)
        assert match, line
        pairs = (pair.split("=", 1) for pair in match[2].split(","))
        values = {
            key: re.sub("%(25|0D|0A|3A|2C)", lambda code: chr(int(code[1], 16)), value)
            for key, value in pairs
        }
        message = re.sub("%(25|0D|0A)", lambda code: chr(int(code[1], 16)), match[3])
        found.append((match[1], values, message))
    return found


def test_github() -> None:
    assert commands(github.render(MIXED)) == [
        (
            "error",
            {
                "file": "app/run.py",
                "line": "6",
                "endLine": "7",
                "col": "11",
                "title": "EG101 inference-without-eval (certain)",
            },
            """\
`net` is called for inference in train mode
app/net.py:2:9: drops in train mode
app/run.py:3:7: built here, in train mode
app/run.py:4:1: put in train mode here
help: call `net.eval()` before""",
        ),
        (
            "notice",
            {
                "file": "app/run.py",
                "line": "8",
                "endLine": "8",
                "col": "5",
                "endColumn": "9",
                "title": "EG201 eval-without-no-grad (likely)",
            },
            "gradients are recorded for nothing",
        ),
        (
            "warning",
            {"file": "app/broken.py", "line": "3", "title": "could not be checked"},
            "syntax error: invalid syntax",
        ),
        (
            "warning",
            {"file": "app/lost.py", "title": "could not be checked"},
            "can't be read: permission denied",
        ),
    ]


def test_github_of_a_notebook() -> None:
    ((_, where, message),) = commands(github.render(Result((IN_CELL,), (), 1)))
    assert (where["line"], "col" in where) == ("40", False)
    assert message.startswith("cell 3, line 2: `net` is")


def test_github_escapes_what_has_a_meaning() -> None:
    told = commands(github.render(EVIL))
    assert len(told) == 4
    assert all("%0A,:" in where["file"] for _, where, _ in (told[0], told[2]))
    assert "%0A" in told[0][2]


# GitLab.

GITLAB = {
    "type": "array",
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string"},
            "check_name": {"type": "string"},
            "fingerprint": {"type": "string"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": r"^(?!\./)"},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}


@pytest.mark.parametrize("result", RESULTS.values(), ids=RESULTS)
def test_gitlab_has_the_documented_keys(result: Result) -> None:
    jsonschema.validate(loaded(gitlab.render(result)), GITLAB)


def test_gitlab() -> None:
    first, second, broken, lost = loaded(gitlab.render(MIXED))
    assert (first["check_name"], first["severity"], first["location"]) == (
        "inference-without-eval",
        "critical",
        {"path": "app/run.py", "lines": {"begin": 6, "end": 7}},
    )
    assert second["severity"] == "minor"
    assert broken["location"]["lines"] == {"begin": 3}
    assert lost["location"]["lines"] == {"begin": 1}
    (cell,) = loaded(gitlab.render(Result((IN_CELL,), (), 1)))
    assert cell["location"]["lines"] == {"begin": 40}
    assert cell["description"].startswith("EG101: cell 3, line 2: `net`")
    dotted = Result((finding(place("./x.py", 1, 1, 2)),), (), 1)
    assert loaded(gitlab.render(dotted))[0]["location"]["path"] == "x.py"


# JUnit.


@pytest.mark.parametrize("result", RESULTS.values(), ids=RESULTS)
def test_junit_as_a_parser_reads_it(result: Result) -> None:
    parsed = JUnitXml.fromstring(junit.render(result).encode())
    cases = [case for suite in parsed for case in suite]
    assert parsed.failures == len(result.findings)
    assert parsed.errors == len(result.errors)
    assert parsed.tests == len(cases) == max(len(result.findings) + len(result.errors), 1)
    assert sum(bool(case.result) for case in cases) == len(result.findings) + len(result.errors)


def test_junit() -> None:
    root = ET.fromstring(junit.render(MIXED))  # noqa: S314 (of our own making)
    assert [suite.get("name") for suite in root] == ["app/run.py", "app/broken.py", "app/lost.py"]
    case, _ = root[0]
    assert case.get("name") == "EG101 inference-without-eval at 6:11"
    assert (case.get("file"), case.get("line")) == ("app/run.py", "6")
    failure = case.find("failure")
    assert failure is not None
    assert failure.get("type") == "error"
    assert (failure.text or "").splitlines() == [
        "app/run.py:6:11: `net` is called for inference in train mode (certain)",
        "app/net.py:2:9: drops in train mode",
        "app/run.py:3:7: built here, in train mode",
        "app/run.py:4:1: put in train mode here",
        "help: call `net.eval()` before",
    ]
    cell = ET.fromstring(junit.render(Result((IN_CELL,), (), 1)))  # noqa: S314
    assert cell[0][0].get("name") == "EG101 inference-without-eval at cell 3:2:5"
    assert cell[0][0].get("line") == "40"


# reviewdog. The schema says in JSON what the format's protocol buffers say.

POSITION = {
    "type": "object",
    "additionalProperties": False,
    "required": ["line"],
    "properties": {
        "line": {"type": "integer", "minimum": 1},
        "column": {"type": "integer", "minimum": 1},
    },
}
RANGE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["start"],
    "properties": {"start": POSITION, "end": POSITION},
}
LOCATION = {
    "type": "object",
    "additionalProperties": False,
    "required": ["path"],
    "properties": {"path": {"type": "string"}, "range": RANGE},
}
RDJSON = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "source": {"type": "object", "required": ["name"]},
        "diagnostics": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["message", "location"],
                "properties": {
                    "message": {"type": "string"},
                    "location": LOCATION,
                    "severity": {"enum": ["ERROR", "WARNING", "INFO"]},
                    "code": {"type": "object", "required": ["value"]},
                    "suggestions": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "additionalProperties": False,
                            "required": ["range", "text"],
                            "properties": {"range": RANGE, "text": {"type": "string"}},
                        },
                    },
                    "related_locations": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "additionalProperties": False,
                            "properties": {"message": {"type": "string"}, "location": LOCATION},
                        },
                    },
                },
            },
        },
    },
}


@pytest.mark.parametrize("result", RESULTS.values(), ids=RESULTS)
def test_rdjson_by_its_schema(result: Result) -> None:
    edits = {item: [PlacedEdit(item.place, "x")] for item in result.findings}
    jsonschema.validate(loaded(rdjson.render(result, lines_of)), RDJSON)
    jsonschema.validate(loaded(rdjson.render(result, lines_of, edits)), RDJSON)


def test_rdjson_counts_bytes() -> None:
    at = place("é.py", 1, 5, 8)
    edits = {finding(at): [PlacedEdit(place("a.py", 1, 5, 5), "日")]}
    (told,) = loaded(
        rdjson.render(Result((finding(at),), (), 1), lambda *_: ("日本é.net",), edits)
    )["diagnostics"]
    span = {"start": {"line": 1, "column": 10}, "end": {"line": 1, "column": 13}}
    assert told["location"] == {"path": "é.py", "range": span}
    (suggestion,) = told["suggestions"]
    assert suggestion == {"range": {"start": span["start"], "end": span["start"]}, "text": "日"}


def test_rdjson_without_lines_has_no_columns() -> None:
    first, *_, lost = loaded(rdjson.render(MIXED, lambda *_: ()))["diagnostics"]
    assert first["location"]["range"] == {"start": {"line": 6}, "end": {"line": 7}}
    assert [item["message"] for item in first["related_locations"]] == [
        "drops in train mode",
        "built here, in train mode",
        "put in train mode here",
    ]
    assert lost["location"] == {"path": "app/lost.py"}


def test_rdjson_of_a_notebook() -> None:
    (told,) = loaded(rdjson.render(Result((IN_CELL,), (), 1), lines_of))["diagnostics"]
    assert told["location"]["range"] == {"start": {"line": 40}}
    assert told["message"].startswith("cell 3, line 2: ")


# Lines of JSON, and counts.


def test_json_lines_are_the_entries_of_json() -> None:
    lines = [json.loads(line) for line in json_report.render_lines(MIXED).splitlines()]
    whole = json.loads(json_report.render(MIXED))
    assert lines == [
        *({"type": "finding", **entry} for entry in whole["findings"]),
        *({"type": "error", **entry} for entry in whole["errors"]),
    ]
    assert json_report.render_lines(CLEAN) == ""


def test_statistics() -> None:
    assert statistics.render(MIXED) == (
        "1  EG101  inference-without-eval\n1  EG201  eval-without-no-grad\n"
        "2 files could not be checked\n"
    )
    many = Result((ERROR,) * 11 + MIXED.findings[1:], (), 1)
    assert statistics.render(many) == (
        "11  EG101  inference-without-eval\n 1  EG201  eval-without-no-grad\n"
    )
    assert statistics.render(CLEAN) == ""


@pytest.mark.parametrize("name", MACHINES)
def test_forms_for_programs_don_t_depend_on_the_terminal(name: str) -> None:
    assert render(name, MIXED, VIEW) == render(name, MIXED, VIEW._replace(width=40, color=True))
