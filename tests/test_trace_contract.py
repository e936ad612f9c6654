"""The JSON of a trace, key for key, and the page that promises it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from evalguard.facts import Forward, Module, Origin, Step
from evalguard.finding import FileError
from evalguard.modes import Grad, Intent, Mode, Sensitivity
from evalguard.report.trace_json import render
from evalguard.trace import Switched, Trace, Unfollowed
from samples import place

PAGE = (Path(__file__).parent.parent / "docs" / "trace.md").read_text(encoding="utf-8")
SWITCH = place("a.py", 3, 5, 15)
ORIGIN = Origin(Mode.EVAL, "switched", "net.eval()", SWITCH)
CALL = Forward(
    place("a.py", 4, 9, 15),
    "evaluate",
    (Step("evaluate", place("b.py", 8, 1, 20)),),
    module=Module("self.net", "Net", Sensitivity.YES),
    mode=Mode.EVAL,
    origins=(ORIGIN,),
    grad=Grad.OFF,
    intent=Intent.INFERENCE,
)
OPEN = Forward(
    place("c.py", 1, 1, 7),
    module=Module("net"),
    mode=Mode.TRAIN | Mode.UNSEEN,
    mixed=True,
    assumed=True,
    origins=(Origin(Mode.TRAIN | Mode.EVAL, "hook", "training_step", None),),
    grad=Grad.ON | Grad.OFF,
    unsettled=True,
)
TRACE = Trace(
    (CALL, OPEN),
    (Switched(SWITCH, "net", ORIGIN),),
    (Unfollowed(place("b.py", 9, 1, 20), "evaluate", place("a.py", 1, 1, 9, 5)),),
    errors=(FileError("d.py", "syntax error", 3, 7), FileError("e.py", "can't be read")),
    files=("a.py", "b.py", "c.py"),
)


def document() -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(render(TRACE))
    return parsed


def test_the_whole_document() -> None:
    start = {"file": "a.py", "cell": None, "line": 3, "column": 5}
    origin = {"mode": "eval", "how": "switched", "text": "net.eval()", **start}
    assert document() == {
        "schema": 1,
        "calls": [
            {
                "file": "a.py",
                "cell": None,
                "line": 4,
                "column": 9,
                "end_line": 4,
                "end_column": 15,
                "function": "evaluate",
                "module": "self.net",
                "type": "Net",
                "modes": ["eval"],
                "mixed": False,
                "assumed": False,
                "sensitive": "yes",
                "grad": ["off"],
                "intent": "inference",
                "followed": True,
                "whole": False,
                "origins": [origin],
                "calls": [
                    {"file": "b.py", "cell": None, "line": 8, "column": 1, "function": "evaluate"}
                ],
            },
            {
                "file": "c.py",
                "cell": None,
                "line": 1,
                "column": 1,
                "end_line": 1,
                "end_column": 7,
                "function": "",
                "module": "net",
                "type": "",
                "modes": [],
                "mixed": True,
                "assumed": True,
                "sensitive": "unknown",
                "grad": ["on", "off"],
                "intent": "unknown",
                "followed": False,
                "whole": True,
                "origins": [
                    {
                        "mode": "both",
                        "how": "hook",
                        "text": "training_step",
                        "file": None,
                        "cell": None,
                        "line": None,
                        "column": None,
                    }
                ],
                "calls": [],
            },
        ],
        "switches": [{**origin, "module": "net", "end_line": 3, "end_column": 15}],
        "unfollowed": [
            {
                "file": "b.py",
                "cell": None,
                "line": 9,
                "column": 1,
                "end_line": 9,
                "end_column": 20,
                "function": "evaluate",
            }
        ],
        "errors": [
            {"file": "d.py", "cell": None, "line": 3, "column": 7, "message": "syntax error"},
            {
                "file": "e.py",
                "cell": None,
                "line": None,
                "column": None,
                "message": "can't be read",
            },
        ],
    }


def test_the_page_promises_these_keys_and_no_others() -> None:
    whole = document()
    (call, _), (switch,) = whole["calls"], whole["switches"]
    for title, keys in (
        ("## `json`", whole),
        ("### A call", call),
        ("### An origin", call["origins"][0]),
        ("### An unfollowed call", whole["unfollowed"][0]),
        ("### An error", whole["errors"][0]),
    ):
        section = PAGE.split(f"\n{title}\n")[1].split("\n#")[0]
        cells = re.findall(r"^\| (`.*?`) \|", section, re.MULTILINE)
        assert {name for cell in cells for name in re.findall(r"`(\w+)`", cell)} == set(keys)
    assert switch.keys() == {*call["origins"][0], "module", "end_line", "end_column"}
