"""What a result depends on → a digest of it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import TYPE_CHECKING

from evalguard._version import __version__
from evalguard.records import NamedTuple

if TYPE_CHECKING:
    from evalguard.options import Options

FORM = 1
RACY = 2_000_000_000

Stat = tuple[int, int, int]


class Key(NamedTuple):
    """The files of a run as they are now.

    ``stats`` has the size of each and the times of its last changes, None if it can't be seen.
    ``settled``: all changes are so long ago that another would have another time.
    """

    stats: dict[str, Stat | None]
    taken: int

    @classmethod
    def of(cls, files: Iterable[str]) -> Key:
        """Look at files."""
        taken = time.time_ns()
        return cls({file: _stat(file) for file in files}, taken)

    @property
    def settled(self) -> bool:
        """Whether no file has changed just now, or can't be seen."""
        return all(stat is not None and self.is_old(stat) for stat in self.stats.values())

    def is_old(self, stat: Stat) -> bool:
        """Whether a later change would tell by another time."""
        return stat[1] < self.taken - RACY


def _stat(path: str) -> Stat | None:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


def digest(*parts: object) -> str:
    """A short name for values; they need a ``repr`` that tells all of them."""
    return of_bytes(repr(parts).encode("utf-8", "surrogatepass"))


def of_bytes(data: bytes) -> str:
    """A short name for bytes."""
    return blake2b(data, digest_size=16).hexdigest()


def salt(options: Options) -> str:
    """What all results of a run depend on, besides its files."""
    return digest(
        FORM, __version__, sys.version, sys.platform, os.getcwd(), options, sorted(_own())
    )


def _own() -> Iterator[tuple[str, int, int]]:
    """The files that evalguard is made of: an editable install changes without a version."""
    todo = [os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]
    while todo:
        with os.scandir(todo.pop()) as entries:
            for entry in entries:
                if entry.is_dir() and entry.name != "__pycache__":
                    todo.append(entry.path)
                elif entry.name.endswith((".py", ".json", ".so", ".pyd")):
                    stat = entry.stat()
                    yield entry.path, stat.st_size, stat.st_mtime_ns
