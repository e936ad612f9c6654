"""Paths to check → the other files of the project that they lie in.

A project's folder is known by what lies in it: first by ``CERTAIN`` names, then by ``LIKELY`` and
``POSSIBLE`` ones, which a package's folder may hold without being a project. Without any of them
it is the folder that holds the outermost package, or the script. Folders that hold many projects
(the home directory, installed packages) are none. Folders that are known to be imported from
belong to it, wherever they lie.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from itertools import chain

from evalguard.discover import EXCLUDED, TooMany, below, leads_out

CERTAIN = ("pyproject.toml", ".git", ".hg")
LIKELY = ("setup.py", "setup.cfg")
POSSIBLE = ("requirements.txt", "environment.yml", "LICENSE", "README.md")
HIGHEST = 10
MOST_LISTED = 10_000


def neighbours(
    paths: Sequence[str],
    files: Iterable[str],
    exclude: Iterable[str] = EXCLUDED,
    src: Iterable[str] = (),
) -> tuple[str, ...]:
    """Find the other files of the projects that paths lie in.

    Args:
        paths: Files and directories, as given.
        files: The files that they stand for.
        exclude: Patterns of what to leave out.
        src: Folders that imports start from.

    Returns:
        Paths, relative if those given are; what git ignores isn't among them, nor are links that
        lead out of the project.
    """
    given = tuple(os.path.abspath(path) for path in paths if os.path.isdir(path))
    listed = cache(partial(_listed, exclude=tuple(exclude)))
    roots = [root for root in map(os.path.abspath, src) if not _is_in_any(root, given)]
    found: dict[str, str] = {}
    for folder, absolute in dict.fromkeys(map(_place, paths)):
        imported = (listed(root) or () for root in roots)
        for file in chain(_project(folder, given, listed), *imported):
            found.setdefault(file, file if absolute else os.path.relpath(file))
    known = {os.path.abspath(file) for file in files} if found else set()
    return tuple(found[file] for file in sorted(found.keys() - known))


def _place(path: str) -> tuple[str, bool]:
    """The folder to start from, and whether paths are to be absolute."""
    folder = path if os.path.isdir(path) else os.path.dirname(path)
    return os.path.abspath(folder), os.path.isabs(path)


def _project(
    folder: str, given: tuple[str, ...], listed: Callable[[str], tuple[str, ...] | None]
) -> tuple[str, ...]:
    """The files of the project around a folder, none if all of it is given."""
    for root in _roots(folder):
        if _is_in_any(root, given):
            return ()
        files = listed(root)
        if files is not None:
            return files
    return _beside(folder)


def _listed(root: str, exclude: tuple[str, ...]) -> tuple[str, ...] | None:
    """The files below a folder, None if there are too many."""
    try:
        return below(root, MOST_LISTED, exclude)
    except TooMany:
        return None


def _beside(folder: str) -> tuple[str, ...]:
    """The files in a folder itself."""
    try:
        paths = [os.path.join(folder, name) for name in os.listdir(folder)]
    except OSError:
        return ()
    return tuple(
        path
        for path in sorted(paths)
        if path.endswith(".py") and os.path.isfile(path) and not leads_out(path, folder)
    )


def _roots(folder: str) -> Iterator[str]:
    """The folders that may hold the whole project; the best comes first."""
    packages = list(_climb(folder, lambda path: _has(path, ("__init__.py",))))
    top = os.path.dirname(packages[-1]) if packages else folder
    above = [] if is_no_project(top) else list(_climb(top, lambda path: not is_no_project(path)))
    yield from [path for path in packages if _has(path, CERTAIN)][:1]
    yield from [path for path in above if _has(path, CERTAIN + LIKELY)][:1]
    yield from [path for path in above if _has(path, POSSIBLE)][:1]
    yield from [path for path in packages[-1:] if _has(path, LIKELY + POSSIBLE)]
    yield from above[:1]
    yield from packages[-1:]


def _climb(folder: str, goes_on: Callable[[str], bool]) -> Iterator[str]:
    """A folder and those around it, as long as they fit."""
    for _ in range(HIGHEST):
        if not goes_on(folder):
            return
        yield folder
        folder = os.path.dirname(folder)


def _has(folder: str, names: Iterable[str]) -> bool:
    return any(os.path.exists(os.path.join(folder, name)) for name in names)


def is_no_project(folder: str) -> bool:
    """Whether a folder holds many projects, or none."""
    return (
        os.path.basename(folder) in EXCLUDED
        or os.path.dirname(folder) == folder
        or folder == os.path.expanduser("~")
    )


def _is_in_any(path: str, folders: Iterable[str]) -> bool:
    return any(_is_in(path, folder) for folder in folders)


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(os.path.join(folder, ""))
