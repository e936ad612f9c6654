"""How sure a finding is, by how sure it is that the layer it speaks of is there."""

from __future__ import annotations

import pytest

from evalguard.check import Options, check_source
from evalguard.finding import Confidence

PROGRAM = """
import sys

import torch
from torch import nn


def chosen(name):
    if name.lower() == "drop":
        return nn.Dropout(0.5)
    return nn.ReLU()


class Block(nn.Module):
    def __init__(self, how):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(4, 4), chosen(how))

    def forward(self, x):
        return self.inner(x)


class Net(nn.Module):
    def __init__(self, how, wide=False):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(4, 4)])
        {added}

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


def evaluate(net, batches):
    net.train()
    with torch.no_grad():
        for x in batches:
            print(net(x).argmax(1).tolist())


if len(sys.argv) > 1:
    evaluate(Net({how}), [torch.randn(2, 4) for _ in range(9)])
"""


def confidence(added: str, how: str = "sys.argv[1]") -> Confidence | None:
    text = PROGRAM.replace("{added}", added).replace("{how}", how)
    found = check_source(text, "net.py").findings
    assert len(found) < 2
    return found[0].confidence if found else None


@pytest.mark.parametrize(
    "added",
    [
        "self.layers.append(nn.Dropout(0.5))",
        "self.layers.append(chosen('Drop'))",
        "self.layers.extend([nn.ReLU(), Block('drop')])",
    ],
)
def test_a_layer_that_is_there_whatever_happens(added: str) -> None:
    assert confidence(added) is Confidence.CERTAIN
    assert confidence(added, "'relu'") is Confidence.CERTAIN


@pytest.mark.parametrize(
    "added",
    [
        "self.layers.append(chosen(how))",
        "self.layers.append(Block(how))",
        "self.layers.append(nn.Dropout(0.5) if how == 'drop' else nn.ReLU())",
        "self.layers.extend(chosen(how) for _ in range(2))",
    ],
)
def test_a_layer_that_is_there_under_a_condition(added: str) -> None:
    assert confidence(added) is Confidence.LIKELY
    assert confidence(added, "'drop'") is Confidence.CERTAIN
    assert confidence(added, "'relu'") is None


def test_of_two_layers_the_surer_counts() -> None:
    added = "self.layers.extend([chosen(how), nn.Dropout(0.1)])"
    assert confidence(added) is Confidence.CERTAIN


TRAINING = """
        for x, y in batches:
            optimizer.zero_grad()
            criterion(net(x), y).backward()
            optimizer.step()"""
MEASURING = """
        with torch.no_grad():
            for x, y in held:
                print({measured})"""
OF_NET = MEASURING.replace("{measured}", "net(x).argmax(1).tolist()")
OF_LOSS = MEASURING.replace("{measured}", "criterion(net(x), y).item()")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (TRAINING + OF_NET, [Confidence.POSSIBLE]),
        (OF_NET + TRAINING, [Confidence.POSSIBLE]),
        (TRAINING + OF_LOSS, [Confidence.POSSIBLE]),
        (OF_NET, []),
        ("net.train()" + TRAINING + OF_NET, [Confidence.LIKELY]),
        (TRAINING + "\n        net.eval()" + OF_NET, []),
        (OF_NET + "\n        net.train()" + TRAINING, []),
        ("net.train()" + TRAINING + "\n        net.eval()" + OF_LOSS, []),
        ("if not held:" + TRAINING.replace("\n", "\n    ") + "\n            return" + OF_NET, []),
    ],
)
def test_measured_in_the_mode_of_training(body: str, expected: list[Confidence]) -> None:
    """Whatever mode the callers left, one of the two is wrong."""
    head = "import torch\n\n\ndef fit(net, criterion, optimizer, batches, held):\n    if True:\n"
    options = Options(min_confidence=Confidence.POSSIBLE)
    found = check_source(f"{head}        {body.lstrip()}\n", "fit.py", options).findings
    assert [each.confidence for each in found] == expected
