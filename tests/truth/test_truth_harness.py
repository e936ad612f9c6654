"""The harness itself can fail: it sees what really happens, and tells wrong beliefs from right."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch", minversion="2.9")
if sys.version_info < (3, 11):
    pytest.skip("frames tell no columns", allow_module_level=True)

import torch

from literate import parse
from truth.coins import MOST, Coins, throws
from truth.grammar import written
from truth.law import Outcome, verdicts
from truth.programs import faults, judged
from truth.recorder import run
from truth.reduce import reduced
from truth.sensitive import Trials
from truth.sites import Belief, Happened, Site, Via

nn = torch.nn
SITE = Site("main.py", 1, 1, 1, 7)
MODES, EVAL, TRAIN = frozenset(("train", "eval")), frozenset(("eval",)), frozenset(("train",))
ON, OFF = frozenset(("on",)), frozenset(("off",))
RAN = Happened(SITE, (), "Net", EVAL, True, True, graph=True)
BELIEVED = Belief(SITE, (), EVAL, sensitive="yes", grad=ON)
PROGRAM = """\
import random
import torch
from torch import nn

net = nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.5))
x = torch.randn(4, 8)


def step(inputs):
    return [net(each) for each in inputs]


if random.random() < 0.5:
    net.eval()
step([x])
with torch.no_grad():
    net(x)
net(x).sum().backward()
"""


@pytest.mark.parametrize(
    ("belief", "outcome"),
    [
        (BELIEVED, Outcome.EXACT),
        (replace(BELIEVED, modes=MODES), Outcome.WIDE),
        (replace(BELIEVED, grad=ON | OFF), Outcome.WIDE),
        (replace(BELIEVED, mixed=True), Outcome.WIDE),
        (replace(BELIEVED, modes=frozenset()), Outcome.UNKNOWN),
        (replace(BELIEVED, grad=frozenset()), Outcome.UNKNOWN),
        (replace(BELIEVED, modes=TRAIN, assumed=True), Outcome.UNKNOWN),
        (replace(BELIEVED, modes=TRAIN, chain=(Via("main.py", 9, "f"),)), Outcome.UNKNOWN),
        (replace(BELIEVED, modes=TRAIN), Outcome.REFUTED),
        (replace(BELIEVED, grad=OFF), Outcome.REFUTED),
        (replace(BELIEVED, sensitive="no"), Outcome.REFUTED),
        (replace(BELIEVED, intent="training"), Outcome.REFUTED),
    ],
)
def test_the_law(belief: Belief, outcome: Outcome) -> None:
    (verdict,) = verdicts([belief], [RAN])
    assert verdict.outcome is outcome, verdict.why


def test_a_backward_pass_speaks_against_inference() -> None:
    (verdict,) = verdicts([replace(BELIEVED, intent="inference")], [replace(RAN, trained=True)])
    assert verdict.outcome is Outcome.REFUTED


def test_what_nobody_believes_is_unknown() -> None:
    (verdict,) = verdicts([], [RAN])
    assert verdict.outcome is Outcome.UNKNOWN


def test_what_runs_is_seen(tmp_path: Path) -> None:
    calls = run({"main.py": PROGRAM}, tmp_path.resolve(), "main.py")
    seen = {(c.site[1:], c.chain, tuple(sorted(c.modes)), c.recording, c.trained) for c in calls}
    via = (Via("main.py", 15, "step"),)
    assert seen == {
        ((10, 13, 10, 22), via, ("eval",), True, False),
        ((10, 13, 10, 22), via, ("train",), True, False),
        ((17, 5, 17, 11), (), ("eval",), False, False),
        ((17, 5, 17, 11), (), ("train",), False, False),
        ((18, 1, 18, 7), (), ("eval",), True, True),
        ((18, 1, 18, 7), (), ("train",), True, True),
    }


def test_a_program_leaves_nothing_behind(tmp_path: Path) -> None:
    before = nn.Module.__call__, set(sys.modules), list(sys.path), Path.cwd()
    text = "import other\nimport torch\ntorch.set_grad_enabled(False)\n"
    run({"other.py": "", "main.py": text}, tmp_path.resolve(), "main.py")
    assert (nn.Module.__call__, set(sys.modules), list(sys.path), Path.cwd()) == before
    assert torch.is_grad_enabled()


def test_a_coin_falls_both_ways() -> None:
    sides = [[coins.random() < 0.5 for _ in range(2)] for coins in throws()]
    assert sorted(sides) == [[False, False], [False, True], [True, False], [True, True]]


def test_many_coins_fall_some_ways() -> None:
    def often(coins: Coins) -> int:
        return len([coins.random() for _ in range(10)])

    assert len([often(coins) for coins in throws()]) == 2 * MOST


@pytest.mark.parametrize(
    ("layer", "outcome"),
    [
        (nn.Dropout(0.5), True),
        (nn.Dropout(0.0), False),
        (nn.Dropout2d(0.5), True),
        (nn.BatchNorm1d(8), True),
        (nn.BatchNorm1d(8, track_running_stats=False), False),
        (nn.BatchNorm2d(8), True),
        (nn.InstanceNorm1d(8, track_running_stats=True), True),
        (nn.LayerNorm(8), False),
        (nn.Linear(8, 8), False),
        (nn.RReLU(), True),
        (nn.LSTM(8, 8, num_layers=2, dropout=0.5), True),
        (nn.LSTM(8, 8), False),
        (nn.Sequential(nn.Dropout(0.5)), False),
        (nn.ModuleList([nn.Dropout(0.5)]), False),
        (nn.Bilinear(3, 3, 3), None),
    ],
    ids=repr,
)
def test_layers_are_tried_out(layer: object, outcome: bool | None) -> None:
    assert Trials().outcome(layer) is outcome


def test_pages_can_fail(tmp_path: Path) -> None:
    page = f"## A case\n\n```python\n{PROGRAM}net.eval()  # missed: [refuted]\n```\n"
    (case,) = parse(page.replace("net(each)", "net(each)  # missed: [unknown]\n    "), "page.md")
    found = judged(case.texts(), tmp_path.resolve(), "main.py")
    known, never = (fault.partition("\n")[0] for fault in faults(case, found))
    assert known.startswith("page.md:13: marked as unknown, and isn't (any more): exact: believed:")
    assert never == "page.md:23: marked as refuted, and isn't (any more): not run"


def test_a_seed_is_a_program() -> None:
    texts = [written(seed) for seed in range(20)]
    assert texts == [written(seed) for seed in range(20)]
    assert len(set(texts)) == 20


def test_programs_are_reduced() -> None:
    text = "a = 1\nif a:\n    b = 2\n    c = 3\nelse:\n    d = 4\nprint(a)\n"
    assert reduced(text, lambda each: "c = 3" in each) == "c = 3\n"
