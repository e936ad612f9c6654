"""What files are made of → what they need of the project's other files.

A name is looked up as Python would, through imports; only the statement that binds it is taken,
with the names that it mentions in turn. So a package of a thousand files gives the ten functions
that matter, and a file is parsed only once something in it is asked for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

from evalguard.context import textual
from evalguard.context.outline import Item, Outline, alias, outline
from evalguard.events import LOOKED_UP, Import, Unit
from evalguard.link.imports import Imports, is_package, stem
from evalguard.source import Unreadable, raw

MOST_FILES = 100
MOST_BYTES = 2_000_000

Names: TypeAlias = frozenset[str]


class Needs:
    """The statements of a project's other files that those asked for need.

    Args:
        asked: The files asked for, of which everything counts.
        files: The other files of the project.
        here: The folder that relative paths start from.
        lowered: Reads a file; None if it can't be read.
        src: Folders that imports start from.
    """

    def __init__(
        self,
        asked: Iterable[Unit],
        files: Iterable[str],
        here: str,
        lowered: Callable[[str], Unit | None],
        src: Sequence[str] = (),
    ) -> None:
        self.asked = {unit.path: outline(unit) for unit in asked}
        self.files = frozenset(files)
        self.imports = Imports((*self.asked, *self.files), here=here, src=src)
        self._stems = frozenset(stem(path) for path in (*self.asked, *self.files))
        self._lowered = lowered
        self._bytes = 0
        self._read: dict[str, Outline | None] = {}
        self._kept: dict[str, dict[int, Item]] = {}
        self._wanted: set[tuple[str, str | None, Names]] = set()
        self._todo: deque[tuple[str, str | None, Names]] = deque()
        self._meanings: dict[object, tuple[tuple[str, str | None], ...]] = {}
        self._surfaces: dict[str, textual.Surface] = {}

    def units(self) -> tuple[Unit, ...]:
        """What of the other files is needed, as files."""
        return tuple(
            found.slice(self._kept.get(path, {}).values())
            for path, found in sorted(self._read.items())
            if found is not None
        )

    def outline(self, path: str) -> Outline | None:
        """A file, read if need be; None if it can't be, or if enough were read."""
        if path in self.asked:
            return self.asked[path]
        if path not in self._read:
            self._read[path] = self._opened(path)
        return self._read[path]

    def take(self, path: str, item: Item) -> None:
        """Note that a statement of a file is needed."""
        kept = self._kept.setdefault(path, {})
        if id(item.stmt) in kept:
            return
        kept[id(item.stmt)] = item
        self._need(path, item)
        for name in sorted(item.binds):
            self._want(path, name, item.uses)

    def variables(self, path: str) -> frozenset[str]:
        """The names by which a file imports the variables of others."""
        return frozenset(
            alias(stmt)
            for stmt in self.asked[path].imports
            for source, name in self.meanings(stmt, path)
            if name in self._surface(source).variables
        )

    def frozen(self) -> frozenset[str]:
        """The parts of modules that other files may freeze, by name."""
        return frozenset[str]().union(*(textual.frozen(bytes_of(path)) for path in self.files))

    def complete(self) -> None:
        """Find all that is needed by what is noted, what is nearest first."""
        while self._todo:
            path, name, uses = self._todo.popleft()
            if name is None:
                self._look_into(path, uses)
            else:
                self._look_up(path, name, uses)

    def meanings(self, stmt: Import, importer: str) -> tuple[tuple[str, str | None], ...]:
        """What an import may mean: a name of a file, or a file (None)."""
        key = (stmt[:3], importer)
        if key not in self._meanings:
            self._meanings[key] = tuple(self._meant(stmt, importer))
        return self._meanings[key]

    def _meant(self, stmt: Import, importer: str) -> Iterator[tuple[str, str | None]]:
        path = self.imports.resolve(stmt.module, stmt.level, importer)
        if stmt.name is None or stmt.name == "*":
            inner = path
        elif path is not None:
            yield path, stmt.name
            inner = self.imports.submodule(path, stmt.name)
        else:
            dotted = f"{stmt.module}.{stmt.name}" if stmt.module else stmt.name
            inner = self.imports.resolve(dotted, stmt.level, importer)
        if inner is not None:
            yield inner, None

    def _want(self, path: str, name: str | None, uses: Names) -> None:
        """Put off looking up a name in a file; without a name, all of ``uses`` that it has."""
        if (path, name, uses) not in self._wanted:
            self._wanted.add((path, name, uses))
            self._todo.append((path, name, uses))

    def _need(self, path: str, item: Item) -> None:
        """Ask for what a statement mentions."""
        found = self.outline(path)
        assert found is not None
        for stmt in item.imports:
            self._follow(stmt, path, item.uses)
        for name in sorted(item.uses & found.bound):
            self._want(path, name, item.uses)
        for stmt in found.stars:
            self._follow(stmt, path, item.uses - found.bound)

    def _follow(self, stmt: Import, importer: str, uses: Names) -> bool:
        """Ask for what an import means; whether it is in the project."""
        meanings = self.meanings(stmt, importer)
        for path, name in meanings:
            self._want(path, name, uses)
        return bool(meanings)

    def _look_up(self, path: str, name: str, uses: Names) -> None:
        """Take the statements that bind a name, and those that do something with it."""
        found = self.outline(path)
        if found is None:
            return
        items = found.binding.get(name, ())
        followed = [self._follow(stmt, path, uses) for stmt in found.aliases.get(name, ())]
        for item in items:
            self.take(path, item)
        if items or any(followed):
            for item in found.effects:
                if name in item.uses:
                    self.take(path, item)
        elif name not in found.bound:
            for stmt in found.stars:
                self._follow(stmt, path, frozenset((name,)))

    def _look_into(self, path: str, uses: Names) -> None:
        """Ask for the names of a module by which it may be used; all, if that is told by a run."""
        surface = self._surface(path)
        names = sorted(surface.names if LOOKED_UP in uses else uses & surface.names)
        parts = sorted(uses & self._stems) if is_package(path) else []
        inner = [part for name in parts if (part := self.imports.submodule(path, name))]
        if not (names or inner or surface.stars) or self.outline(path) is None:
            return
        for name in names:
            self._want(path, name, uses)
        for stmt in surface.stars:
            self._follow(stmt, path, uses)
        for part in inner:
            self._want(part, None, uses)

    def _surface(self, path: str) -> textual.Surface:
        if path not in self._surfaces:
            self._surfaces[path] = textual.surface(bytes_of(path))
        return self._surfaces[path]

    def _opened(self, path: str) -> Outline | None:
        size = self._bytes + len(bytes_of(path))
        if len(self._read) >= MOST_FILES or size > MOST_BYTES:
            return None
        self._bytes = size
        unit = self._lowered(path)
        return None if unit is None else outline(unit)


def bytes_of(path: str) -> bytes:
    """The bytes of a file, none if it can't be read."""
    try:
        return raw(path)
    except Unreadable:
        return b""
