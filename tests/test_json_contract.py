"""The JSON report, key for key, and the page that promises it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from evalguard.finding import Result
from evalguard.repair import Action, Repair
from evalguard.report.edits import PlacedEdit
from evalguard.report.json import render
from samples import CLEAN, ERROR, MIXED, NOTE, note, place

PAGE = (Path(__file__).parent.parent / "docs" / "output.md").read_text(encoding="utf-8")


def document(result: Result) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(render(result))
    return parsed


def test_the_whole_document() -> None:
    assert document(MIXED) == {
        "version": 1,
        "findings": [
            {
                "code": "EG101",
                "rule": "inference-without-eval",
                "severity": "error",
                "confidence": "certain",
                "message": "`net` is called for inference in train mode",
                "path": "app/run.py",
                "line": 6,
                "column": 11,
                "end_line": 7,
                "end_column": 11,
                "cell": None,
                "evidence": [
                    {
                        "path": "app/net.py",
                        "cell": None,
                        "line": 2,
                        "message": "drops in train mode",
                    },
                    {
                        "path": "app/run.py",
                        "cell": None,
                        "line": 3,
                        "message": "built here, in train mode",
                    },
                    {
                        "path": "app/run.py",
                        "cell": None,
                        "line": 4,
                        "message": "put in train mode here",
                    },
                ],
                "help": "call `net.eval()` before",
                "fix": None,
            },
            {
                "code": "EG201",
                "rule": "eval-without-no-grad",
                "severity": "note",
                "confidence": "likely",
                "message": "gradients are recorded for nothing",
                "path": "app/run.py",
                "line": 8,
                "column": 5,
                "end_line": 8,
                "end_column": 10,
                "cell": None,
                "evidence": [],
                "help": "",
                "fix": None,
            },
        ],
        "errors": [
            {
                "path": "app/broken.py",
                "cell": None,
                "line": 3,
                "column": 7,
                "message": "syntax error: invalid syntax",
            },
            {
                "path": "app/lost.py",
                "cell": None,
                "line": None,
                "column": None,
                "message": "can't be read: permission denied",
            },
        ],
        "summary": {
            "files": 12,
            "findings": 2,
            "errors": 2,
            "severities": {"note": 1, "warning": 0, "error": 1},
            "rules": {"eval-without-no-grad": 1, "inference-without-eval": 1},
        },
    }


def test_a_fix_is_edits_of_the_findings_file() -> None:
    repair = Repair(Action.EVAL_BEFORE, ERROR.place)
    fixable = replace(ERROR, fix=repair)
    edits = {fixable: (PlacedEdit(place("app/run.py", 6, 1, 1), "    net.eval()\n"),)}
    told = json.loads(render(Result((fixable, NOTE), (), 1), edits))["findings"]
    edit = {
        "cell": None,
        "line": 6,
        "column": 1,
        "end_line": 6,
        "end_column": 1,
        "text": "    net.eval()\n",
    }
    assert told[0]["fix"] == {"safe": False, "edits": [edit]}
    assert told[1]["fix"] is None


def test_a_fix_that_cannot_be_made_is_none() -> None:
    fixable = replace(ERROR, fix=Repair(Action.EVAL_BEFORE, ERROR.place))
    assert document(Result((fixable,), (), 1))["findings"][0]["fix"] is None


def test_nothing_found_is_a_document_too() -> None:
    empty = document(CLEAN)
    assert empty["findings"] == empty["errors"] == []
    assert empty["summary"]["severities"] == {"note": 0, "warning": 0, "error": 0}


def test_any_path_survives_as_ascii() -> None:
    text = render(Result((note(place("naïve/\udcff\x1b.py", 1, 1, 2)),), (), 1))
    assert text.isascii()
    assert "\x1b" not in text
    assert json.loads(text)["findings"][0]["path"] == "naïve/\udcff\x1b.py"


def test_the_page_promises_these_keys_and_no_others() -> None:
    for title, keys in (
        ("## `json`", document(MIXED)),
        ("### A finding", document(MIXED)["findings"][0]),
        ("### A fix", {"safe": True, "edits": []}),
        ("### An error", document(MIXED)["errors"][0]),
        ("### The summary", document(MIXED)["summary"]),
    ):
        section = PAGE.split(f"\n{title}\n")[1].split("\n#")[0]
        cells = re.findall(r"^\| (`.*?`) \|", section, re.MULTILINE)
        assert {name for cell in cells for name in re.findall(r"`(\w+)`", cell)} == set(keys)
