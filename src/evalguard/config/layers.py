"""Defaults, a file and the command line → ``Configuration``: what is in force, and since where.

A setting of the command line takes the place of the file's, but those that add are put together;
who selects rules on the command line starts afresh.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from evalguard.config.files import File, named, nearest
from evalguard.config.kinds import Wrong, hint
from evalguard.config.settings import Settings, keys
from evalguard.options import Options
from evalguard.records import NamedTuple
from evalguard.select import EVERY

SELECTING = ("select", "extend-select", "ignore")


class Configuration(NamedTuple):
    """The settings in force; ``given`` holds the names of those that the command line has set."""

    settings: Settings
    file: File | None
    given: frozenset[str]

    def origin(self, name: str) -> str:
        """Where the value of a setting is from: an option, a file and its line, or both."""
        found = [f"--{name}"] if name in self.given else []
        if self.file is not None and name in _held(self.file, self.given):
            adds = not found or keys()[name].adds
            found += [f"{self.file.shown}:{self.file.line(name)}"] if adds else []
        return ", ".join(reversed(found)) or "default"

    def options(self) -> Options:
        """The options of a check."""
        wanted = self.settings
        return Options(
            select=_selected(wanted.select, wanted.extend_select),
            ignore=wanted.ignore,
            min_confidence=wanted.min_confidence,
            per_file_ignores=wanted.per_file_ignores,
            severity=wanted.severity,
            exclude=(*wanted.exclude, *wanted.extend_exclude),
            force_exclude=wanted.force_exclude,
            src=wanted.src,
            knowledge=wanted.knowledge,
            warn_unused_ignores=wanted.warn_unused_ignores,
        )


def configured(
    paths: Sequence[str] = (),
    given: Mapping[str, object] | None = None,
    config: str | None = None,
    isolated: bool = False,
) -> Configuration:
    """Find out what is in force.

    Args:
        paths: What is to be checked: the nearest file upwards counts.
        given: What the command line sets, by the names of the settings.
        config: The file to use instead.
        isolated: Whether to look for no file.

    Returns:
        The settings.

    Raises:
        ConfigError: The file can't be used.
        Wrong: What the command line sets can't be.
    """
    file = named(config) if config else None if isolated else nearest(paths)
    given = given or {}
    found = {} if file is None else _read_file(file)
    if file is not None:
        found = {name: found[name] for name in _held(file, given)}
    for name, value in given.items():
        key = keys()[name]
        read = key.kind.read(value, os.getcwd())
        found[name] = found[name] + read if key.adds and name in found else read
    settings = Settings(**{name.replace("-", "_"): value for name, value in found.items()})
    return Configuration(settings, file, frozenset(given))


def _selected(words: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    """Words for the rules to run, none if all are to."""
    return (*words, *more) if words else (EVERY, *more) if more else ()


def _held(file: File, given: Mapping[str, object] | frozenset[str]) -> list[str]:
    """The settings of a file that count besides those of the command line."""
    dropped = SELECTING if "select" in given else ()
    return [name for name in file.values if name not in dropped]


def _read_file(file: File) -> dict[str, Any]:
    return dict(_read(file, name, value) for name, value in file.values.items())


def _read(file: File, name: str, value: object) -> tuple[str, Any]:
    key = keys().get(name)
    if key is None:
        raise file.error(f"unknown key `{name}`{hint(name, tuple(keys()))}", name)
    try:
        return name, key.kind.read(value, file.folder)
    except Wrong as wrong:
        raise file.error(f"`{name}`: {wrong.reason}", name, *wrong.keys) from None
