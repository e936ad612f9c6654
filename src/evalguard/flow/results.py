"""What ``forward`` returns in one mode and in the other, and what it asks, by its text alone."""

from __future__ import annotations

from collections.abc import Iterator

from evalguard.events import (
    Attr,
    Bind,
    Block,
    Call,
    Class,
    Define,
    Display,
    Do,
    Expr,
    Function,
    If,
    Logic,
    Mapping,
    Name,
    Return,
)
from evalguard.flow.beside import SWITCHES

ME = Name("self")
OWN = tuple([Attr(ME, name) for name in sorted(SWITCHES)])


def returns_by_mode(cls: Class) -> bool:
    """Whether ``forward`` has a return that only train mode (or only eval mode) reaches."""
    return any(_chosen(block) for block in _forwards(cls))


def returns_unlike(cls: Class) -> bool:
    """Whether that return gives another kind of value than the others: a dict, a tuple of two."""
    return any(_unlike(block) for block in _forwards(cls))


def turns_itself(cls: Class) -> bool:
    """Whether ``forward`` switches its module, whatever mode that is in."""
    return not SWITCHES.isdisjoint(cls.uses) and any(
        isinstance(item, Call) and item.func in OWN
        for block in _forwards(cls)
        for item in _statements(block)
    )


def puts_in_eval(cls: Class) -> tuple[str, ...]:
    """The parts that ``forward`` puts in eval mode, whatever it is given."""
    if "eval" not in cls.uses:
        return ()
    calls = [stmt.value for block in _forwards(cls) for stmt in block if isinstance(stmt, Do)]
    funcs = [call.func for call in calls if isinstance(call, Call)]
    held = [func.value for func in funcs if isinstance(func, Attr) and func.name == "eval"]
    return tuple([part.name for part in held if isinstance(part, Attr) and part.value == ME])


def forwards(cls: Class) -> Iterator[Function]:
    """What a class has under the name of ``forward``."""
    for item in cls.body:
        if isinstance(item, Define) and item.function.name == "forward":
            yield item.function


def _forwards(cls: Class) -> Iterator[Block]:
    return (function.body for function in forwards(cls))


def _chosen(block: Block) -> list[Block]:
    """The branches that a test of the mode chooses, and that return."""
    return [
        stmt.body
        for stmt in block
        if isinstance(stmt, If)
        and _reads_training(stmt.test)
        and any(isinstance(item, Return) for item in stmt.body)
    ]


def _unlike(block: Block) -> bool:
    branches = _chosen(block)
    if not branches:
        return False
    made = {
        target.id: _kind(item.value, {})
        for item in _statements(block)
        if isinstance(item, Bind)
        for target in item.targets
        if isinstance(target, Name)
    }
    everywhere = _returned(block, made)
    for branch in branches:
        here = _returned(branch, made)
        rest = list(everywhere)
        for kind in here:
            rest.remove(kind)
        if rest and set(here).isdisjoint(rest):
            return True
    return False


def _returned(block: Block, made: dict[str, str]) -> list[str]:
    return [_kind(item.value, made) for item in _statements(block) if isinstance(item, Return)]


def _kind(value: Expr | None, made: dict[str, str]) -> str:
    if isinstance(value, Mapping):
        return "dict"
    if isinstance(value, Display):
        return f"{value.kind} of {len(value.items)}"
    return made.get(value.id, "") if isinstance(value, Name) else ""


def _statements(block: Block) -> Iterator[object]:
    """All statements, those of inner functions aside."""
    todo: list[object] = [*block]
    while todo:
        item = todo.pop()
        if not isinstance(item, Define):
            yield item
            todo += item if isinstance(item, tuple) else ()


def _reads_training(test: Expr) -> bool:
    if isinstance(test, Logic):
        return any(_reads_training(part) for part in test.parts)
    return isinstance(test, Attr) and test == Attr(Name("self"), "training")
