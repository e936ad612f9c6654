"""What a look at a file's lines tells of its imports, held against what the parser tells."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalguard.context import textual
from evalguard.context.outline import outline
from evalguard.lower import lower
from evalguard.source import from_text

ROOT = Path(__file__).parents[1]
OWN = sorted(path for room in ("src", "tools", "tests") for path in (ROOT / room).rglob("*.py"))

Told = tuple[str, int, str | None]


def told(text: str) -> list[Told]:
    return [stmt[:3] for stmt in textual.imports(text.encode())]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import a", [("a", 0, None)]),
        ("import a.b as c, d", [("a.b", 0, None), ("d", 0, None)]),
        ("from a.b import c, d as e", [("a.b", 0, "c"), ("a.b", 0, "d")]),
        ("from . import a", [("", 1, "a")]),
        ("from ...a import b  # c", [("a", 3, "b")]),
        ("from .a import *", [("a", 1, "*")]),
        ("from . a import b", [("a", 1, "b")]),
        ("from a import (\n  b,  # (c)\n  d,\n)\nx = (1)", [("a", 0, "b"), ("a", 0, "d")]),
        ("from a import(b)", [("a", 0, "b")]),
        ("from a import (b", [("a", 0, "b")]),
        ("from a import b, \\\n    c", [("a", 0, "b"), ("a", 0, "c")]),
        ("from a import b, \\\r\n    c\r\nimport d\r\n",
         [("a", 0, "b"), ("a", 0, "c"), ("d", 0, None)]),
        ("def f():\n    import a\n\tfrom b import c", [("a", 0, None), ("b", 0, "c")]),
        ("important = 1\nx.import_(a)\nf('import a')", []),
        ("import", []),
        ("from import", []),
        ("", []),
    ],
)  # fmt: skip
def test_import_lines(text: str, expected: list[Told]) -> None:
    assert told(text) == expected


def test_a_long_line_is_not_searched_again_and_again() -> None:
    text = "x = '" + "import " * 200_000 + "'\nimport a\n"
    assert told(text) == [("a", 0, None)]


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_no_import_is_overlooked(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    found = outline(lower(from_text(text, path.name)))
    parsed = {stmt[:3] for item in found.items for stmt in item.imports}
    parsed |= {stmt[:3] for stmt in found.imports}
    assert parsed <= {*told(text), *((name.partition(".")[0], 0, None) for name, *_ in told(text))}


def test_names_are_those_of_the_first_column() -> None:
    text = """
import a.b
from c import d as e, f
from g import *
x = y = 1
p, q = 1, 2
z: int = 3
w == 1
def h(k=1):
    inner = 2
async def i(): ...
class J(x):
    field = 1
x.attribute = 1
"""
    surface = textual.surface(text.encode())
    assert surface.variables >= {"x", "p", "q", "z"}
    assert surface.names >= surface.variables | {"a", "e", "f", "h", "i", "J"}
    assert surface.names.isdisjoint({"inner", "field", "attribute", "w", "k", "c", "d"})
    assert [stmt.module for stmt in surface.stars] == ["g"]


def test_parts_that_are_frozen_from_outside() -> None:
    text = "for p in net.body.parameters():\n    p.requires_grad = False\n"
    assert textual.frozen(text.encode()) == {"body"}
    assert textual.frozen(text.replace("requires_grad", "data").encode()) == set()
    assert textual.frozen(b"net.deep.head.requires_grad_(False)\n") == {"head"}


def test_a_row_of_numbers_is_passed_over() -> None:
    data = b"1, " * 1_000_000 + b"\nx = 1\n"
    assert textual.surface(data).variables == {"x"}
