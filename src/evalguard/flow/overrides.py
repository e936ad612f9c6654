"""A class's own ``train`` or ``eval`` → what it does with the mode, by its text alone."""

from __future__ import annotations

from typing import NamedTuple

from evalguard.events import Attr, Call, Const, Function, Param, Return, show

MODE_NAMES = frozenset(("mode", "training", "train", "flag", "is_train", "is_training", "enable"))
TRAINS = frozenset(("backward", "zero_grad"))


class Override(NamedTuple):
    """See the fact ``SwitchOverride``."""

    takes_mode: bool
    delegates: bool
    passes_mode: bool
    returns_self: bool
    trains: bool


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
    )


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
