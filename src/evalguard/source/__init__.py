"""A file's bytes → ``Source``: its text, decoded as Python would, with line ends of one kind.

A notebook becomes one program, and what only IPython understands is blanked in it.
"""

from __future__ import annotations

import io
import tokenize
from collections.abc import Callable

from evalguard.contents import TooLarge, contents, reason
from evalguard.places import Cell
from evalguard.records import dataclass
from evalguard.source.unreadable import Unreadable

__all__ = [
    "Bytes", "Source", "Unreadable", "as_written", "decoded", "encoding_of", "from_text", "lines",
    "program", "raw", "read", "rewritten", "within_limit",
]  # fmt: skip

MAX_BYTES = 8_000_000
MAX_NOTEBOOK_BYTES = 100_000_000
NOTEBOOK = ".ipynb"

Bytes = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Source:
    """A file as the next stage reads it; ``path`` as shown to the user.

    ``cells`` tells of each line of a notebook's text where in the notebook it is.
    """

    path: str
    text: str
    cells: tuple[Cell, ...] = ()


def raw(path: str) -> bytes:
    """Read a file as it is.

    Args:
        path: The file.

    Raises:
        Unreadable: It can't be opened, or is too large.
    """
    try:
        return contents(path, _most(path))
    except TooLarge as error:
        raise Unreadable(reason(error)) from None
    except ValueError:
        raise Unreadable("can't be read: its name holds a null character") from None
    except OSError as error:
        raise Unreadable(f"can't be read: {reason(error)}") from None


def within_limit(data: bytes, path: str) -> bytes:
    """What a file holds, if that isn't too much.

    Raises:
        Unreadable: It is too large.
    """
    if len(data) > _most(path):
        raise Unreadable(f"larger than {_most(path) // 1_000_000} MB")
    return data


def _most(path: str) -> int:
    return MAX_NOTEBOOK_BYTES if path.endswith(NOTEBOOK) else MAX_BYTES


def read(path: str, bytes_of: Bytes = raw) -> Source:
    """Read and decode a file.

    Args:
        path: The file; also what it is called in reports.
        bytes_of: Gives what it holds.

    Returns:
        Its text.

    Raises:
        Unreadable: It can't be opened, is too large, isn't text in the encoding it declares, or
            holds what no Python source may hold; or it is named as a notebook, and isn't one.
    """
    return from_text(decoded(bytes_of(path), path), path)


def lines(path: str, cell: int | None = None, bytes_of: Bytes = raw) -> tuple[str, ...]:
    """Read lines of a file again, to show them as written.

    Args:
        path: The file.
        cell: In a notebook, the cell.
        bytes_of: Gives what it holds.

    Returns:
        The lines; none if they can't be read any more.
    """
    try:
        text = decoded(bytes_of(path), path)
        shown = _plain(text) if cell is None else as_written(text, path).get(cell, "")
    except Unreadable:
        return ()
    return tuple(shown.split("\n"))


def program(path: str, bytes_of: Bytes = raw) -> tuple[str, ...]:
    """Read the lines of a file again, as they are checked; none if it can't be read any more."""
    try:
        return tuple(read(path, bytes_of).text.split("\n"))
    except Unreadable:
        return ()


def from_text(text: str, path: str) -> Source:
    """Make a ``Source`` of text at hand.

    Args:
        text: Python source, with line ends of any kind; or a notebook, if so named.
        path: What it is called in reports.

    Returns:
        The same with lines that end in a newline character only.

    Raises:
        Unreadable: It holds a null character, or is a notebook that can't be read.
    """
    if not path.endswith(NOTEBOOK):
        return Source(path, _script(_plain(text)))
    from evalguard.source import notebook

    parsed = notebook.parse(text.removeprefix("\ufeff"))
    if len(parsed.code) > MAX_BYTES:
        raise Unreadable(f"holds more than {MAX_BYTES // 1_000_000} MB of code")
    return Source(path, _without_null(parsed.code, parsed.lines), parsed.lines)


def as_written(text: str, path: str) -> dict[int, str]:
    """The Python that a file holds, by the numbers of its cells; a script's has the number 0.

    Args:
        text: What the file holds, decoded.
        path: The file.

    Raises:
        Unreadable: It is a notebook that can't be read.
    """
    if not path.endswith(NOTEBOOK):
        return {0: _plain(text)}
    from evalguard.source import notebook

    parts = notebook.parse(text.removeprefix("\ufeff")).parts
    return {part.number: part.text for part in parts}


def rewritten(original: str, path: str, text: str) -> str:
    """Put a changed text into a file: the way back from ``from_text``.

    Args:
        original: What the file holds, decoded.
        path: The file.
        text: The text of its ``Source`` with changes.

    Returns:
        What the file is to hold. What isn't changed is as it was, to the character; so is what
        only IPython understands.

    Raises:
        Unreadable: It is a notebook that can't be read.
        ValueError: It can't hold that text.
    """
    body = original.removeprefix("\ufeff")
    mark = original[: len(original) - len(body)]
    if path.endswith(NOTEBOOK):
        from evalguard.source import notebook

        return mark + notebook.parse(body).with_code(text)
    from evalguard.source.restoring import restored, with_line_ends

    plain = _plain(body)
    return mark + with_line_ends(restored(plain, _script(plain), text), plain, body)


def _script(text: str) -> str:
    """Blank what isn't Python in a script that may have cells."""
    if "%%" not in text:
        return text
    from evalguard.source.magics import of_script

    return of_script(text)


def _plain(text: str) -> str:
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return _without_null(text)


def _without_null(text: str, cells: tuple[Cell, ...] = ()) -> str:
    if "\0" in text:
        place = _line_and_column(text[: text.index("\0")])
        raise Unreadable("holds a null character", *place).within(cells)
    return text


def decoded(data: bytes, path: str) -> str:
    """Decode what a file holds.

    Args:
        data: What it holds.
        path: The file.

    Raises:
        Unreadable: It isn't text in its encoding.
    """
    encoding = encoding_of(data, path)
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        before = data[: error.start].decode(encoding, errors="replace")
        place = _line_and_column(before.replace("\r\n", "\n").replace("\r", "\n"))
        raise Unreadable(f"not text in {encoding}: {error.reason}", *place) from None
    except (LookupError, UnicodeError):
        raise Unreadable(f"can't be decoded: {encoding} is no encoding for text") from None


def encoding_of(data: bytes, path: str) -> str:
    """Tell a file's encoding.

    A notebook's is UTF-8. A script follows PEP 263, where a carriage return ends a line, too, as
    Python has it; but bytes that aren't UTF-8 are left to the decoding, which finds them.

    Raises:
        Unreadable: It names an encoding that there isn't.
    """
    if path.endswith(NOTEBOOK):
        return "utf-8"
    plain = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    try:
        return tokenize.detect_encoding(io.BytesIO(plain).readline)[0]
    except SyntaxError as error:
        if "invalid or missing encoding" in str(error):
            return "utf-8"
        if "unknown encoding" in str(error) and _is_utf8(data):
            return "utf-8"
        line = 1 if b"coding" in plain.partition(b"\n")[0] else 2
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
