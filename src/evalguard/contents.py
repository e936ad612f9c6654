"""A path → what the file holds, if it is one, and isn't too large.

What only looks like a file, as a pipe or a device does, could keep its reader for ever.
"""

from __future__ import annotations

import os
import stat

_AT_ONCE = getattr(os, "O_NONBLOCK", 0)  # a pipe that nobody writes to is opened, too


class TooLarge(OSError):
    """A file that holds more than it may."""


def contents(path: str, most: int) -> bytes:
    """Read a regular file.

    Args:
        path: The file.
        most: How many bytes it may hold.

    Raises:
        TooLarge: It holds more.
        OSError: It can't be read, or is none.
    """
    with open(path, "rb", opener=_opened) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(0, "not a regular file")
        data = file.read(most + 1)
    if len(data) > most:
        raise TooLarge(0, f"larger than {most // 1_000_000} MB")
    return data


def reason(error: OSError) -> str:
    """Why a file can't be read or written, for people."""
    told = error.strerror or str(error)
    return told if isinstance(error, TooLarge) else told.lower()


def _opened(path: str, flags: int) -> int:
    return os.open(path, flags | _AT_ONCE)
