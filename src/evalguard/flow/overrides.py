"""A class's own ``train`` or ``eval`` → what it does with the mode, by its text alone."""

from __future__ import annotations

from typing import NamedTuple

from evalguard.events import (
    Attr,
    Bind,
    Call,
    Const,
    Function,
    Name,
    Param,
    Return,
    Stmt,
    show,
)
from evalguard.places import Span

MODE_NAMES = frozenset(("mode", "training", "train", "flag", "is_train", "is_training", "enable"))
_DEF = 10_000  # beyond the end of any line that a person wrote
TRAINS = frozenset(("backward", "zero_grad"))


class Override(NamedTuple):
    """See the fact ``SwitchOverride``."""

    takes_mode: bool
    delegates: bool
    passes_mode: bool
    returns_self: bool
    trains: bool
    in_two_minds: bool


def read_override(function: Function) -> Override:
    """What an override of ``train`` or ``eval`` does."""
    calls, returns = _calls_and_returns(function)
    switches = [call for call in calls if _switches(call)]
    return Override(
        takes_mode=_takes_mode(function.params[1:]),
        delegates=bool(switches),
        passes_mode=_passes(switches),
        returns_self=any(_gives_self(item) for item in returns),
        trains=not function.uses.isdisjoint(TRAINS),
        in_two_minds=any(_fixes_flag(stmt, function.params) for stmt in function.body)
        and any(_hands_on(call) for call in switches),
    )


def head_of(function: Function) -> Span:
    """The line of its ``def``."""
    return function.at._replace(end_line=function.at.line, end_column=_DEF)


def _hands_on(call: Call) -> bool:
    """``child.train(mode)``."""
    given = (*call.args, *[value for _, value in call.keywords])
    return any(not isinstance(value, Const) for value in given)


def _fixes_flag(stmt: Stmt, params: tuple[Param, ...]) -> bool:
    """``self.training = False``, whatever mode is asked for."""
    if not isinstance(stmt, Bind) or not params or not isinstance(stmt.value, Const):
        return False
    return Attr(Name(params[0].name), "training") in stmt.targets


def _takes_mode(params: tuple[Param, ...]) -> bool:
    if not params:
        return False
    first = params[0]
    flag = isinstance(first.default, Const) and isinstance(first.default.value, bool)
    return flag or first.kind == "args" or first.name in MODE_NAMES


def _switches(call: Call) -> bool:
    return isinstance(call.func, Attr) and call.func.name in ("train", "eval", "apply")


def _passes(switches: list[Call]) -> bool:
    """Whether the mode reaches the children: as an argument, or by one call for each mode."""
    if any(call.args or call.keywords for call in switches):
        return True
    by_name: dict[str, set[object]] = {"train": set(), "eval": set()}
    for call in switches:
        if isinstance(call.func, Attr):
            by_name.setdefault(call.func.name, set()).add(show(call.func.value))
    return not by_name["train"].isdisjoint(by_name["eval"])


def _gives_self(item: Return) -> bool:
    """Whether a return may give the module back; of a variable, that is taken for granted."""
    return not isinstance(item.value, Const)


def _calls_and_returns(function: Function) -> tuple[list[Call], list[Return]]:
    calls: list[Call] = []
    returns: list[Return] = []
    todo: list[object] = [function.body]
    while todo:
        item = todo.pop()
        if isinstance(item, Call):
            calls.append(item)
        elif isinstance(item, Return):
            returns.append(item)
        if isinstance(item, tuple):
            todo += item
    return calls, returns
