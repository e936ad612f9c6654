"""Definitions → which classes are related by inheritance, and the nodes of each definition.

A *node* names what a definition can be reached under: ``path:name`` in its file, ``.name`` as an
attribute of anything, ``path:Class.name`` as one of ``self`` in a class or its relatives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from sys import intern

from evalguard.link.definitions import Definition
from evalguard.link.meanings import Meanings, Nodes

ITSELF = frozenset(("self", "cls", "super"))


class Families:
    """Classes that inherit from one another, directly or not.

    Args:
        defined: What the program defines.
        meanings: What names stand for.
    """

    def __init__(self, defined: Iterable[Definition], meanings: Meanings) -> None:
        self._meanings = meanings
        self._above: dict[str, list[str]] = {}
        self._below: dict[str, list[str]] = {}
        self._owners: dict[str, set[str]] = {}
        self._related: dict[str, frozenset[str]] = {}
        self._own: dict[str, dict[str, Nodes]] = {}
        self._plain: dict[str, set[str]] = {}
        for item in defined:
            if item.member:
                self._owners.setdefault(item.name, set()).add(item.cls)
            elif item.is_class:
                for base in self.bases(item):
                    self._above.setdefault(item.cls, []).append(base)
                    self._below.setdefault(base, []).append(item.cls)

    def bases(self, item: Definition) -> list[str]:
        """The nodes of a class's bases."""
        return [node for dotted in item.bases for node in self._meanings.of(item.path, dotted)]

    def nodes(self, item: Definition) -> list[str]:
        """What a definition is reached under."""
        if not item.member:
            return [intern(f"{item.path}:{item.name}")]
        return [intern(f".{item.name}"), intern(f"{item.cls}.{item.name}")]

    def has(self, cls: str, name: str) -> bool:
        """Whether a class or a relative of it has an attribute of this name."""
        return not self._owners.get(name, set()).isdisjoint(self.related(cls))

    def uses(self, item: Definition) -> set[str]:
        """The nodes of what a definition is made of."""
        local = frozenset(item.function.locals if item.function else ())
        plain = self._plain.setdefault(item.path, set())
        found: set[str] = set()
        for dotted in item.mentions:
            if dotted in plain:
                continue
            root, attributes = self._meanings.parts(dotted)
            if item.cls and root in ITSELF and "." in dotted:
                found.update(self._of_itself(item.cls, dotted))
                continue
            found.update(self._meanings.of(item.path, dotted, local))
            if not attributes and not self._meanings.of(item.path, dotted):
                plain.add(dotted)  # neither of the file's nor as a function's own it tells anything
        return found

    def _of_itself(self, cls: str, dotted: str) -> Nodes:
        """What is read of ``self``: of the relatives' own what these have, else of anything."""
        own = self._own.setdefault(cls, {})
        known = own.get(dotted)
        if known is None:
            _, name, *rest = dotted.split(".")
            known = own[dotted] = self._attribute(cls, name) + self._meanings.attributes(rest)
        return known

    def _attribute(self, cls: str, name: str) -> Nodes:
        if name.startswith("__"):
            return ()
        owners = self._owners.get(name, set()) & self.related(cls)
        if not owners:
            return self._meanings.attributes([name])
        return tuple([intern(f"{owner}.{name}") for owner in owners])

    def related(self, cls: str) -> frozenset[str]:
        """The classes that an object may have beside this one: those above and below it.

        What is above one below is among them, as a mixin is.
        """
        known = self._related.get(cls)
        if known is None:
            below = _reached({cls}, self._below)
            known = self._related[cls] = frozenset(_reached(below, self._above))
        return known


def _reached(start: set[str], ways: Mapping[str, list[str]]) -> set[str]:
    found, todo = set(start), list(start)
    while todo:
        new = [other for other in ways.get(todo.pop(), ()) if other not in found]
        found.update(new)
        todo += new
    return found
