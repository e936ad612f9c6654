"""Registries: module-level variables that decorators and calls put things into."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from evalguard.events import (
    Bind,
    Block,
    Call,
    Define,
    DefineClass,
    Do,
    Name,
    Unit,
)
from evalguard.link.blocks import functions, inner_blocks
from evalguard.link.mentions import names_in


def registered(units: Iterable[Unit]) -> Iterator[tuple[str, frozenset[str]]]:
    """The variables of modules that something is put into, with the names of what is put there."""
    holders: dict[str, set[str]] = {}
    entered: list[tuple[set[str], frozenset[str]]] = []
    for unit in units:
        variables = {name for stmt in unit.body if isinstance(stmt, Bind) for name in _named(stmt)}
        for name in variables:
            holders.setdefault(name, set()).add(name)
        for function in functions(unit.body) if variables else ():
            holders.setdefault(function.name, set()).update(function.uses & variables)
        entered += _entered(unit.body)
    for ways, things in entered:
        for holder in sorted({holder for way in ways for holder in holders.get(way, ())}):
            yield holder, things


def _entered(block: Block) -> Iterator[tuple[set[str], frozenset[str]]]:
    """What is decorated, or handed to a call on its own: by which names, and which it is."""
    for stmt in block:
        if isinstance(stmt, Define) and stmt.function.decorators:
            yield names_in(stmt.function.decorators), frozenset((stmt.function.name,))
        elif isinstance(stmt, DefineClass) and stmt.cls.decorators:
            yield names_in(stmt.cls.decorators), frozenset((stmt.cls.name,))
        elif isinstance(stmt, Do) and isinstance(stmt.value, Call):
            yield names_in(stmt.value.func), frozenset(names_in(stmt.value[1:]))
        else:
            for inner in inner_blocks(stmt):
                yield from _entered(inner)


def _named(stmt: Bind) -> list[str]:
    return [target.id for target in stmt.targets if isinstance(target, Name)]
