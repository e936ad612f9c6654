"""A file's bytes → ``Source``: its text, decoded as Python would, with line ends of one kind."""

from __future__ import annotations

import io
import tokenize
from dataclasses import dataclass

MAX_BYTES = 8_000_000


class Unreadable(Exception):
    """A file that can't be checked, and why.

    Args:
        reason: What a user needs to know, without the path.
        line: Where, from 1; 0 if the whole file is meant.
        column: Where in the line, from 1; 0 if the whole line is meant.
    """

    def __init__(self, reason: str, line: int = 0, column: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class Source:
    """A file as the next stage reads it; ``path`` as shown to the user."""

    path: str
    text: str


def read(path: str) -> Source:
    """Read and decode a file.

    Args:
        path: The file; also what it is called in reports.

    Returns:
        Its text.

    Raises:
        Unreadable: It can't be opened, is too large, isn't text in the encoding it declares, or
            holds what no Python source may hold.
    """
    return from_text(_decoded(raw(path)), path)


def raw(path: str) -> bytes:
    """Read a file as it is.

    Args:
        path: The file.

    Raises:
        Unreadable: It can't be opened, or is too large.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise Unreadable(f"can't be read: {(error.strerror or str(error)).lower()}") from None
    if len(data) > MAX_BYTES:
        raise Unreadable(f"larger than {MAX_BYTES // 1_000_000} MB")
    return data


def lines(path: str) -> tuple[str, ...]:
    """Read the lines of a file again, to show them; none if it can't be read any more."""
    try:
        return tuple(read(path).text.split("\n"))
    except Unreadable:
        return ()


def from_text(text: str, path: str) -> Source:
    """Make a ``Source`` of text at hand.

    Args:
        text: Python source, with line ends of any kind.
        path: What it is called in reports.

    Returns:
        The same with lines that end in a newline character only.

    Raises:
        Unreadable: It holds a null character.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text:
        raise Unreadable("holds a null character", *_line_and_column(text[: text.index("\0")]))
    return Source(path, text)


def _decoded(data: bytes) -> str:
    encoding = encoding_of(data)
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        before = data[: error.start].decode(encoding, errors="replace")
        place = _line_and_column(before.replace("\r\n", "\n").replace("\r", "\n"))
        raise Unreadable(f"not text in {encoding}: {error.reason}", *place) from None
    except (LookupError, UnicodeError):
        raise Unreadable(f"can't be decoded: {encoding} is no encoding for text") from None


def encoding_of(data: bytes) -> str:
    """Tell a file's encoding.

    It follows PEP 263, but leaves bytes that aren't UTF-8 to the decoding, which finds them.

    Raises:
        Unreadable: It names an encoding that there isn't.
    """
    try:
        return tokenize.detect_encoding(io.BytesIO(data).readline)[0]
    except SyntaxError as error:
        if "invalid or missing encoding" in str(error):
            return "utf-8"
        if "unknown encoding" in str(error) and _is_utf8(data):
            return "utf-8"
        line = 1 if b"coding" in data.partition(b"\n")[0] else 2
        raise Unreadable(f"can't be decoded: {error.msg}", line) from None


def _is_utf8(data: bytes) -> bool:
    """Whether a file that names a codec of some package's own is UTF-8 all the same."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _line_and_column(before: str) -> tuple[int, int]:
    return before.count("\n") + 1, len(before) - before.rfind("\n")
