"""Paths from the command line → the Python files and notebooks they stand for, each once."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice

from evalguard.finding import FileError
from evalguard.globs import Globs
from evalguard.records import NamedTuple

MODULE = ".py"
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
        for file in (path,) if path in unsaved else _below(path, excluded, errors):
            shown.setdefault(os.path.abspath(file), file)
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
    every = _search(directory, Globs(exclude), [], 100 * most)
    found = tuple(islice((path for path in every if path.endswith(MODULE)), most + 1))
    if len(found) > most:
        raise TooMany
    return tuple(os.path.join(directory, path) for path in sorted(found, key=_parts))


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


def _below(path: str, excluded: Globs, errors: list[FileError]) -> Iterable[str]:
    if os.path.isdir(path):
        unlisted: list[OSError] = []
        every = _search(path, excluded, unlisted)
        inside = (each for each in every if not leads_out(os.path.join(path, each), path))
        found = sorted(inside, key=_parts)
        errors += [_error(path, error) for error in unlisted]
        return [_shown(path, os.path.join(path, below)) for below in found]
    if not os.path.exists(path):
        raise NoSuchPath(path)
    return [path]


def _shown(given: str, path: str) -> str:
    """Leave out the current directory's own name."""
    return path.removeprefix(os.path.join(os.curdir, "")) if given == os.curdir else path


def _error(given: str, error: OSError) -> FileError:
    reason = (error.strerror or str(error)).lower()
    return FileError(_shown(given, error.filename), f"can't be listed: {reason}")


def _parts(path: str) -> list[str]:
    return path.split(os.sep)


def _search(
    directory: str, excluded: Globs, unlisted: list[OSError], most: float = float("inf")
) -> Iterator[str]:
    """Yield the files to check below a directory, relative to it."""
    listed = _listed_by_git(directory) if _in_work_tree(directory) else ()
    if listed:
        return _kept(directory, listed, excluded, unlisted)
    return _walk(directory, excluded, unlisted, most)


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


def _kept(
    directory: str, listed: Iterable[str], excluded: Globs, unlisted: list[OSError]
) -> Iterator[str]:
    """Keep the files to check of git's list; a repository inside the repository is searched too."""
    environments: dict[str, bool] = {}
    for name in sorted(set(listed)):
        below = os.path.normpath(name)
        path = os.path.join(directory, below)
        *folders, file = _parts(below)
        if any(map(excluded.match_name, (*folders, file))) or excluded.match_path(path):
            continue
        if _in_environment(directory, folders, environments):
            continue
        if file.endswith(CHECKED) and os.path.isfile(path):
            yield below
        elif _is_folder(path):
            inner = _search(path, excluded, unlisted)
            yield from (os.path.join(below, deeper) for deeper in inner)


def _in_environment(directory: str, folders: list[str], known: dict[str, bool]) -> bool:
    """Tell whether one of the folders on the way is a virtual environment."""
    for folder in folders:
        directory = os.path.join(directory, folder)
        if directory not in known:
            known[directory] = _is_environment(directory)
        if known[directory]:
            return True
    return False


def _walk(directory: str, excluded: Globs, unlisted: list[OSError], most: float) -> Iterator[str]:
    for top, folders, files in os.walk(directory, onerror=unlisted.append):
        most -= len(folders) + len(files)
        if most < 0:
            raise TooMany
        folders[:] = [name for name in folders if _is_searched(os.path.join(top, name), excluded)]
        for name in files:
            path = os.path.join(top, name)
            if name.endswith(CHECKED) and os.path.isfile(path) and not excluded.match(path):
                yield os.path.relpath(path, directory)


def _is_searched(path: str, excluded: Globs) -> bool:
    return not (excluded.match(path) or os.path.islink(path) or _is_environment(path))


def _is_folder(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)


def _is_environment(directory: str) -> bool:
    return os.path.exists(os.path.join(directory, "pyvenv.cfg"))
