"""The cache's folder: JSON by name, in files of this user's own that are whole or not there.

Nothing here fails: what can't be read or written isn't there. A repository could ship a cache that
lies, so its configuration can't say where the cache is, and a folder that others could have
written to isn't used.
"""

from __future__ import annotations

import json
import os
import stat
import sys
import time
from contextlib import suppress

MOST_BYTES = 256_000_000
LARGEST = 64_000_000
OLDEST = 30 * 24 * 3600
ENDING = ".evalguard-cache"
VARIABLE = "EVALGUARD_CACHE_DIR"


def usual() -> str:
    """The folder to use if none is given."""
    if found := os.environ.get(VARIABLE):
        return found
    home = os.path.expanduser("~")
    if sys.platform == "win32":
        return os.path.join(os.environ.get("LOCALAPPDATA", home), "evalguard", "Cache")
    if sys.platform == "darwin":
        return os.path.join(home, "Library", "Caches", "evalguard")
    base = os.environ.get("XDG_CACHE_HOME", "")
    return os.path.join(base if os.path.isabs(base) else os.path.join(home, ".cache"), "evalguard")


class Store:
    """A folder of small files.

    Args:
        folder: Where it is; made when something is kept.
    """

    def __init__(self, folder: str) -> None:
        self.folder = os.path.abspath(folder)

    def load(self, name: str) -> object:
        """What is kept under a name, None if that is nothing."""
        path = self._path(name)
        try:
            if not _is_own(self.folder):
                return None
            with open(path, "rb") as file:
                data = file.read(LARGEST + 1)
            found: object = json.loads(data) if len(data) <= LARGEST else None
            os.utime(path)
        except (OSError, ValueError, RecursionError, MemoryError):
            return None
        return found

    def save(self, name: str, value: object) -> None:
        """Keep a value under a name."""
        data = json.dumps(value, separators=(",", ":")).encode("ascii")
        with suppress(OSError):
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            if _is_own(self.folder) and len(data) <= LARGEST:
                _write(self._path(name), data)
                self._trim()

    def clear(self) -> int:
        """Drop everything; how many files that were."""
        files = self._files() if _is_own(self.folder) else []
        for path, _ in files:
            _drop(path)
        with suppress(OSError):
            os.rmdir(self.folder)
        return len(files)

    def _path(self, name: str) -> str:
        return os.path.join(self.folder, f"{name}{ENDING}")

    def _files(self) -> list[tuple[str, os.stat_result]]:
        """The files of the cache, those that were used last first."""
        with suppress(OSError), os.scandir(self.folder) as entries:
            found = [(each.path, each.stat()) for each in entries if ENDING in each.name]
            return sorted(found, key=lambda each: each[1].st_mtime, reverse=True)
        return []

    def _trim(self) -> None:
        """Drop what is too much or too old."""
        left, now = MOST_BYTES, time.time()
        for path, found in self._files():
            left -= found.st_size
            if left < 0 or now - found.st_mtime > OLDEST:
                _drop(path)


def _is_own(folder: str) -> bool:
    """Whether a folder belongs to this user, and nobody else may write to it."""
    if not hasattr(os, "geteuid"):
        return os.path.isdir(folder)
    try:
        found = os.stat(folder)
    except OSError:
        return False
    mine = found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return mine and stat.S_ISDIR(found.st_mode)


def _write(path: str, data: bytes) -> None:
    """Write a file under another name first, so that nobody ever sees half of it."""
    draft = f"{path}.{os.getpid()}"
    _drop(draft)
    try:
        with open(draft, "xb", opener=_private) as file:
            file.write(data)
        os.replace(draft, path)
    except OSError:
        _drop(draft)
        raise


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _drop(path: str) -> None:
    with suppress(OSError):
        os.unlink(path)
