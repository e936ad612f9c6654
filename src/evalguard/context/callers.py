"""What files define → the statements of a project's other files that make use of it.

Who calls a function decides in which modes it runs, so its users are looked for, and theirs. Of
the files that aren't needed otherwise only the import lines are looked at.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import TypeAlias

from evalguard.context import textual
from evalguard.context.needs import Needs, bytes_of
from evalguard.context.outline import Item, Outline, alias
from evalguard.events import Import
from evalguard.link.imports import is_package, stem

MOST_BYTES = 200_000_000

Index: TypeAlias = dict[str, list[tuple[str, Import]]]


class Callers:
    """Finds the users of names, and takes them into what is needed.

    ``_used`` holds by file the names that stand for what was asked for, or for a user of it.
    """

    def __init__(self, needs: Needs) -> None:
        self._needs = needs
        self._index: Index = {}
        self._spoken: dict[str, frozenset[str]] = {}
        self._used: dict[str, set[str]] = {}

    def take(self, names: dict[str, set[str]]) -> None:
        """Take the users of names that files define, their users, and what all of these need.

        Args:
            names: File asked for → names that it defines.
        """
        front = sorted(names)
        if front and not self._index:
            self._index = _index((*self._needs.asked, *self._needs.files))
        for path in front:
            self._used.setdefault(path, set()).update(names[path])
            self._extend(path)
        self._needs.complete()
        while front:
            users = dict.fromkeys(user for path in front for user in self._nearest(path))
            front = [user for user in users if self._extend(user)]
            self._needs.complete()

    def _nearest(self, path: str) -> list[str]:
        """The users of a file, those that share most folders with it first."""
        return sorted(self._users(path), key=lambda user: (-_shared(path, user), user))

    def _users(self, path: str) -> set[str]:
        """The files whose imports lead to something that counts in a file."""
        used = self._used[path]
        return {
            user
            for key in _keys(path)
            for user, stmt in self._index.get(key, ())
            for found, name in self._needs.meanings(stmt, user)
            if found == path and (name in used if name else not used.isdisjoint(self._words(user)))
        }

    def _words(self, path: str) -> frozenset[str]:
        """Every word in a file."""
        if path not in self._spoken:
            self._spoken[path] = textual.words(bytes_of(path))
        return self._spoken[path]

    def _extend(self, path: str) -> bool:
        """Take what uses names that count; whether more names of the file count now."""
        found = self._needs.outline(path)
        if found is None:
            return False
        used = self._used.setdefault(path, set())
        before = len(used)
        for stmt in found.imports:
            used.update(self._passed_on(stmt, path))
        left = {id(item.stmt): item for item in found.items}
        while taken := [item for item in left.values() if self._touches(item, found, used)]:
            for item in taken:
                del left[id(item.stmt)]
                used |= item.binds
                self._needs.take(path, item)
        return len(used) > before

    def _passed_on(self, stmt: Import, importer: str) -> Iterator[str]:
        """The names by which an import lets its file use, and pass on, what counts."""
        for path, name in self._needs.meanings(stmt, importer):
            used = self._used.get(path, set())
            if stmt.name == "*":
                yield from used
            elif name in used:
                yield alias(stmt)

    def _touches(self, item: Item, found: Outline, used: set[str]) -> bool:
        """Whether a statement mentions something that counts."""
        if not item.uses.isdisjoint(used):
            return True
        modules = (stmt for name in item.uses for stmt in found.aliases.get(name, ()))
        return any(
            self._reaches(stmt, found.unit.path, item.uses) for stmt in (*item.imports, *modules)
        )

    def _reaches(self, stmt: Import, importer: str, uses: frozenset[str]) -> bool:
        for path, name in self._needs.meanings(stmt, importer):
            used = self._used.get(path, set())
            if name in used if name else not used.isdisjoint(uses):
                return True
        return False


def _index(files: Sequence[str]) -> Index:
    """The imports of files, by the last part of a name by which they may mean one of these."""
    index: Index = {}
    known = frozenset(key for path in files for key in _keys(path))
    size = 0
    for path in sorted(files):
        data = bytes_of(path)
        size += len(data)
        if size > MOST_BYTES:
            break
        for stmt in textual.imports(data):
            for key in {stmt.module.rpartition(".")[2], stmt.name or ""} & known:
                index.setdefault(key, []).append((path, stmt))
    return index


def _shared(one: str, other: str) -> int:
    """How many folders two paths have in common."""
    pairs = zip(one.split(os.sep)[:-1], other.split(os.sep)[:-1], strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _keys(path: str) -> tuple[str, ...]:
    """What the last part of an import is called that means a file."""
    return (stem(path), "") if is_package(path) else (stem(path),)
