"""Whatever a call that the tables or the analysis know is given, the walk goes on."""

from __future__ import annotations

import builtins
import json
import re
from importlib import resources
from keyword import iskeyword

import pytest

from evalguard.check import check_source
from evalguard.flow.builtin import _CONTAINERS, BOUND, IMPORT, PARTIALS

SHAPES = (
    "{0}()", "{0}(*a)", "{0}(**a)", "{0}(a, *b, c=a, **b)", "{0}(1, 2, 3, 4, 5, 6)", "{0}(None)",
    "{0}([])", "{0}('', '')", "{0}(lambda: 0, net)", "{0}(net, net, net=net)", "{0}({0})",
    "{0}({{}}, {{1: net}})", "{0}([(1, 2, 3)], x=1)", "{0}(Net, 'net', 0)",
)  # fmt: skip
HEAD = """
import collections, dataclasses, functools, importlib, itertools, types
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        return self.drop(x)

net = Net()
"""
DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


def _tables() -> list[str]:
    folder = resources.files("evalguard.knowledge")
    return sorted(path.name for path in folder.iterdir() if path.name.endswith(".json"))


def _words(node: object) -> set[str]:
    """All that a table says that may be a name."""
    if isinstance(node, dict):
        return {word for pair in node.items() for part in pair for word in _words(part)}
    if isinstance(node, list):
        return {word for part in node for word in _words(part)}
    return {node} if isinstance(node, str) and DOTTED.fullmatch(node) else set()


def _walk(names: list[str], shape: str) -> None:
    """Each in a function of its own, so that none ends what comes after it."""
    lines = [
        f"def f{number}(a, b):\n    x = {shape.format(name)}\n    x(x)\nf{number}(input(), 1)\n"
        for number, name in enumerate(names)
    ]
    assert check_source(HEAD + "".join(lines)).errors == ()


@pytest.mark.parametrize("shape", SHAPES)
def test_of_builtins(shape: str) -> None:
    names = [name for name in dir(builtins) if not iskeyword(name)]
    names += [*_CONTAINERS, *PARTIALS, BOUND, IMPORT, "functools.reduce", "itertools.cycle"]
    _walk(names, shape)
    for owner, kind in (("a", str), ("[net]", list), ("{1: net}", dict), ("net", object)):
        _walk([f"{owner}.{name}" for name in dir(kind)], shape)


@pytest.mark.parametrize("table", _tables())
def test_of_what_the_tables_tell(table: str) -> None:
    told = json.loads((resources.files("evalguard.knowledge") / table).read_text("utf-8"))
    words = sorted(word for word in _words(told) if not any(map(iskeyword, word.split("."))))
    for shape in SHAPES[:4]:
        _walk(words, shape)
        _walk([f"net.{word}" for word in words if "." not in word], shape)
