"""Attributes by which others decide what a function does: tests of them, methods kept in them."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from evalguard.events import Attr, Bind, Expr, If, Loop, Name
from evalguard.link.blocks import statements
from evalguard.link.graph import Entry, Nodes, last_part
from evalguard.link.mentions import dotted_in


def asked_for(entries: Iterable[Entry]) -> Nodes:
    """The attributes, as they are set, that functions ask for in their conditions."""
    bodies = [entry.item.function.body for entry in entries if entry.item.function]
    tests = [
        stmt.test for body in bodies for stmt in statements(body) if isinstance(stmt, (If, Loop))
    ]
    return {f".{last_part(dotted)}=" for dotted in dotted_in(tuple(tests)) if "." in dotted}


def methods_kept(entries: list[Entry], acting: list[Entry]) -> Nodes:
    """The attributes, as they are set, in which one method or another is kept to be called."""
    methods = {entry.item.name for entry in entries if entry.item.member}
    asked = {
        f"{dotted}="
        for entry in acting
        for dotted in entry.item.mentions
        if dotted.startswith("self.") and dotted.rpartition(".")[2] not in methods
    }
    kept: set[str] = set()
    for entry in entries:
        function = entry.item.function
        if function is None or asked.isdisjoint(function.mentions):
            continue
        for stmt in statements(function.body):
            if isinstance(stmt, Bind) and _is_one_of(methods, stmt.value):
                kept.update(f".{item.name}=" for item in stmt.targets if isinstance(item, Attr))
    return frozenset(kept)


def _is_one_of(methods: AbstractSet[str], value: Expr) -> bool:
    """Whether a value is a method of ``self``, not called."""
    held = isinstance(value, Attr) and value.name in methods
    return held and isinstance(value, Attr) and value.value == Name("self")
