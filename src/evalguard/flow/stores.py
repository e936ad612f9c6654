"""A method → the attributes that it sets on its object, by its text alone."""

from __future__ import annotations

from evalguard.events import Attr, Bind, Function, Name


def stored(function: Function) -> frozenset[str]:
    """The attributes that a method sets on its object."""
    if not function.params:
        return frozenset()
    me = Name(function.params[0].name)
    found: set[str] = set()
    todo: list[object] = [function.body]
    while todo:
        item = todo.pop()
        if isinstance(item, Bind):
            found.update(
                target.name
                for target in item.targets
                if isinstance(target, Attr) and target.value == me
            )
        elif isinstance(item, tuple):
            todo += item
    return frozenset(found)
