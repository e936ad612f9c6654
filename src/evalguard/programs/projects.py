"""A file → the project that it belongs to: projects beside one another aren't linked.

The outermost folder that looks like a project counts, so that what lies inside of one belongs to
it. Where packages are installed, each is one. Where scripts or packages come before any project on
the way down, all is one; so are the files that lie in no project.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from evalguard.context.project import CERTAIN, LIKELY, POSSIBLE, is_no_project
from evalguard.globs import posix

MARKS = frozenset(CERTAIN + LIKELY + POSSIBLE + ("PKG-INFO",))
BUILT = ".egg-info"
INSTALLED = ".dist-info"
NONE = ""


class Projects:
    """Tells the projects of files.

    Args:
        files: The files to check.
    """

    def __init__(self, files: Iterable[str]) -> None:
        shapes = {(head, name.startswith("__init__.")) for head, name in map(_divided, files)}
        self._imported_from = {_root(head, package) for head, package in shapes}
        self._known: dict[str, str | None] = {}
        self._shown: dict[str, str] = {}
        self._installed: dict[str, bool] = {}

    def of(self, path: str) -> str:
        """The folder of a file's project, empty if it belongs to none."""
        head, _ = _divided(path)
        if head not in self._shown:
            self._shown[head] = self._around(_folder(head)) or NONE
        return self._shown[head]

    def told(self, paths: Iterable[str]) -> dict[str, str]:
        """The projects of files, by the folders in which these are."""
        for path in paths:
            self.of(path)
        return self._shown

    def _around(self, folder: str) -> str | None:
        """The project around a folder, empty if it is none; None if that isn't settled there."""
        way = [folder]
        while way[-1] not in self._known and os.path.dirname(way[-1]) != way[-1]:
            way.append(os.path.dirname(way[-1]))
        found = self._known.get(way[-1])
        for each in reversed(way):
            found = self._settled(each) if found is None else found
            self._known[each] = found
        return found

    def _settled(self, folder: str) -> str | None:
        if self._holds_installed(folder):
            return None
        marked = not is_no_project(folder) and _is_marked(folder)
        if marked or self._holds_installed(os.path.dirname(folder)):
            return folder
        if folder not in self._imported_from:
            return None
        return NONE if os.path.basename(folder).isidentifier() else folder

    def _holds_installed(self, folder: str) -> bool:
        known = self._installed.get(folder)
        if known is None:
            known = any(name.endswith(INSTALLED) for name in _names(folder))
            self._installed[folder] = known
        return known


def _divided(path: str) -> tuple[str, str]:
    """The folder of a file as it is written, with its last slash, and the file's name."""
    name = posix(path).rpartition("/")[2]
    return path[: len(path) - len(name)], name


def _folder(head: str) -> str:
    return os.path.abspath(os.path.dirname(head))


def _root(head: str, package: bool) -> str:
    """The folder that a file may be imported from."""
    return os.path.dirname(_folder(head)) if package else _folder(head)


def _is_marked(folder: str) -> bool:
    names = _names(folder)
    return not MARKS.isdisjoint(names) or any(name.endswith(BUILT) for name in names)


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []
