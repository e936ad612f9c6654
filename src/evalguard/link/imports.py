"""Import statements → files of the program.

Nothing is installed or imported: a dotted name means the file whose path ends in it, seen from
the importing file's own folder, the folders that are known to be searched, the parents, and a
``src`` folder beneath one of these. What lies in a package is reached through the package, but
for a script's own neighbours. What isn't found so is looked for in the folders that some file
puts on ``sys.path``. A notebook imports, but can't be imported.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping

PACKAGE = "__init__"
SETUP = "setup"


class Imports:
    """Finds the files that imports mean.

    Args:
        paths: The files of the program.
        folders: What files put on ``sys.path``: folders by the last parts of their paths, or the
            empty string for one above the file.
        unread: Files beside it. An import that means one of them means nothing in the program.
        here: The folder that relative paths start from; without it, they have to lie below it.
        src: Folders that imports start from, the first first.
    """

    def __init__(
        self,
        paths: Iterable[str],
        folders: Mapping[str, frozenset[str]] | None = None,
        unread: Iterable[str] = (),
        here: str = "",
        src: Iterable[str] = (),
    ) -> None:
        self._folder_of: dict[str, tuple[str, ...]] = {}
        self._parts_of: dict[str, tuple[str, ...]] = {}
        self._found: dict[tuple[tuple[str, ...], str, bool], str | None] = {}
        self._unread = frozenset(unread)
        every = (*paths, *self._unread)
        roots = [f"{root}/{PACKAGE}" for root in src]
        self._base = _base((*every, *roots), here)
        self._src = tuple(map(self._folder, roots))
        self._folders = {path: added for path, added in (folders or {}).items() if added}
        tails = {tail for added in self._folders.values() for tail in added if tail}
        self._tails = [tuple(tail.split("/")) for tail in sorted(tails)]
        self._paths: dict[str, str] = {}
        self._by_last: dict[str, list[tuple[str, ...]]] = {}
        self._homes: dict[str, dict[tuple[str, ...], list[str]]] = {}
        for path in every:
            if is_notebook(path):
                continue
            parts = self._parts(path)
            self._paths["/".join(parts)] = path
            if parts:
                self._by_last.setdefault(parts[-1], []).append(parts)
        self._packages = {parts for parts in map(self._parts, every) if self._is_package(parts)}
        for found in self._by_last.values():
            found.sort(key=lambda parts: (len(parts), parts))

    def resolve(self, module: str, level: int, importer: str) -> str | None:
        """The file that a module name means.

        Args:
            module: The dotted name, without leading dots.
            level: The number of leading dots.
            importer: The path of the file that holds the import.

        Returns:
            The file's path; None if it isn't in the program.
        """
        names = tuple(module.split(".")) if module else ()
        if level:
            return self._read(self._relative(names, level, importer))
        if not names:
            return None
        return self._found_for(names, importer, strict=False)

    def beneath(self, dotted: str, importer: str) -> str | None:
        """The file that a dotted name in an expression means, where its folders are no packages.

        Args:
            dotted: The name of what was imported, and of what is read of it.
            importer: The path of the file that holds the expression.

        Returns:
            The file's path; None if the name isn't that of a file.
        """
        names = tuple(dotted.split("."))
        if names[-1] not in self._by_last or not names[0]:
            return None
        return self._found_for(names, importer, strict=True)

    def submodule(self, path: str, name: str) -> str | None:
        """The file of a package's module, by the package's ``__init__`` file."""
        if not is_package(path):
            return None
        return self._read(self._paths.get("/".join((*self._parts(path), name))))

    def within(self, package: str, importer: str) -> tuple[str, ...]:
        """The modules that lie directly in a package, or in a folder that is imported like one.

        Args:
            package: Its dotted name.
            importer: The path of the file that imports one of them.
        """
        names = tuple(package.split("."))
        best: tuple[int, tuple[str, ...]] | None = None
        for home in self._homes_of(names[-1]):
            root = home[: len(home) - len(names)]
            closeness = _closeness(root, self._folder(importer), len(names))
            if home[len(root) :] == names and closeness is not None:
                best = max(best or (closeness, home), (closeness, home))
        return tuple(self._homes_of(names[-1])[best[1]]) if best is not None else ()

    def _homes_of(self, name: str) -> Mapping[tuple[str, ...], list[str]]:
        """The folders of a name, and the modules in each, in a fixed order."""
        if not self._homes:
            for path in sorted({*self._paths.values()} - self._unread):
                folder = self._folder(path)
                if folder and not is_package(path):
                    self._homes.setdefault(folder[-1], {}).setdefault(folder, []).append(path)
        return self._homes.get(name, {})

    def adds_folders(self, path: str) -> bool:
        """Whether a file puts folders on ``sys.path``."""
        return path in self._folders

    def spellings(self, path: str) -> list[str]:
        """The dotted names that a file may be imported by, the longest first."""
        parts = self._parts(path)
        return [".".join(parts[start:]) for start in range(len(parts))]

    def packages_of(self, path: str) -> list[str]:
        """The ``__init__`` files that importing a file imports before it, outermost first."""
        folder = self._folder(path)
        out: list[str] = []
        while folder in self._packages:
            package = self._paths["/".join(folder)]
            if package != path and package not in self._unread:
                out.append(package)
            folder = folder[:-1]
        return out[::-1]

    def _found_for(self, names: tuple[str, ...], importer: str, strict: bool) -> str | None:
        key = (names, importer, strict)
        if key not in self._found:
            found = self._absolute(names, importer, strict)
            if found is None and not strict:
                found = self._searched(names, importer)
            self._found[key] = self._read(found)
        return self._found[key]

    def _relative(self, names: tuple[str, ...], level: int, importer: str) -> str | None:
        folder = self._folder(importer)
        if level - 1 > len(folder):
            return None
        base = folder[: len(folder) - (level - 1)]
        return self._paths.get("/".join(base + names))

    def _absolute(self, names: tuple[str, ...], importer: str, strict: bool) -> str | None:
        folder = self._folder(importer)
        best: tuple[int, str] | None = None
        roots = self._roots(names, importer)
        known = [root for root in self._src if root in roots] if self._src else ()
        if known and folder not in roots:
            return self._paths["/".join(known[0] + names)]
        for root in roots:
            if root in self._packages and root != folder:
                continue
            closeness = _closeness(root, folder, 1 if strict else len(names))
            if closeness is not None and (best is None or closeness > best[0]):
                best = (closeness, self._paths["/".join(root + names)])
        return None if best is None else best[1]

    def _roots(self, names: tuple[str, ...], importer: str) -> list[tuple[str, ...]]:
        """The folders below which there is a file of this dotted name, the importer aside."""
        found = self._by_last.get(names[-1])
        if not found:
            return []
        mine = () if is_notebook(importer) else self._parts(importer)
        length = len(names)
        return [
            parts[: len(parts) - length]
            for parts in found
            if parts[len(parts) - length :] == names and parts != mine
        ]

    def _searched(self, names: tuple[str, ...], importer: str) -> str | None:
        """The file that a name means in a folder put on ``sys.path``, the nearest first."""
        if not self._folders:
            return None
        folder = self._folder(importer)
        above = "" in self._folders.get(importer, ())
        roots = [
            root
            for root in self._roots(names, importer)
            if (above and folder[: len(root)] == root)
            or any(root[len(root) - len(tail) :] == tail for tail in self._tails)
        ]
        if not roots:
            return None
        best = max(roots, key=lambda root: (_shared(root, folder), -len(root)))
        return self._paths["/".join(best + names)]

    def _is_package(self, parts: tuple[str, ...]) -> bool:
        """Whether a folder is imported by its name; that of a ``setup.py`` is a project's own."""
        if not parts or not parts[-1].isidentifier():
            return False
        found = self._paths.get("/".join(parts), "")
        return is_package(found) and "/".join((*parts, SETUP)) not in self._paths

    def _read(self, path: str | None) -> str | None:
        return None if path in self._unread else path

    def _parts(self, path: str) -> tuple[str, ...]:
        known = self._parts_of.get(path)
        if known is None:
            clean = posixpath.normpath(self._base + _clean(path))
            stem = clean.rsplit(".", 1)[0] if "." in posixpath.basename(clean) else clean
            parts = tuple(stem.split("/"))
            known = self._parts_of[path] = parts[:-1] if parts[-1] == PACKAGE else parts
        return known

    def _folder(self, path: str) -> tuple[str, ...]:
        known = self._folder_of.get(path)
        if known is None:
            clean = posixpath.normpath(self._base + _clean(path))
            known = self._folder_of[path] = tuple(clean.split("/")[:-1])
        return known


def is_package(path: str) -> bool:
    """Whether a file is a package's ``__init__``."""
    return posixpath.basename(_clean(path)).rsplit(".", 1)[0] == PACKAGE


def is_notebook(path: str) -> bool:
    """Whether a file is a notebook."""
    return path.endswith(".ipynb")


def stem(path: str) -> str:
    """The name under which a file is imported: its own, or that of the package."""
    *folders, name = _clean(path).split("/")
    name = name.rpartition(".")[0] or name
    return name if name != PACKAGE else folders[-1] if folders else ""


def _clean(path: str) -> str:
    return posixpath.normpath(path.replace("\\", "/"))


def _base(paths: Iterable[str], here: str) -> str:
    """As much of the end of a folder's path as paths climb up from it, with a slash."""
    climbs = max((_clean(path).split("/").count("..") for path in paths), default=0)
    folders = [name for name in _clean(here).split("/") if name]
    return "".join(f"{name}/" for name in folders[-climbs:]) if here and climbs else ""


def _closeness(root: tuple[str, ...], folder: tuple[str, ...], names: int) -> int | None:
    """How near an import root is to the importing folder; None if Python wouldn't look there."""
    if folder[: len(root)] == root:
        return 2 * len(root) + 1
    if root and root[-1] == "src" and folder[: len(root) - 1] == root[:-1]:
        return 2 * len(root)
    return None if names < 2 else _shared(root, folder) - len(root)


def _shared(root: tuple[str, ...], folder: tuple[str, ...]) -> int:
    shared = 0
    while shared < min(len(root), len(folder)) and root[shared] == folder[shared]:
        shared += 1
    return shared
