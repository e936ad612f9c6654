"""The files of a project, and what they import → those that belong together.

Two files belong together if one imports the other, or through others that do, in whatever
direction: the parts into which the relation falls are independent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from evalguard.link.imports import Imports
from evalguard.programs.glance import Glance, Imported


def joined(
    glances: Mapping[str, Glance], here: str = "", src: Sequence[str] = ()
) -> list[list[str]]:
    """Put together what imports join.

    Args:
        glances: What the files show, by path.
        here: The folder that relative paths start from.
        src: Folders that imports start from.

    Returns:
        The files of each part.
    """
    if len(glances) == 1:
        return [[*glances]]
    parts = _Parts(glances)
    folders = {path: shown.folders for path, shown in glances.items() if shown.folders}
    plain = _Targets(Imports(glances, here=here, src=src))
    searched = _Targets(Imports(glances, folders, here=here, src=src)) if folders else plain
    for path, shown in glances.items():
        for package in plain.imports.packages_of(path):
            if not glances[package].bare:
                parts.join(path, package)
        for stmt in shown.imports:
            for target in plain.of(stmt, path):
                parts.join(path, target)
            if folders:
                found = searched.of(stmt, path)
                for other in (*found, *folders) if found != plain.of(stmt, path) else ():
                    parts.join(path, other)
    return parts.all()


class _Parts:
    """Files, in parts that can be joined."""

    def __init__(self, paths: Mapping[str, object]) -> None:
        self._heads = {path: path for path in paths}

    def join(self, one: str, other: str) -> None:
        self._heads[self._head(one)] = self._head(other)

    def all(self) -> list[list[str]]:
        found: dict[str, list[str]] = {}
        for path in self._heads:
            found.setdefault(self._head(path), []).append(path)
        return [*found.values()]

    def _head(self, path: str) -> str:
        heads = self._heads
        while heads[path] != path:
            heads[path] = path = heads[heads[path]]
        return path


class _Targets:
    """The files that import statements mean; files of one folder share the answers."""

    def __init__(self, imports: Imports) -> None:
        self.imports = imports
        self._known: dict[tuple[Imported, str], tuple[str, ...]] = {}

    def of(self, stmt: Imported, importer: str) -> tuple[str, ...]:
        """The files that a statement may mean."""
        key = (stmt, self._seen_from(stmt, importer))
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = tuple(self._find(stmt, importer))
        return found

    def _seen_from(self, stmt: Imported, importer: str) -> str:
        """The folder of a file, or the file itself where that may be what the names say."""
        folder, _, name = importer.replace("\\", "/").rpartition("/")
        stem = name.rpartition(".")[0]
        mine = stem in (stmt[0].rpartition(".")[2], stmt[2], "__init__")
        return importer if mine or self.imports.adds_folders(importer) else folder

    def _find(self, stmt: Imported, importer: str) -> Iterator[str]:
        module, level, name = stmt
        if module.endswith("."):
            yield from self.imports.within(module[:-1], importer)
            return
        path = self.imports.resolve(module, level, importer)
        if path is not None:
            yield path
        if name and name != "*":
            if path is not None:
                inner = self.imports.submodule(path, name)
            else:
                inner = self.imports.resolve(
                    f"{module}.{name}" if module else name, level, importer
                )
            if inner is not None:
                yield inner
