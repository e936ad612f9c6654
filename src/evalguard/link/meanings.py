"""A dotted name in a file → what it may stand for: definitions of the program, or a library's.

What it may stand for is a *node*, a string: ``path:name`` for what a file defines (``path:`` for
the file itself), ``.name`` for an
attribute or method of anything, ``*word`` for what the tables tell of a library's name,
``?name`` for a builtin. Of attributes and builtins, only those count that tell something.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from collections.abc import Set as AbstractSet
from sys import intern

from evalguard.events import Import, Unit
from evalguard.link.imports import Imports

Nodes = tuple[str, ...]

MOST_HOPS = 8


class Meanings:
    """Looks names up as Python would, without running anything.

    Args:
        units: The files of the program.
        imports: Which files their imports mean.
        told: What the tables tell of a library's dotted name, in words.
        telling: The attributes and builtins that tell something of who reads them, as nodes;
            whatever is set does.
    """

    def __init__(
        self,
        units: Collection[Unit],
        imports: Imports,
        told: Callable[[str], Iterable[str]],
        telling: Iterable[str],
    ) -> None:
        self._files = imports
        self._told = told
        self._libraries: dict[str, Nodes] = {}
        self._telling = frozenset(telling)
        self._binds = {unit.path: unit.binds for unit in units}
        self._imports = {unit.path: _imports(unit) for unit in units}
        self._roots = {unit.path: unit.binds.union(self._imports[unit.path]) for unit in units}
        self._known: dict[str, dict[str, Nodes]] = {unit.path: {} for unit in units}
        self._parts: dict[str, tuple[str, Nodes]] = {}
        self._found: dict[tuple[str, str, tuple[str, ...], int], Nodes] = {}

    def of(self, path: str, dotted: str, local: AbstractSet[str] = frozenset()) -> Nodes:
        """What a dotted name may stand for, with all that is read of it on the way.

        Args:
            path: The file in which it stands.
            dotted: The name; of something without a name, it begins with a dot.
            local: The variables that are the function's own.
        """
        root, attributes = self.parts(dotted)
        if not root or (root in local and root not in self._imports[path]):
            return attributes
        roots = self._roots[path]
        if root not in roots and "*" not in roots:
            return self._builtin(root) + attributes
        file = self._known[path]
        known = file.get(dotted)
        if known is None:
            found = self._name(path, root, dotted.split(".")[1:], MOST_HOPS)
            known = file[dotted] = tuple(map(intern, found))
        return known

    def parts(self, dotted: str) -> tuple[str, Nodes]:
        """A dotted name's variable, and the nodes of what is read of it."""
        known = self._parts.get(dotted)
        if known is None:
            root, *rest = dotted.split(".")
            known = self._parts[dotted] = root, self.attributes(rest)
        return known

    def attributes(self, names: Iterable[str]) -> Nodes:
        """The nodes of what is read of something unknown, as far as they tell anything."""
        nodes = [f".{name}" for name in names]
        return tuple(
            [intern(node) for node in nodes if node in self._telling or node.endswith("=")]
        )

    def _builtin(self, name: str) -> Nodes:
        return (f"?{name}",) if f"?{name}" in self._telling else ()

    def _name(self, path: str, name: str, rest: list[str], hops: int) -> Nodes:
        """What a file's variable stands for, and what is read of it."""
        key = (path, name, tuple(rest), hops)
        known = self._found.get(key)
        if known is None:
            sought = self._sought(path, name, rest, hops)
            known = self._found[key] = tuple(dict.fromkeys(sought))
        return known

    def _sought(self, path: str, name: str, rest: list[str], hops: int) -> Nodes:
        imports = self._imports[path]
        found: Nodes = ()
        if name in self._binds[path]:
            found = (f"{path}:{name}", *self.attributes(rest))
        for stmt in imports.get(name, ()) if hops else ():
            wanted = rest if stmt.name is None else [stmt.name, *rest]
            found += self._imported(stmt, path, wanted, hops - 1)
        if found or name in imports:
            return found
        for star in imports.get("*", ()) if hops else ():
            found += self._imported(star, path, [name, *rest], hops - 1)
        return found or (self._builtin(name) + self.attributes(rest))

    def _imported(self, stmt: Import, path: str, wanted: list[str], hops: int) -> Nodes:
        """What some names mean that are read of the module that an import names."""
        module = stmt.module.split(".") if stmt.module else []
        told = () if stmt.level else self._of_library([*module, *wanted])
        file = self._files.resolve(stmt.module, stmt.level, path)
        if file is not None:
            return (*self._read(file, wanted, hops), *told)
        for length in range(len(wanted), 0, -1):
            dotted = ".".join(module + wanted[:length])
            file = self._files.resolve(dotted, stmt.level, path)
            if file is not None:
                return (*self._read(file, wanted[length:], hops), *told)
        return told

    def _read(self, file: str, wanted: list[str], hops: int) -> Nodes:
        """What some names mean that are read of a file."""
        if not wanted:
            return (f"{file}:",)
        name, *rest = wanted
        if name not in self._binds[file]:
            inner = self._files.submodule(file, name)
            if inner is not None:
                return self._read(inner, rest, hops)
        return self._name(file, name, rest, hops)

    def _of_library(self, names: list[str]) -> Nodes:
        dotted = ".".join(names)
        known = self._libraries.get(dotted)
        if known is None:
            known = tuple([f"*{word}" for word in self._told(dotted)])
            self._libraries[dotted] = known
        return known


def _imports(unit: Unit) -> dict[str, list[Import]]:
    """A file's imports, wherever they stand, by the names that they bind."""
    found: dict[str, list[Import]] = {}
    for stmt in unit.imports:
        found.setdefault("*" if stmt.name == "*" else stmt.bound, []).append(stmt)
    return found
