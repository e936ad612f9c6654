"""Tests that pick parameters by their names: ``if "backbone" in name``."""

from __future__ import annotations

from evalguard.events import Attr, Call, Compare, Const, Display, Expr, Logic
from evalguard.records import NamedTuple


class Asked(NamedTuple):
    """A test of a name: whether it has a word in it, or begins with it; or whether it doesn't.

    ``layer``: it names the parameters of one layer, which the network has for sure.
    """

    subject: Expr
    word: str
    begins: bool
    holds: bool
    layer: bool = False


class Picked(NamedTuple):
    """The parameters of an object whose names pass a test, or those whose names don't."""

    thing: int
    word: str
    begins: bool
    holds: bool
    layer: bool = False

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
        if isinstance(test.right, Display):
            return _listed(test.left, test.right, test.op == "in")
        return _asked(test.right, test.left, False, test.op == "in")
    if not isinstance(test, Call) or not isinstance(test.func, Attr) or len(test.args) != 1:
        return None
    begins = test.func.name == "startswith"
    return _asked(test.func.value, test.args[0], True, True) if begins else None


def _listed(subject: Expr, names: Display, holds: bool) -> Asked | None:
    """``name in ["fc.weight", "fc.bias"]``: the parameters of a layer, by their whole names."""
    words = [item.value if isinstance(item, Const) else None for item in names.items]
    found = {_layer(word) for word in words}
    layer = found.pop() if len(found) == 1 else ""
    return Asked(subject, f"{layer}.", True, holds, True) if layer else None


def _layer(word: object) -> str:
    """The layer in a network that a parameter's whole name tells; nothing if that lies deeper."""
    layer, _, name = word.partition(".") if isinstance(word, str) else ("", "", "")
    return "" if not name or "." in name else layer


def _asked(subject: Expr, word: Expr, begins: bool, holds: bool) -> Asked | None:
    if isinstance(word, Const) and isinstance(word.value, str) and word.value:
        return Asked(subject, word.value, begins, holds)
    return None
