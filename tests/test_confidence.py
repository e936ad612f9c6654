"""How sure a finding is, by how sure it is that the layer it speaks of is there."""

from __future__ import annotations

import pytest

from evalguard.check import check_source
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
