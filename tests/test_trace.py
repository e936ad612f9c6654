"""``evalguard trace``: what is believed at each call of a module, and how that is shown."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from evalguard import knowledge
from evalguard.cli import main
from evalguard.flow import tracing
from evalguard.flow.analysis import Analysis
from evalguard.link import Program, link
from evalguard.lower import lower
from evalguard.modes import Mode
from evalguard.source import from_text
from evalguard.trace import joined
from literate import Case, cases

HERE = Path(__file__).parent
SUITES = [HERE / "fixtures" / "flow" / f"{name}.md" for name in ("callers", "holders", "trainers")]

NETWORK = """\
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.line = nn.Linear(2, 2)
        self.drop = nn.Dropout()

    def forward(self, x):
        return self.inner(self.line(x))

    def inner(self, x):
        return self.drop(x)
"""

PROGRAM = """\
import torch
from net import Net


def score(net, x):
    net.eval()
    with torch.no_grad():
        return net(x).item()


def main():
    net = Net()
    net(torch.ones(2, 2)).sum().backward()
    print(score(net, torch.ones(2, 2)))


if __name__ == "__main__":
    main()
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def traced(
    capsys: pytest.CaptureFixture[str], texts: Mapping[str, str], *arguments: str
) -> dict[str, Any]:
    for path, text in texts.items():
        Path(path).write_text(text, encoding="utf-8")
    assert main(["trace", *(arguments or texts), "--output-format", "json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def told(found: Mapping[str, Any], *keys: str) -> list[tuple[Any, ...]]:
    return [(call["line"], *(call[key] for key in keys)) for call in found["calls"]]


def program(case: Case) -> Program:
    units = [lower(from_text(text, path)) for path, text in case.texts().items()]
    return link(units, knowledge.load())


def test_each_call_is_told_with_its_chain_across_files(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = traced(capsys, {"net.py": NETWORK, "main.py": PROGRAM})
    chains = [
        (call["file"], call["line"], call["modes"], call["grad"], call["intent"],
         [step["line"] for step in call["calls"]])
        for call in found["calls"]
    ]  # fmt: skip
    assert chains == [
        ("main.py", 8, ["eval"], ["off"], "inference", [18, 14]),
        ("main.py", 13, ["train"], ["on"], "training", [18]),
        ("net.py", 11, [], ["on"], "unknown", [18, 13]),
        ("net.py", 11, [], ["off"], "unknown", [18, 14, 8]),
        ("net.py", 14, ["train"], ["on"], "training", [18, 13, 11]),
        ("net.py", 14, ["eval"], ["off"], "inference", [18, 14, 8, 11]),
    ]
    assert {call["sensitive"] for call in found["calls"] if call["line"] == 11} == {"no"}


def test_a_file_alone_is_traced_in_its_project(capsys: pytest.CaptureFixture[str]) -> None:
    both = traced(capsys, {"net.py": NETWORK, "main.py": PROGRAM})["calls"]
    for path in ("net.py", "main.py"):
        assert traced(capsys, {}, path)["calls"] == [call for call in both if call["file"] == path]


@pytest.mark.parametrize("page", SUITES, ids=lambda page: page.stem)
def test_what_check_believes_is_told_as_it_is(page: Path) -> None:
    some = 0
    for case in cases(page):
        found = program(case)
        analysis = Analysis(found)
        analysis.facts()
        told = {(call.place, call.calls): call for call in tracing.trace(found, case.files).calls}
        for call in joined(analysis.recorder.passes()):
            if call.calls or Mode.UNSEEN not in call.mode:
                some += 1
                assert told[(call.place, call.calls)] == call, case.title
    assert some


def test_functions_that_check_leaves_out_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    text = """\
from torch import nn


def use(net, x):
    return net(x)


class Holder:
    def __init__(self):
        self.net = nn.Dropout()

    def never(self, x):
        return self.net(x)
"""
    found = traced(capsys, {"a.py": text})
    assert told(found, "module", "modes", "assumed", "calls") == [
        (5, "net", [], False, []),
        (13, "self.net", ["train"], True, []),
    ]


def test_what_is_called_need_not_be_a_module(capsys: pytest.CaptureFixture[str]) -> None:
    text = "def call(fn, x):\n    fn(x)\n\n\ndef use(net, x):\n    net.eval()\n    net(x)\n"
    assert told(traced(capsys, {"a.py": text}), "modes") == [(7, ["eval"])]
    found = traced(capsys, {"a.py": f"import torch\n{text}"})
    assert told(found, "modes") == [(3, []), (8, ["eval"])]


def test_a_mode_that_may_be_anything_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    text = """\
from torch import nn

net = nn.Dropout()
net.train(bool(input()))
net(1)
"""
    found = traced(capsys, {"a.py": text})
    assert told(found, "modes") == [(5, [])]
    assert [(each["mode"], each["how"]) for each in found["switches"]] == [("unknown", "flag")]


def test_both_modes_and_mixed_ones(capsys: pytest.CaptureFixture[str]) -> None:
    text = """\
from torch import nn

net = nn.Sequential(nn.Dropout(), nn.BatchNorm1d(3))
for _ in range(3):
    net(1)
    net.eval()
net.train()
net[1].eval()
net(1)
"""
    found = traced(capsys, {"a.py": text})
    assert told(found, "modes", "mixed") == [
        (5, ["train", "eval"], False),
        (9, ["train", "eval"], True),
    ]
    assert [(each["line"], each["module"], each["mode"]) for each in found["switches"]] == [
        (6, "net", "eval"),
        (7, "net", "train"),
        (8, "net[1]", "eval"),
    ]


def test_modules_in_a_container_are_followed_inside(capsys: pytest.CaptureFixture[str]) -> None:
    text = f"{NETWORK}\n\nnn.DataParallel(nn.Sequential(Net(), Net()).eval())(1)\n"
    found = traced(capsys, {"a.py": text})
    assert (14, ["eval"]) in told(found, "modes")


def test_a_forward_pass_leaves_its_caller_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    text = """\
from torch import nn


class Odd(nn.Module):
    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout()

    def forward(self, x):
        self.drop.eval()
        return self.drop(x)


net = Odd()
net(1)
net(1)
"""
    found = traced(capsys, {"a.py": text})
    assert (15, ["train"]) in told(found, "modes")
    assert (11, ["eval"]) in told(found, "modes")


def test_calls_beyond_the_budget_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    body = "    net.eval()\n" * 120
    calls = "run(nn.Dropout())\n" * 10
    text = f"from torch import nn\n\n\ndef run(net):\n{body}    net(1)\n\n\n{calls}"
    found = traced(capsys, {"a.py": text})
    assert {item["function"] for item in found["unfollowed"]} == {"run"}
    assert {call["whole"] for call in found["calls"]} == {False}
    assert main(["trace", "a.py"]) == 0
    assert "= not every call that leads here was followed" in capsys.readouterr().out


def test_forward_passes_beyond_the_budget_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    text = (
        "from torch import nn\n\n\nclass Net(nn.Module):\n    def __init__(self):\n"
        "        self.drop = nn.Dropout()\n\n    def forward(self, x):\n"
        "        return self.drop(x)\n\n\nnet = Net()\n" + "net(1)\n" * 300
    )
    found = traced(capsys, {"a.py": text})
    assert {item["function"] for item in found["unfollowed"]} == {"Net.forward"}
    whole = {(call["line"] > 10, call["whole"]) for call in found["calls"]}
    assert whole == {(True, True), (False, False)}


@pytest.mark.parametrize("times", [30, 300])
def test_what_only_leads_on_is_followed_as_far_as_the_budget_goes(
    times: int, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (
        f"{NETWORK}\n\nclass Child(Net):\n    def forward(self, x):\n"
        "        return super().forward(x)\n\n\nnet = Child()\n" + "net(1)\n" * times
    )
    found = traced(capsys, {"a.py": text})
    whole = {call["whole"] for call in found["calls"] if call["line"] == 14}
    assert whole == {times == 30}
    assert bool(found["unfollowed"]) == (times == 300)


def test_what_is_left_open_by_the_budget_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    deep = "".join(f"def f{n}(y):\n    f{n + 1}(y)\n\n\n" for n in range(40))
    text = (
        f"from torch import nn\n\n\n{deep}def f40(y):\n    y.backward()\n\n\n"
        "net = nn.Dropout()\nf0(net(1))\n"
    )
    found = traced(capsys, {"a.py": text})
    assert [(call["followed"], call["intent"]) for call in found["calls"]] == [(False, "unknown")]


def test_the_order_of_files_does_not_matter(capsys: pytest.CaptureFixture[str]) -> None:
    one = traced(capsys, {"net.py": NETWORK, "main.py": PROGRAM})
    assert traced(capsys, {}, "main.py", "net.py") == one
    assert traced(capsys, {}, ".") == one


def test_a_notebook_is_told_by_cell(capsys: pytest.CaptureFixture[str]) -> None:
    cells = ["from torch import nn\nnet = nn.Dropout()", "net.eval()\nnet(1)"]
    book = {
        "cells": [
            {"cell_type": "code", "source": cell, "metadata": {}, "outputs": []} for cell in cells
        ],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    found = traced(capsys, {"a.ipynb": json.dumps(book)})
    assert [(call["cell"], call["line"], call["column"]) for call in found["calls"]] == [(2, 2, 1)]
    assert [(each["cell"], each["line"]) for each in found["calls"][0]["origins"]] == [(2, 1)]
    assert main(["trace", "a.ipynb"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("a.ipynb:cell 2\n")
    assert "         eval on     2 | net(1)\n" in shown
    assert "cell 1" not in shown


def test_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = b"from torch import nn\nnn.Dropout().eval()(1)\n"
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(text)))
    assert main(["trace", "--stdin-filename", "new.py"]) == 0
    assert "| nn.Dropout().eval()(1)\n" in capsys.readouterr().out


def test_files_that_cannot_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    found = traced(capsys, {"a.py": "import torch\n", "b.py": "def :\n"})
    assert [(error["file"], error["line"]) for error in found["errors"]] == [("b.py", 1)]
    assert main(["trace", "b.py"]) == 2
    assert "error: b.py:1:5: could not be checked: syntax error" in capsys.readouterr().out


def test_what_does_not_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "lost.py"]) == 2
    assert "lost.py" in capsys.readouterr().err


def test_configuration_counts(capsys: pytest.CaptureFixture[str]) -> None:
    tables = '[knowledge.layers]\n"mylib.Noise" = { sensitive = "yes" }\n'
    Path("evalguard.toml").write_text(tables, encoding="utf-8")
    found = traced(capsys, {"a.py": "import torch\nimport mylib\n\nmylib.Noise()(1)\n"})
    assert told(found, "sensitive", "modes") == [(4, "yes", ["train"])]


TEXT = """\
main.py
         mode grad
                      5 | def score(net, x):
      -> eval         6 |     net.eval()
                      7 |     with torch.no_grad():
         eval off     8 |         return net(x).item()
                        = net: eval by net.eval() at line 6; no gradients; for inference
                    ...
                     11 | def main():
                     12 |     net = Net()
        train on     13 |     net(torch.ones(2, 2)).sum().backward()
                        = net: train as built at line 12; for training
                     14 |     print(score(net, torch.ones(2, 2)))
"""


def test_the_text_letter_for_letter(capsys: pytest.CaptureFixture[str]) -> None:
    traced(capsys, {"net.py": NETWORK, "main.py": PROGRAM})
    assert main(["trace", "main.py"]) == 0
    shown = capsys.readouterr().out
    assert shown.splitlines()[:-5] == TEXT.splitlines()
    assert shown.endswith("\n\n2 calls of modules, 1 switch in 1 file.\n")


def test_callers_that_bring_different_modes_are_told_apart(
    capsys: pytest.CaptureFixture[str],
) -> None:
    traced(capsys, {"net.py": NETWORK, "main.py": PROGRAM})
    assert main(["trace", "net.py"]) == 0
    shown = capsys.readouterr().out
    assert "   train|eval on|off 14 |         return self.drop(x)\n" in shown
    assert "= self.drop: train as built at line 8; for training" in shown
    assert " (called at line 11, from main.py:13:5)\n" in shown
    assert " (called at line 11, from main.py:8:16)\n" in shown
    assert "            - on|off 11 |         return self.inner(self.line(x))\n" in shown


def test_long_functions_are_cut_and_shown_whole_on_demand(
    capsys: pytest.CaptureFixture[str],
) -> None:
    body = "".join(f"    a{n} = {n}\n" for n in range(60))
    text = f"from torch import nn\n\n\ndef run():\n{body}    nn.Dropout()(1)\n\n\nlast = 1\n"
    traced(capsys, {"a.py": text})
    assert main(["trace", "a.py"]) == 0
    shown = capsys.readouterr().out
    assert "| def run():\n" in shown
    assert "a59 = 59" in shown
    assert "a30 = 30" not in shown
    assert "last = 1" not in shown
    assert main(["trace", "a.py", "--all-lines"]) == 0
    shown = capsys.readouterr().out
    assert "a30 = 30" in shown
    assert "last = 1" in shown


def test_nothing_reaches_the_terminal_that_it_would_obey(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = "from torch import nn\nnets = {'\x1b]0;x\x07': nn.Dropout()}\nnets['\x1b]0;x\x07'](1)\n"
    traced(capsys, {"a\x1b.py": text})
    assert main(["trace", "a\x1b.py"]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert r"nets['\x1b]0;x\x07'](1)" in shown


def test_colour_only_where_it_is_wanted(here: Path) -> None:
    from evalguard.check import trace_paths
    from evalguard.report import trace_text
    from evalguard.source import lines

    (here / "a.py").write_text("from torch import nn\nnn.Dropout()(1)\n", encoding="utf-8")
    told = trace_paths(["a.py"])
    assert "\x1b[32m        train " in trace_text.render(told, lines, color=True)
    assert "\x1b" not in trace_text.render(told, lines)


def test_nothing_to_tell(capsys: pytest.CaptureFixture[str]) -> None:
    traced(capsys, {"a.py": "print(1)\n"})
    assert main(["trace", "a.py"]) == 0
    assert capsys.readouterr().out == "0 calls of modules, 0 switches in 1 file.\n"
