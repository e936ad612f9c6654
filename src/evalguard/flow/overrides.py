"""A class's own ``train`` or ``eval`` → what it does with the mode, by its text alone."""

from __future__ import annotations

from evalguard.events import (
    Attr,
    Bind,
    Block,
    Call,
    Class,
    Const,
    Define,
    Expr,
    Function,
    If,
    Name,
    Param,
    Raise,
    Return,
    Stmt,
    Try,
    With,
)
from evalguard.flow.showing import show
from evalguard.places import Span
from evalguard.records import NamedTuple

MODE_NAMES = frozenset(("mode", "training", "train", "flag", "is_train", "is_training", "enable"))
TRAINS = frozenset(("backward", "zero_grad"))
ABSENT = frozenset(("abstractmethod", "overload"))


class Override(NamedTuple):
    """See the fact ``SwitchOverride``."""

    takes_mode: bool
    delegates: bool
    passes_mode: bool
    returns_self: bool
    trains: bool
    in_two_minds: bool
    aside: bool


def read_override(function: Function, cls: Class | None = None) -> Override:
    """What an override of ``train`` or ``eval`` does.

    Args:
        function: The override.
        cls: The class that it stands in, whose methods it may call to do it.
    """
    calls, returns = _calls_and_returns(function)
    helped = _by_helpers(calls, function, cls)
    switches = [call for call in calls if _switches(call)] + helped
    return Override(
        takes_mode=_takes_mode(function.params[1:]),
        delegates=bool(switches),
        passes_mode=_passes(switches),
        returns_self=_ends(function.body) and all(_gives_self(item) for item in returns),
        trains=not TRAINS.isdisjoint(function.uses),
        in_two_minds=any(_fixes_flag(stmt, function.params) for stmt in function.body)
        and any(_hands_on(call) for call in switches),
        aside=function.name == "train" and any(map(_goes_its_own_way, _evals(cls))),
    )


def _evals(cls: Class | None) -> list[Function]:
    """The ``eval`` that a class defines."""
    defined = [item.function for item in cls.body if isinstance(item, Define)] if cls else []
    return [function for function in defined if function.name == "eval"]


def _goes_its_own_way(function: Function) -> bool:
    """Whether an ``eval`` switches, and without the ``train`` of its own object."""
    own = Attr(Name(function.params[0].name), "train") if function.params else None
    funcs = [call.func for call in _calls_and_returns(function)[0] if _switches(call)]
    return bool(funcs) and not any(func == own or _of_super(func) for func in funcs)


def _of_super(node: Expr) -> bool:
    """``super().eval``."""
    called = node.value if isinstance(node, Attr) else None
    return isinstance(called, Call) and called.func == Name("super")


def means_no_switch(function: Function) -> bool:
    """Whether a method isn't there to switch: it is a stub, it raises, or just returns itself.

    The last is how a part says that it keeps its mode whatever its owner does.
    """
    names = [show(node).rpartition(".")[2] for node in function.decorators]
    first = function.body[0] if function.body else None
    me = Name(function.params[0].name) if function.params else None
    keeps = isinstance(first, Return) and first.value == me
    return isinstance(first, Raise) or keeps or not ABSENT.isdisjoint(names)


def _by_helpers(calls: list[Call], function: Function, cls: Class | None) -> list[Call]:
    """The switches in the class's own methods that are called; a call of another may be one."""
    me = Name(function.params[0].name) if function.params and cls is not None else None
    defined = [item.function for item in cls.body if isinstance(item, Define)] if cls else []
    own = {item.name: item for item in defined}
    out: list[Call] = []
    for call in calls:
        if not isinstance(call.func, Attr) or call.func.value != me or _switches(call):
            continue
        helper = own.get(call.func.name)
        if helper is not None:
            out += [inner for inner in _calls_and_returns(helper)[0] if _switches(inner)]
        elif _hands_on(call):
            out.append(call)
    return out


def head_of(function: Function) -> Span:
    """Its first word, ``def`` or ``async``: the name may stand on another line."""
    line, column = function.at.start
    word = "async" if function.is_async else "def"
    return Span(line, column, line, column + len(word))


def _hands_on(call: Call) -> bool:
    """``child.train(mode)``."""
    return any(not isinstance(value, Const) for value in _given(call))


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
    if any(_given(call) - {Const(True)} for call in switches):
        return True
    by_name: dict[str, set[object]] = {"train": set(), "eval": set()}
    for call in switches:
        if isinstance(call.func, Attr):
            by_name.setdefault(call.func.name, set()).add(show(call.func.value))
    return not by_name["train"].isdisjoint(by_name["eval"])


def _given(call: Call) -> set[Expr]:
    return {*call.args, *[value for _, value in call.keywords]}


def _ends(block: Block) -> bool:
    """Whether a block's end isn't reached: it returns or raises on every path."""
    last = block[-1] if block else None
    if isinstance(last, If):
        return _ends(last.body) and _ends(last.orelse)
    if isinstance(last, With):
        return _ends(last.body)
    if isinstance(last, Try):
        bodies = [last.orelse or last.body, *[body for _, body in last.handlers]]
        return _ends(last.final) or all(map(_ends, bodies))
    return isinstance(last, (Return, Raise))


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
