"""Definitions → which classes are related by inheritance, and the nodes of each definition.

A *node* names what a definition can be reached under: ``path:name`` in its file, ``.name`` as an
attribute of anything, ``path:Class.name`` as one of ``self`` in a class or its relatives.
"""

from __future__ import annotations

from collections.abc import Iterable

from evalguard.link.definitions import Definition
from evalguard.link.meanings import Meanings, attributes

ITSELF = frozenset(("self", "cls", "super"))


class Families:
    """Classes that inherit from one another, directly or not.

    Args:
        defined: What the program defines.
        meanings: What names stand for.
    """

    def __init__(self, defined: Iterable[Definition], meanings: Meanings) -> None:
        self._meanings = meanings
        self._heads: dict[str, str] = {}
        self._members: set[str] = set()
        classes = [item for item in defined if item.is_class]
        for item in classes:
            mine = self.head(item.cls)
            for base in self.bases(item):
                if ":" in base:
                    self._heads[self.head(base)] = mine
        self._members = {f"{self.head(item.cls)}.{item.name}" for item in defined if item.member}

    def bases(self, item: Definition) -> list[str]:
        """The nodes of a class's bases."""
        return [node for dotted in item.bases for node in self._meanings.of(item.path, dotted)]

    def nodes(self, item: Definition) -> list[str]:
        """What a definition is reached under."""
        if not item.member:
            return [f"{item.path}:{item.name}"]
        return [f".{item.name}", f"{self.head(item.cls)}.{item.name}"]

    def has(self, cls: str, name: str) -> bool:
        """Whether a class or a relative of it has an attribute of this name."""
        return f"{self.head(cls)}.{name}" in self._members

    def of_itself(self, cls: str, names: list[str]) -> list[str]:
        """What is read of ``self``: of the family's own what that has, else of anything."""
        first = f"{self.head(cls)}.{names[0]}"
        if names[0].startswith("__"):
            return attributes(names[1:])
        return [first, *attributes(names[1:])] if first in self._members else attributes(names)

    def uses(self, item: Definition) -> set[str]:
        """The nodes of what a definition is made of."""
        local = item.function.locals if item.function else frozenset[str]()
        found: set[str] = set()
        for dotted in item.mentions:
            root, _, rest = dotted.partition(".")
            if item.cls and rest and root in ITSELF:
                found.update(self.of_itself(item.cls, rest.split(".")))
            else:
                found.update(self._meanings.of(item.path, dotted, local))
        return found

    def head(self, cls: str) -> str:
        """One class of a family, the same for all."""
        first = cls
        while self._heads.setdefault(cls, cls) != cls:
            cls = self._heads[cls]
        self._heads[first] = cls
        return cls
