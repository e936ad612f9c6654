"""Texts as they are to be → files: in the encoding and line ends they had, whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from collections.abc import Callable, Mapping

from evalguard.source import (
    Bytes,
    Source,
    Unreadable,
    as_written,
    decoded,
    encoding_of,
    from_text,
    raw,
    read,
    rewritten,
)

Put = Callable[[str, bytes], None]
UNWRITABLE = "can't be written: {}"
CHANGED = "changed on disk since it was read, so it is left as it is"
ONE_WAY = "can't be written back as it was: {} has more than one spelling of its text"


class Unwritable(Exception):
    """A file that keeps what it held, and why.

    Args:
        reason: What a user needs to know, without the path.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Files:
    """The files of a run, and what they held when they were first read.

    Args:
        bytes_of: Gives what a file holds.
        put: Writes what a file is to hold.
    """

    def __init__(self, bytes_of: Bytes = raw, put: Put | None = None) -> None:
        self._raw = bytes_of
        self._put = put or replace
        self._digests: dict[str, bytes] = {}

    def read(self, path: str) -> Source:
        """Read a file, and remember what it holds.

        Raises:
            Unreadable: It can't be read.
        """
        self._digests.setdefault(path, _digest(self._raw(path)))
        return read(path, self._raw)

    def text(self, path: str) -> str | None:
        """The text of a file; None if it can't be read."""
        try:
            return self.read(path).text
        except Unreadable:
            return None

    def draft(self, path: str, text: str) -> Source:
        """What a file is read as if a new text is put into it.

        Args:
            path: The file.
            text: See ``write``.

        Raises:
            Unreadable: It can't be read, or can't hold that.
        """
        return from_text(self._drafted(path, text), path)

    def pages(self, path: str, text: str | None = None) -> Mapping[int, str]:
        """The code of a file as a person sees it, by its cells; a script's is one page, 0.

        Args:
            path: The file.
            text: What is put into it; None for what it holds.

        Raises:
            Unreadable: It can't be read, or can't hold that.
        """
        held = decoded(self._raw(path), path) if text is None else self._drafted(path, text)
        return as_written(held, path)

    def write(self, path: str, text: str) -> None:
        """Put a new text into a file.

        Args:
            path: A file that was read.
            text: The text of its ``Source`` with changes.

        Raises:
            Unwritable: The file holds something else by now, or can't be written.
        """
        try:
            data = self._raw(path)
        except Unreadable as error:
            raise Unwritable(error.reason) from None
        if _digest(data) != self._digests.get(path):
            raise Unwritable(CHANGED)
        try:
            self._put(path, written_back(data, path, text))
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise Unwritable(UNWRITABLE.format(reason)) from None

    def _drafted(self, path: str, text: str) -> str:
        try:
            return rewritten(decoded(self._raw(path), path), path, text)
        except ValueError as error:
            raise Unreadable(str(error)) from None


def written_back(data: bytes, path: str, text: str) -> bytes:
    """Turn a text back into the bytes of its file.

    Args:
        data: What the file holds.
        path: The file.
        text: The text of its ``Source`` with changes.

    Raises:
        Unwritable: It can't hold that, or bytes that nobody wants changed would change.
    """
    encoding = encoding_of(data, path)
    original = data.decode(encoding)
    if original.encode(encoding) != data:
        raise Unwritable(ONE_WAY.format(encoding))
    try:
        return rewritten(original, path, text).encode(encoding)
    except UnicodeEncodeError:
        raise Unwritable(UNWRITABLE.format(f"{encoding} lacks a character")) from None
    except ValueError as error:
        raise Unwritable(str(error)) from None


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def replace(path: str, data: bytes) -> None:
    """Write beside a file, then put that in its place in one step.

    Raises:
        OSError: It can't be written.
    """
    path = os.path.realpath(path)
    before = os.stat(path)
    if not before.st_mode & stat.S_IWUSR or not os.access(path, os.W_OK):
        raise PermissionError(0, "it is read-only")
    _put_in_place(path, data, lambda draft: _take_after(draft, before))


def create(path: str, data: bytes) -> None:
    """Write a file that is whole or not there; a link in its place is replaced, not followed.

    Raises:
        OSError: It can't be written.
    """
    mask = os.umask(0)
    os.umask(mask)
    _put_in_place(path, data, lambda draft: os.chmod(draft, 0o666 & ~mask))


def _put_in_place(path: str, data: bytes, prepare: Callable[[str], None]) -> None:
    folder, name = os.path.split(path)
    handle, draft = tempfile.mkstemp(prefix=f".{name}.", suffix=".tmp", dir=folder or os.curdir)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        prepare(draft)
        os.replace(draft, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(draft)
        raise


def _take_after(draft: str, before: os.stat_result) -> None:
    """Give a file the owner and permissions of another, as far as that is allowed."""
    if hasattr(os, "chown"):
        with contextlib.suppress(OSError):
            os.chown(draft, before.st_uid, before.st_gid)
    os.chmod(draft, stat.S_IMODE(before.st_mode))
