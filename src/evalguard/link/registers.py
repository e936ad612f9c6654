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
    Function,
    Name,
    Unit,
)
from evalguard.link.blocks import functions, inner_blocks, statements
from evalguard.link.meanings import Meanings
from evalguard.link.mentions import dotted_in, root_of

Entered = tuple[set[str], set[str]]


def registered(units: Iterable[Unit], meanings: Meanings) -> Iterator[tuple[str, set[str]]]:
    """The variables of files that something is put into, with the nodes of what is put there."""
    holders: dict[str, set[str]] = {}
    entered: list[tuple[str, Entered]] = []
    for unit in units:
        variables = {name for stmt in unit.body if isinstance(stmt, Bind) for name in _named(stmt)}
        for name in variables:
            holders.setdefault(f"{unit.path}:{name}", set()).add(f"{unit.path}:{name}")
        for function in functions(unit.body) if variables else ():
            held = {f"{unit.path}:{name}" for name in _filled(function, variables)}
            holders.setdefault(f"{unit.path}:{function.name}", set()).update(held)
        entered += [(unit.path, item) for item in _entered(unit.body)]
    for path, (ways, things) in entered:
        through = {node for way in ways for node in meanings.of(path, way)}
        found = {holder for node in through for holder in holders.get(node, ())}
        if found:
            put = {node for thing in things for node in meanings.of(path, thing)}
            for holder in sorted(found):
                yield holder, put


def _entered(block: Block) -> Iterator[Entered]:
    """What is decorated, or handed to a call on its own: by which names, and which it is."""
    for stmt in block:
        if isinstance(stmt, Define) and stmt.function.decorators:
            yield dotted_in(stmt.function.decorators), {stmt.function.name}
        elif isinstance(stmt, DefineClass) and stmt.cls.decorators:
            yield dotted_in(stmt.cls.decorators), {stmt.cls.name}
        elif isinstance(stmt, Do) and isinstance(stmt.value, Call):
            yield dotted_in(stmt.value.func), dotted_in(stmt.value[1:])
        else:
            for inner in inner_blocks(stmt):
                yield from _entered(inner)


def _filled(function: Function, variables: set[str]) -> set[str]:
    """The variables that a function may put something into: what it only looks up is none."""
    used = variables.intersection(function.uses)
    if not used:
        return set()
    put = {root for root, dot, _ in (each.partition(".") for each in function.mentions) if dot}
    put.update(function.calls, function.told)
    for block in (function.body, *[inner.body for inner in functions(function.body)]):
        for stmt in statements(block):
            if isinstance(stmt, Bind):
                put.update(root_of(target) for target in stmt.targets)
    return put & used


def _named(stmt: Bind) -> list[str]:
    return [target.id for target in stmt.targets if isinstance(target, Name)]
