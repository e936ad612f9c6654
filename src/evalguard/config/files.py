"""Paths → the configuration file nearest to them, and what it holds, key by key and line by line.

A folder's own file is ``evalguard.toml``, or else a ``pyproject.toml`` that has a table
``[tool.evalguard]``.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import ModuleType

from evalguard.contents import contents, reason
from evalguard.records import NamedTuple

OWN, SHARED = "evalguard.toml", "pyproject.toml"
TABLE = ("tool", "evalguard")
MOST_BYTES = 1_000_000
MOST_LINES = 1000  # in which a key is looked for that isn't written as it is called
_PLACE = r" \(at (?:line (\d+), column \d+|end of document)\)$"


class ConfigError(Exception):
    """A configuration that can't be used: where, and why."""

    def __init__(self, path: str, line: int, reason: str) -> None:
        super().__init__(f"{path}:{line}: {reason}" if line else f"{path}: {reason}")
        self.path = path
        self.line = line
        self.reason = reason


class File(NamedTuple):
    """A configuration file; ``path`` is absolute, ``keys`` lead to the settings in it."""

    path: str
    text: str
    keys: tuple[str, ...]
    values: Mapping[str, object]

    @property
    def folder(self) -> str:
        """The folder that its paths are seen from."""
        return os.path.dirname(self.path)

    @property
    def shown(self) -> str:
        """Its path as a person at the current directory would write it."""
        here = os.path.join(os.getcwd(), "")
        return self.path.removeprefix(here)

    def line(self, *keys: str) -> int:
        """The line that sets a key, or the nearest key around it; 0 if it is nowhere."""
        wanted = (*self.keys, *keys)
        depths = range(len(wanted), 0, -1)
        return next(filter(None, (_line(self.text, wanted[:depth]) for depth in depths)), 0)

    def error(self, reason: str, *keys: str) -> ConfigError:
        """An error at a key."""
        return ConfigError(self.shown, self.line(*keys), reason)


def nearest(paths: Sequence[str]) -> File | None:
    """Find the file that holds for paths.

    Args:
        paths: What is to be checked; they needn't exist.

    Returns:
        The nearest one, from the folder that they are all in, upwards.

    Raises:
        ConfigError: It isn't TOML, or can't be read.
    """
    folder = _common(paths)
    while True:
        for name in (OWN, SHARED):
            found = _opened(os.path.join(folder, name))
            if found is not None:
                return found
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above


def named(path: str) -> File:
    """Read a file that the user has named.

    Raises:
        ConfigError: It isn't TOML, can't be read, or is a ``pyproject.toml`` without evalguard.
    """
    data = _bytes(path)
    if data is None:
        raise ConfigError(path, 0, "no such file")
    found = _parsed(os.path.abspath(path), data)
    if found is None:
        raise ConfigError(path, 0, "it has no table [tool.evalguard]")
    return found


def _common(paths: Sequence[str]) -> str:
    """The innermost folder that all paths are in."""
    folders = {_folder(path) for path in paths} or {os.getcwd()}
    try:
        return os.path.commonpath(folders)
    except ValueError:
        return os.getcwd()


def _folder(path: str) -> str:
    path = os.path.abspath(path)
    return path if os.path.isdir(path) else os.path.dirname(path)


def _opened(path: str) -> File | None:
    data = _bytes(path)
    if data is None or (os.path.basename(path) == SHARED and b"evalguard" not in data):
        return None
    return _parsed(path, data)


def _bytes(path: str) -> bytes | None:
    """What a file holds, None if there is none."""
    try:
        return contents(path, MOST_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if os.path.isdir(path) or not os.path.exists(path):
            return None
        raise ConfigError(path, 0, f"can't be read: {reason(error)}") from None


def _parsed(path: str, data: bytes) -> File | None:
    keys = TABLE if os.path.basename(path) == SHARED else ()
    file = File(path, "", keys, {})
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(file.shown, line, "not text in UTF-8") from None
    values = _inner(_loaded(file.shown, text), keys)
    if values is None:
        return None
    if not isinstance(values, Mapping):
        raise file._replace(text=text).error("tool.evalguard must be a table")
    return file._replace(text=text, values=values)


def _loaded(shown: str, text: str) -> object:
    try:
        return _toml().loads(text)
    except RecursionError:
        raise ConfigError(shown, 0, "nested too deeply") from None
    except ValueError as error:
        place = re.search(_PLACE, str(error))
        line = int(place[1] or text.count("\n") + 1) if place else 0
        reason = str(error)[: place.start()] if place else str(error)
        raise ConfigError(shown, line, f"not TOML: {reason}") from None


def _toml() -> ModuleType:
    from importlib import import_module

    return import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")


def _inner(values: object, keys: Sequence[str]) -> object:
    """What keys lead to, None if they lead nowhere."""
    for key in keys:
        values = values.get(key) if isinstance(values, Mapping) else None
    return values


def _line(text: str, keys: Sequence[str]) -> int:
    """The line where a key is set, 0 if it is nowhere.

    A file that ends between two statements is TOML, too, and any other isn't: the key is set by
    the first statement with which the file's beginning has it.
    """
    lines = text.split("\n")
    naming = [number for number, line in enumerate(lines, start=1) if keys[-1] in line]
    for number in naming or range(1, min(len(lines), MOST_LINES) + 1):
        if _inner(_beginning(lines, number), keys) is not None:
            return number
    return 0


def _beginning(lines: Sequence[str], least: int) -> object:
    """What a file's first lines hold, up to the end of a statement."""
    loads = _toml().loads
    for end in range(least, len(lines) + 1):
        with suppress(ValueError):
            return loads("\n".join(lines[:end]))
    return None
