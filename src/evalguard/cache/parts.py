"""What is kept of the programs of a run: the contents of files, how they were split, results.

A file whose size and times are those that are known isn't opened. As long as no file's imports
change, the files are split as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from evalguard.cache.codec import Foreign, decoded, encoded
from evalguard.cache.keys import Key, Stat, digest, of_bytes
from evalguard.finding import Result
from evalguard.programs import Files
from evalguard.programs.glance import Glance, shown
from evalguard.records import NamedTuple
from evalguard.source import Unreadable, raw

Split = Callable[[Mapping[str, Glance]], list[Files]]


class Print(NamedTuple):
    """A file as it was: its size and times, and what stands for its bytes and for its glance."""

    stat: Stat
    content: str
    glance: str


class Parts:
    """What is known of the programs of a run.

    Args:
        plain: What was kept.
        key: The files as they are now.
        asked: How many of them, the first ones, are to be checked.
        salt: What all results depend on.
    """

    def __init__(self, plain: object, key: Key, asked: int, salt: str) -> None:
        self._key = key
        self._salt = salt
        try:
            self._before, self._layout, self._results = _read(plain, key, asked)
        except (Foreign, TypeError, ValueError):
            self._before, self._layout, self._results = {}, ("", []), {}
        self._now: dict[str, Print] = {}
        self._seen: dict[str, Glance] = {}
        self._kept: dict[str, object] = {}

    def programs(self, split: Split, told: object) -> list[Files]:
        """The programs that the files are.

        Args:
            split: Splits files.
            told: What that depends on besides.
        """
        for path, stat in self._key.stats.items():
            self._look(path, stat)
        shapes = [(path, each.glance) for path, each in self._now.items()]
        key = digest(self._salt, shapes, [*self._key.stats], told)
        if self._layout[0] != key:
            every = {path: self._seen.get(path) or _glance(path) for path in self._key.stats}
            self._layout = key, split(every)
        return self._layout[1]

    def known(self, files: Files) -> Result | None:
        """The result of a program, if it is known."""
        key = self._name(files)
        if key is None or key not in self._results:
            return None
        try:
            result = decoded(self._results[key])
        except Foreign:
            return None
        paths = {each.place.path for each in result.findings} | {
            each.path for each in result.errors
        }
        if not paths <= {*files.asked}:
            return None
        self._kept[key] = self._results[key]
        return result

    def keep(self, files: Files, result: Result) -> bool:
        """Note the result of a program; whether it can be told when it holds."""
        key = self._name(files)
        if key is not None:
            self._kept[key] = encoded(result)
        return key is not None

    def plain(self) -> object:
        """What is to be kept."""
        key, programs = self._layout
        order = {path: number for number, path in enumerate(self._key.stats)}
        rows = [
            [[order[path] for path in each.asked], [order[path] for path in each.nearby],
             each.telling, each.size]
            for each in programs
        ]  # fmt: skip
        files = [
            [path, *self._now[path].stat, self._now[path].content, self._now[path].glance]
            if path in self._now and self._key.is_old(self._now[path].stat)
            else [path]
            for path in self._key.stats
        ]
        return [files, key, rows, self._kept]

    def _look(self, path: str, stat: Stat | None) -> None:
        """Find out what a file holds, unless that is known."""
        known = self._before.get(path)
        if stat is None:
            return
        if known is not None and known.stat == stat:
            self._now[path] = known
            return
        try:
            data = raw(path)
        except Unreadable:
            return
        glance = self._seen[path] = shown(data, path)
        self._now[path] = Print(stat, of_bytes(data), digest(glance._replace(size=0)))

    def _name(self, files: Files) -> str | None:
        """What stands for all that the result of a program depends on."""
        paths = (*files.asked, *files.nearby)
        if any(path not in self._now for path in paths):
            return None
        contents = [(path, self._now[path].content) for path in paths]
        return digest(self._salt, len(files.asked), files.telling, contents)


def _glance(path: str) -> Glance:
    from evalguard.programs.glance import glance

    return glance(path)


def _read(
    plain: object, key: Key, asked: int
) -> tuple[dict[str, Print], tuple[str, list[Files]], Mapping[str, object]]:
    """Take apart what was kept; how files were split counts only for the same files.

    Raises:
        Foreign: That was something else; so do TypeError and ValueError tell.
    """
    if type(plain) is not list or len(plain) != 4 or type(plain[3]) is not dict:
        raise Foreign
    files, layout, rows, results = plain
    known = {
        str(path): Print((int(size), int(modified), int(changed)), str(content), str(shape))
        for path, size, modified, changed, content, shape in (row for row in files if len(row) == 6)
    }
    paths = [*key.stats]
    checked = [number for row in rows for number in row[0]]
    if [row[0] for row in files] != paths or sorted(checked) != [*range(asked)]:
        return known, ("", []), results
    return known, (str(layout), [_program(row, paths) for row in rows]), results


def _program(row: Sequence[Any], paths: Sequence[str]) -> Files:
    asked, nearby, telling, size = row
    if type(telling) is not bool or any(not 0 <= number < len(paths) for number in nearby):
        raise Foreign
    return Files(
        tuple(paths[number] for number in asked),
        tuple(paths[number] for number in nearby),
        telling,
        int(size),
    )
