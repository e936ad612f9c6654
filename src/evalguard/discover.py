"""Paths from the command line → the Python files and notebooks they stand for, each once."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice

from evalguard.finding import FileError
from evalguard.globs import Globs
from evalguard.records import NamedTuple

MODULE = ".py"
ENVIRONMENT = "pyvenv.cfg"
CHECKED = (MODULE, ".ipynb")
EXCLUDED = (
    "__pycache__", "__pypackages__", ".bzr", ".direnv", ".eggs", ".git", ".hg",
    ".ipynb_checkpoints", ".mypy_cache", ".nox", ".pants.d", ".pyenv", ".pytest_cache", ".pytype",
    ".ruff_cache", ".svn", ".tox", ".venv", ".vscode", "buck-out", "build", "dist",
    "node_modules", "site-packages", "venv",
)  # fmt: skip


class NoSuchPath(Exception):
    """A path to check that doesn't exist."""

    def __init__(self, path: str) -> None:
        super().__init__(f"no such file or directory: {path}")
        self.path = path


class TooMany(Exception):
    """A directory with more in it than was asked for."""


class Found(NamedTuple):
    """The files to check, as shown to the user, and the directories that can't be listed."""

    files: tuple[str, ...]
    errors: tuple[FileError, ...]


def discover(
    paths: Sequence[str],
    exclude: Iterable[str] = EXCLUDED,
    force: bool = False,
    unsaved: Collection[str] = (),
) -> Found:
    """Find what to check.

    A file that is given is always among the result, whatever its name. Below a directory that is
    given, these are left out: what is excluded, virtual environments, symbolic links to
    directories and to files that lie elsewhere, and what git ignores.

    Args:
        paths: Files and directories.
        exclude: Patterns of what to leave out: folders that hold no code of the project.
        force: Leave out what is excluded even if it is given.
        unsaved: Paths of files, whether they exist or not.

    Returns:
        The files, named by the path given joined with what is below it, in the order of the
        paths, sorted below each.

    Raises:
        NoSuchPath: One of the paths doesn't exist.
    """
    errors: list[FileError] = []
    shown: dict[str, str] = {}
    excluded = Globs(exclude)
    for path in paths:
        if force and _lies_in(path, excluded):
            continue
        files = [path] if path in unsaved else _below(path, excluded, errors)
        for absolute, file in zip(_absolute(path, files), files, strict=True):
            shown.setdefault(absolute, _shown(path, file))
    return Found(tuple(shown.values()), tuple(errors))


def below(directory: str, most: int, exclude: Iterable[str] = EXCLUDED) -> tuple[str, ...]:
    """Find the Python files below a directory, as ``discover`` does, but no notebooks.

    Args:
        directory: Where to look.
        most: How many files there may be; a hundred times as many other things.
        exclude: Patterns of what to leave out.

    Returns:
        The directory joined with what is below it.

    Raises:
        TooMany: There are more.
    """
    every = _search(directory, _Scope(directory, Globs(exclude), []), 100 * most)
    found = [*islice((path for path in every if path.endswith(MODULE)), most + 1)]
    if len(found) > most:
        raise TooMany
    return tuple(sorted(found, key=_order))


def leads_out(path: str, folder: str) -> bool:
    """Whether a path is a link to something that doesn't lie in a folder."""
    if not os.path.islink(path):
        return False
    real, inside = os.path.realpath(path), os.path.realpath(folder)
    return not real.startswith(os.path.join(inside, ""))


def _lies_in(path: str, excluded: Globs) -> bool:
    """Whether a path that is given, or a folder on the way to it from here, is excluded."""
    names = _parts(os.path.relpath(path) if _is_here(path) else os.path.basename(path))
    return any(map(excluded.match_name, names)) or excluded.match_path(path)


def _is_here(path: str) -> bool:
    return not os.path.isabs(path) or path.startswith(os.path.join(os.getcwd(), ""))


def _below(path: str, excluded: Globs, errors: list[FileError]) -> list[str]:
    if os.path.isdir(path):
        scope = _Scope(path, excluded, [])
        found = sorted(_search(path, scope), key=_order)
        errors += [_error(path, error) for error in scope.unlisted]
        return found
    if not os.path.exists(path):
        raise NoSuchPath(path)
    return [path]


def _absolute(given: str, files: list[str]) -> list[str]:
    """The absolute paths of a file that is given, or of those below a directory."""
    if files == [given]:
        return [os.path.abspath(given)]
    start, top = len(_inside(given)), _inside(os.path.abspath(given))
    return [top + file[start:] for file in files]


def _inside(directory: str) -> str:
    """What the paths of all that is in a directory begin with."""
    return os.path.join(directory, "")


def _shown(given: str, path: str) -> str:
    """Leave out the current directory's own name."""
    return path.removeprefix(os.path.join(os.curdir, "")) if given == os.curdir else path


def _error(given: str, error: OSError) -> FileError:
    reason = (error.strerror or str(error)).lower()
    return FileError(_shown(given, error.filename), f"can't be listed: {reason}")


def _parts(path: str) -> list[str]:
    return path.split(os.sep)


def _order(path: str) -> str:
    """What sorts paths as their parts would: no name holds a null."""
    return path.replace(os.sep, "\0")


class _Scope(NamedTuple):
    """What holds for all below the directory that is given, and what couldn't be listed there."""

    given: str
    excluded: Globs
    unlisted: list[OSError]


def _search(directory: str, scope: _Scope, most: float = float("inf")) -> Iterator[str]:
    """Yield the files to check below a directory, joined with it."""
    listed = _listed_by_git(directory) if _in_work_tree(directory) else ()
    return _kept(directory, listed, scope) if listed else _walk(directory, scope, most)


def _in_work_tree(directory: str) -> bool:
    here = os.path.realpath(directory)
    while not os.path.exists(os.path.join(here, ".git")):
        above = os.path.dirname(here)
        if above == here:
            return False
        here = above
    return True


def _listed_by_git(directory: str) -> tuple[str, ...]:
    """Ask git for what it tracks and what it doesn't ignore below a directory.

    Nothing is listed if git isn't there or refuses, and below a directory that is ignored itself:
    then the caller walks. Git is told to run no hook that the repository configures.
    """
    import subprocess

    command = ["git", "-c", "core.fsmonitor=false", "-C", directory]
    command += ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(command, capture_output=True, check=True, stdin=subprocess.DEVNULL)  # noqa: S603 (a fixed command; the directory is one argument)
    except (OSError, subprocess.CalledProcessError):
        return ()
    return tuple(os.fsdecode(name) for name in done.stdout.split(b"\0") if name)


class _Folder(NamedTuple):
    """What is in a folder: names of files to check, of folders that are no links; how many in all.

    ``is_environment``: it is a virtual environment.
    """

    files: Collection[str] = ()
    folders: Collection[str] = ()
    size: int = 0
    is_environment: bool = False


def _listed(path: str, given: str) -> _Folder:
    """List a folder; only what may be a link is looked at by itself.

    Raises:
        OSError: It can't be listed.
    """
    files, folders, size, is_environment = [], [], 0, False
    with os.scandir(path) as entries:
        for entry in entries:
            size += 1
            name = entry.name
            if name.endswith(CHECKED) and (
                entry.is_file(follow_symlinks=False) or _is_file(entry.path, given)
            ):
                files.append(name)
            elif entry.is_dir(follow_symlinks=False):
                folders.append(name)
            elif name == ENVIRONMENT:
                is_environment = True
    return _Folder(files, folders, size, is_environment)


def _is_file(path: str, given: str) -> bool:
    return os.path.isfile(path) and not leads_out(path, given)


def _kept(directory: str, listed: Iterable[str], scope: _Scope) -> Iterator[str]:
    """Keep the files to check of git's list; a repository inside the repository is searched too."""
    start, excluded = _inside(directory), scope.excluded
    known: dict[str, _Folder | None] = {"": _sets(directory, scope)}
    for name in sorted(set(listed)):
        below = name.rstrip("/").replace("/", os.sep)
        head, _, own = below.rpartition(os.sep)
        folder = known[head] if head in known else _found(head, start, scope, known)
        path = start + below
        if folder is None or excluded.match_name(own) or excluded.match_path(path):
            continue
        if own in folder.files or (own.endswith(CHECKED) and _is_file(path, scope.given)):
            yield path
        elif own in folder.folders:
            yield from _search(path, scope)


def _found(
    below: str, start: str, scope: _Scope, known: dict[str, _Folder | None]
) -> _Folder | None:
    """What is in a folder, None if it or one on the way to it isn't searched."""
    head, folder = "", known[""]
    for own in _parts(below):
        head = os.path.join(head, own)
        if head not in known:
            searched = folder is not None and not scope.excluded.match_name(own)
            inner = _sets(start + head, scope) if searched else None
            known[head] = None if inner is None or inner.is_environment else inner
        folder = known[head]
    return folder


def _sets(path: str, scope: _Scope) -> _Folder:
    """What is in a folder, to be looked up."""
    try:
        found = _listed(path, scope.given)
    except (FileNotFoundError, NotADirectoryError):
        return _Folder()
    except OSError as error:
        scope.unlisted.append(error)
        return _Folder()
    return found._replace(files=frozenset(found.files), folders=frozenset(found.folders))


def _walk(directory: str, scope: _Scope, most: float) -> Iterator[str]:
    todo = [directory]
    while todo:
        top = todo.pop()
        try:
            found = _listed(top, scope.given)
        except OSError as error:
            scope.unlisted.append(error)
            continue
        if found.is_environment and top != directory:
            continue
        most -= found.size
        if most < 0:
            raise TooMany
        start = _inside(top)
        todo += _unmatched(start, found.folders, scope.excluded)
        yield from _unmatched(start, found.files, scope.excluded)


def _unmatched(start: str, names: Iterable[str], excluded: Globs) -> list[str]:
    """The paths of names, but for what is excluded."""
    kept = [start + name for name in names if not excluded.match_name(name)]
    return [path for path in kept if not excluded.match_path(path)]
