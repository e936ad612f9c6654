"""Bad programs cost about what their size says; ``python -m tools.growth`` measures larger ones."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from evalguard.check import check_source, check_texts
from tools.fuzz import alarm
from tools.hard import grown, nested

MOST_CALLS = 3.0  # times as many calls for twice the size: 2 is linear, 4 quadratic
SIZE, SMALLER = 60, 15
DEAR = {
    "bases-in-files", "classes", "loops", "many-classes", "packages", "ring", "stars", "subclasses",
}  # fmt: skip
FUELLED = {"all-call-all", "files"}  # linear only where each entry point uses up its fuel


def calls(files: grown.Files) -> int:
    """Count the calls of functions, which chance and other processes have no part in."""
    count = [0]

    def note(_: Any, event: str, __: Any) -> None:
        count[0] += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        result = check_texts(files)
    finally:
        sys.setprofile(before)
    assert all(len(error.reason) < 200 for error in result.errors)
    return count[0]


@pytest.mark.parametrize("shape", sorted(grown.SHAPES.keys() - FUELLED))
def test_the_work_grows_with_the_size(shape: str) -> None:
    make, size = grown.SHAPES[shape], SMALLER if shape in DEAR else SIZE
    check_texts(make(2))
    assert calls(make(2 * size)) < MOST_CALLS * calls(make(size)) + 5_000


@pytest.mark.parametrize("shape", nested.SHAPES)
def test_nesting_does_not_multiply(shape: str) -> None:
    with alarm(30):
        check_source(nested.program(shape, 30))


@pytest.mark.parametrize(
    "shape", ["match", "match-strings", "many-returns", "decorators", "methods"]
)
def test_nothing_exhausts_the_stack(shape: str) -> None:
    assert check_texts(grown.SHAPES[shape](1200)).errors == ()


def test_long_chains_of_conditions_are_read() -> None:
    arms = "".join(f"elif a == {i}:\n    net.train()\n" for i in range(2_000))
    text = f"{grown.HEAD}{grown.NET}if a:\n    net.eval()\n{arms}net(x)\n"
    assert check_source(text).errors == ()


def test_a_file_has_a_limit_that_is_told() -> None:
    (error,) = check_source("x = [" + "1," * 750_001 + "]\n").errors
    assert error.reason == "holds too much to be checked: more than 750,000 parts"


def test_a_hundred_thousand_lines_are_read() -> None:
    text = "def f(a, b):\n    return a.c(b)\n\n\n" * 25_000
    assert check_source(text).errors == ()


@pytest.mark.parametrize(
    "line",
    [
        "x = {N: net}\nx[N].eval()",
        "if a == N: net.eval()\nnet(x)",
        "net.train(N)",
        "net.train(mode=-N)",
        "for i in range(N): net.eval()\nfor i in range(-N, N, N): net(i)",
        "getattr(net, N)()",
        "nn.Dropout(N)(x)",
        "match a:\n    case N: net.eval()",
    ],
)
def test_numbers_may_be_longer_than_python_writes_out(line: str) -> None:
    text = line.replace("N", f"0x{'f' * 20_000}")
    assert check_source(f"{grown.HEAD}{grown.NET}{text}\n").errors == ()
