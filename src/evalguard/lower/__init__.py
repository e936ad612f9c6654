"""Source text → ``Unit``: the only room, with ``fix``, where a syntax tree is opened.

Python's own ``ast`` reads the file (a small part of what libcst's parse costs, and it refuses what
would exhaust the stack); a file in syntax newer than the running Python goes through libcst,
which blanks out what is new and leaves every line and column where it was.
"""

from __future__ import annotations

import ast

from evalguard.events import Unit
from evalguard.lower.searched import folders
from evalguard.lower.statements import Lowerer
from evalguard.source import Source, Unreadable

__all__ = ["lower", "prove", "search_path"]

MOST_PARTS = 750_000  # each takes up to two kilobytes
PARTING = ",;\n([{.=:+-*/%@&|^<>"  # signs that part expressions and statements


def lower(source: Source) -> Unit:
    """Turn a file into events.

    Args:
        source: The file, decoded.

    Returns:
        Its events.

    Raises:
        Unreadable: The syntax is broken, nested too deeply to be read, or there is too much of it.
    """
    if len(source.text) > MOST_PARTS and sum(map(source.text.count, PARTING)) > MOST_PARTS:
        raise Unreadable(f"holds too much to be checked: more than {MOST_PARTS:,} parts")
    try:
        return (
            Lowerer(source.path, source.text).unit(parse(source.text))._replace(cells=source.cells)
        )
    except Unreadable as error:
        raise error.within(source.cells) from None
    except RecursionError:
        raise Unreadable("nested too deeply to be checked") from None


def prove(source: Source) -> None:
    """Make sure of a file's syntax.

    Args:
        source: The file, decoded.

    Raises:
        Unreadable: The syntax is broken.
    """
    try:
        parse(source.text)
    except Unreadable as error:
        raise error.within(source.cells) from None


def search_path(source: Source) -> frozenset[str]:
    """The folders that a file puts on ``sys.path``, as its ``Unit`` would tell.

    Args:
        source: The file, decoded.

    Raises:
        Unreadable: The syntax is broken.
    """
    return folders(parse(source.text), source.text)


def parse(text: str) -> ast.Module:
    """Parse text, with syntax newer than the running Python's blanked out.

    Raises:
        Unreadable: No Python that evalguard knows reads it.
    """
    try:
        return _parse(text)
    except SyntaxError as error:
        from evalguard.lower.newer import downgraded

        older = downgraded(text)
        if older is None:
            raise _unreadable(error) from None
        try:
            return _parse(older)
        except SyntaxError:
            raise _unreadable(error) from None


def _parse(text: str) -> ast.Module:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(text)
        except (MemoryError, RecursionError):
            raise Unreadable("nested too deeply for Python's parser") from None
        except UnicodeEncodeError as error:
            code = ord(text[error.start])
            raise Unreadable(f"holds half a character, U+{code:04X}, which is no text") from None
        except ValueError as error:
            raise Unreadable(str(error)) from None


def _unreadable(error: SyntaxError) -> Unreadable:
    reason = f"syntax error: {error.msg}"
    return Unreadable(reason, error.lineno or 0, error.offset or 0)
