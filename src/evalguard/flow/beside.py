"""A function's text → what stands beside a switch of a mode: the other branch, another network."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from evalguard.events import Attr, Block, Call, Const, Do, Function, If, Loop, Stmt
from evalguard.link.blocks import inner_blocks, statements
from evalguard.places import Span

SWITCHES = frozenset(("train", "eval"))


def otherwise_opposed(body: Block, at: Span) -> bool:
    """Whether the other branch of a condition puts the same object in the other mode.

    Args:
        body: The statements of the function that the switch stands in.
        at: The switch's span.
    """
    for stmt in statements(body):
        arms = list(_arms(stmt)) if isinstance(stmt, If) else []
        mine = [call for arm in arms for call in _switches(arm) if call.at == at]
        if mine:
            others = [call for arm in arms for call in _switches(arm) if call.at != at]
            return any(_opposed(mine[0], call, same=True) for call in others)
    return False


def beside_opposed(body: Block, at: Span) -> bool:
    """Whether another object is put in the other mode right before or after a switch.

    Args:
        body: The statements of the function that the switch stands in.
        at: The switch's span.
    """
    for block in _blocks(body):
        calls = [_switch(stmt) for stmt in block]
        places = [call.at if call is not None else None for call in calls]
        if at not in places:
            continue
        where = places.index(at)
        mine = calls[where]
        near = [*calls[max(where - 1, 0) : where], *calls[where + 1 : where + 2]]
        return mine is not None and any(
            call is not None and _opposed(mine, call, same=False) for call in near
        )
    return False


def evaled_next(body: Block, call: Call) -> bool:
    """Whether what a call changes in place is put in eval mode in the statement after it."""
    if ("inplace", Const(True)) not in call.keywords or not call.args:
        return False
    return any(
        isinstance(stmt, Do)
        and stmt.value == call
        and (switch := _switch(after)) is not None
        and isinstance(switch.func, Attr)
        and switch.func.value == call.args[0]
        and not _trains(switch)
        for block in _blocks(body)
        for stmt, after in pairwise(block)
    )


def only_switches(body: Block) -> bool:
    """Whether all that a function does is to switch modes, by whatever condition or in loops."""
    steps = [stmt for stmt in statements(body) if not isinstance(stmt, (If, Loop))]
    return bool(steps) and all(_is_switched(stmt) for stmt in steps)


def is_switch(function: Function) -> bool:
    """Whether a method is a switch, by its name or as it does nothing else."""
    return function.name in SWITCHES or only_switches(function.body)


def _is_switched(stmt: Stmt) -> bool:
    call = stmt.value if isinstance(stmt, Do) else None
    func = call.func if isinstance(call, Call) else None
    return isinstance(func, Attr) and func.name in SWITCHES


def _blocks(body: Block) -> Iterator[Block]:
    yield body
    for stmt in statements(body):
        yield from inner_blocks(stmt)


def _arms(stmt: If) -> Iterator[Block]:
    """The branches of a condition, with those of its ``elif``."""
    yield stmt.body
    rest = stmt.orelse
    while len(rest) == 1 and isinstance(rest[0], If):
        yield rest[0].body
        rest = rest[0].orelse
    yield rest


def _switches(block: Block) -> list[Call]:
    return [call for stmt in block if (call := _switch(stmt)) is not None]


def _switch(stmt: Stmt) -> Call | None:
    """The call that a statement is, if it is a switch that says its mode."""
    call = stmt.value if isinstance(stmt, Do) else None
    if not isinstance(call, Call) or not isinstance(call.func, Attr):
        return None
    plain = not call.keywords and all(isinstance(given, Const) for given in call.args)
    return call if call.func.name in SWITCHES and plain else None


def _opposed(one: Call, other: Call, same: bool) -> bool:
    if not isinstance(one.func, Attr) or not isinstance(other.func, Attr):
        return False
    return _trains(one) != _trains(other) and (one.func.value == other.func.value) == same


def _trains(call: Call) -> bool:
    """Whether a switch sets train mode."""
    if isinstance(call.func, Attr) and call.func.name == "eval":
        return False
    return not call.args or call.args[0] != Const(False)
