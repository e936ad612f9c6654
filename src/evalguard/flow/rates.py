"""A class → the rates that decide whether its object's mode makes a difference, by its text alone.

Where ``self.training`` is only asked for to pass on a rate or zero (``self.rate if self.training
else 0.0``), or together with a rate (``F.dropout(x, self.rate, self.training)``), a rate of zero
gives the same in both modes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from evalguard.events import Attr, Call, Choice, Class, Const, Define, Expr, Function, Name, Stmt
from evalguard.flow.sampling import parts_of
from evalguard.knowledge import Functional

Finder = Callable[[str], Functional | None]
TRAINING = "training"
NUMBERS = (int, float)


def read_rates(cls: Class, find: Finder) -> frozenset[str] | None:
    """The attributes that hold these rates; None if the mode is asked for in other ways, too.

    Args:
        cls: The class.
        find: Gives the function with a training flag that has a bare name.
    """
    telling = [stmt for stmt in cls.body if _mentions_mode(stmt)]
    asked = sum([_asks(node) for stmt in telling for node in parts_of(stmt)])
    methods = [stmt.function for stmt in telling if isinstance(stmt, Define)]
    rates = [rate for method in methods if method.params for rate in _rates(method, find)]
    if not asked or len(rates) != asked or None in rates:
        return None
    return frozenset([rate for rate in rates if rate])


def _mentions_mode(stmt: Stmt) -> bool:
    return not isinstance(stmt, Define) or TRAINING in stmt.function.uses


def _asks(node: object) -> bool:
    if isinstance(node, Attr):
        return node.name == TRAINING
    return isinstance(node, Name) and node.id == TRAINING


def _rates(method: Function, find: Finder) -> Iterator[str | None]:
    """What each question for the mode goes with: an attribute, nothing (""), or the unknown."""
    me = Name(method.params[0].name)
    mode = Attr(me, TRAINING)
    for node in parts_of(method.body):
        if isinstance(node, Choice) and node.test == mode:
            yield _attribute(node.then, me) if _is_zero(node.other) else None
        elif isinstance(node, Call):
            passed = [*node.args, *[value for _, value in node.keywords]].count(mode)
            if passed:
                yield _passed_with(node, me, find)


def _passed_with(call: Call, me: Name, find: Finder) -> str | None:
    """The rate in a call that is told the mode."""
    func = call.func
    bare = func.name if isinstance(func, Attr) else func.id if isinstance(func, Name) else ""
    known = find(bare) if not (isinstance(func, Attr) and func.value == me) else None
    if known is None or known.probability is None:
        return None
    keywords = {name: value for name, value in call.keywords if name}
    rate = known.probability.find(call.args, keywords)
    return _attribute(rate, me) if isinstance(rate, (Attr, Const)) else None


def _attribute(rate: Expr, me: Name) -> str | None:
    if _is_zero(rate):
        return ""
    return rate.name if isinstance(rate, Attr) and rate.value == me else None


def _is_zero(node: Expr) -> bool:
    return isinstance(node, Const) and type(node.value) in NUMBERS and node.value == 0
