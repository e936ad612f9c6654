"""Tests that pick parameters by their names: ``if "backbone" in name``."""

from __future__ import annotations

from evalguard.events import Attr, Call, Compare, Const, Expr, Logic
from evalguard.records import NamedTuple


class Asked(NamedTuple):
    """A test of a name: whether it has a word in it, or begins with it; or whether it doesn't."""

    subject: Expr
    word: str
    begins: bool
    holds: bool


class Picked(NamedTuple):
    """The parameters of an object whose names pass a test, or those whose names don't."""

    thing: int
    word: str
    begins: bool
    holds: bool

    def fits(self, child: str) -> bool:
        """Whether the names of all parameters of a child have the word."""
        start = f"{child}."
        return start.startswith(self.word) if self.begins else self.word in start


def asked(test: Expr) -> Asked | None:
    """The test of a name that a condition is; None if it is another."""
    if isinstance(test, Logic) and test.op == "not":
        inner = asked(test.parts[0])
        return None if inner is None else inner._replace(holds=not inner.holds)
    if isinstance(test, Compare) and test.op in ("in", "not in"):
        return _asked(test.right, test.left, False, test.op == "in")
    if not isinstance(test, Call) or not isinstance(test.func, Attr) or len(test.args) != 1:
        return None
    begins = test.func.name == "startswith"
    return _asked(test.func.value, test.args[0], True, True) if begins else None


def _asked(subject: Expr, word: Expr, begins: bool, holds: bool) -> Asked | None:
    if isinstance(word, Const) and isinstance(word.value, str) and word.value:
        return Asked(subject, word.value, begins, holds)
    return None
