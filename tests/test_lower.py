"""Lowering: what the events of a file say, and that they can be kept."""

from __future__ import annotations

import pickle

import pytest

from evalguard.events import (
    Bind,
    Call,
    Const,
    Define,
    DefineClass,
    Do,
    If,
    Import,
    Joined,
    Mix,
    Name,
    Unit,
)
from evalguard.flow.showing import show
from evalguard.lower import lower
from evalguard.places import Span
from evalguard.source import Unreadable, from_text

PROGRAM = '''
import torch.nn as nn
from .models import Net as Model


class Trainer(Base, metaclass=Meta):
    """Holds a model."""

    size: int = 3

    @property
    def net(self):
        return self._net

    def fit(self, loader, *, epochs=2, **options):
        for epoch in range(epochs):
            match epoch:
                case 0:
                    self.net.train()
                case _:
                    self.net.eval()
        yield epoch
'''


def lowered(text: str) -> Unit:
    return lower(from_text(text, "a.py"))


def test_a_unit_survives_pickling() -> None:
    unit = lowered(PROGRAM)
    assert pickle.loads(pickle.dumps(unit)) == unit  # noqa: S301  # its own bytes


def test_imports_bind_names() -> None:
    first, second = lowered(PROGRAM).body[:2]
    assert isinstance(first, Import)
    assert isinstance(second, Import)
    assert (first.module, first.name, first.bound) == ("torch.nn", None, "nn")
    assert (second.module, second.level, second.name, second.bound) == ("models", 1, "Net", "Model")


def test_a_class_holds_its_fields_and_functions() -> None:
    (cls,) = [stmt.cls for stmt in lowered(PROGRAM).body if isinstance(stmt, DefineClass)]
    functions = [stmt.function for stmt in cls.body if isinstance(stmt, Define)]
    assert cls.fields == ("size",)
    assert [function.qualname for function in functions] == ["Trainer.net", "Trainer.fit"]
    assert [param.kind for param in functions[1].params] == ["plain", "plain", "keyword", "kwargs"]
    assert functions[1].generator
    assert {"net", "train", "eval", "range"}.issubset(functions[1].uses)
    assert "epoch" in functions[1].locals
    assert "loader" in functions[1].locals


def test_match_becomes_branches() -> None:
    unit = lowered("match phase:\n    case 'train':\n        a()\n    case _:\n        b()\n")
    (branch,) = unit.body
    assert isinstance(branch, If)
    (other,) = branch.orelse
    assert isinstance(other, If)
    assert other.test == Const(True)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("net(x)", Span(1, 1, 1, 7)),
        ("\n\n  \nnet(\n x)", Span(4, 1, 5, 4)),
        ("é = 'ü'; net(x)", Span(1, 10, 1, 16)),
    ],
)
def test_columns_count_characters(text: str, span: Span) -> None:
    (call,) = [
        stmt.value
        for stmt in lowered(text).body
        if isinstance(stmt, Do) and isinstance(stmt.value, Call)
    ]
    assert call.at == span


def test_what_is_written_is_shown() -> None:
    (stmt,) = lowered("y = self.nets['a'].encode(x, y)").body
    assert isinstance(stmt, Bind)
    assert show(stmt.value) == "self.nets['a'].encode(...)"


@pytest.mark.parametrize("text", ["def f(:\n", "x = " + "(" * 300 + ")" * 300, "print 'a'\n"])
def test_what_cant_be_parsed_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable):
        lowered(text)


@pytest.mark.parametrize(
    ("text", "folders"),
    [
        ("import sys\nsys.path.append('lib')", {"lib"}),
        ("import sys, os\nsys.path.insert(0, os.path.join(HERE, '..', 'a', 'b'))", {"a/b"}),
        ("import sys\nsys.path.insert(0, str(Path(__file__).parent.parent))", {""}),
        ("import sys\nROOT = HERE / 'lib'\nsys.path.append(str(ROOT / 'x'))", {"lib/x"}),
        ("import sys\nsys.path += ['a', './b/']", {"a", "b"}),
        ("import sys\nA = A + 'x'\nsys.path.extend([A])", {"x/x/x/x/x/x/x/x"}),
        ("import site\nsite.addsitedir('c')", {"c"}),
        ("import sys\nprint(sys.path)\nnames.append('d')", set()),
        ("names.append('sys.path')", set()),
    ],
)
def test_folders_that_imports_are_searched_in(text: str, folders: set[str]) -> None:
    assert lower(from_text(text, "a.py")).folders == folders


def test_strings_are_put_together() -> None:
    parts = (Const("a."), Name("b"))
    for text in ("f'a.{b}'", "'a.' + b"):
        (stmt,) = lower(from_text(text, "a.py")).body
        assert isinstance(stmt, Do)
        assert stmt.value == Joined(parts)
    (stmt,) = lower(from_text("f'{b:.3f} {c!r}'", "a.py")).body
    assert isinstance(stmt, Do)
    assert stmt.value == Mix((Name("b"), Name("c")))
