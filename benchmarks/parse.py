"""A list of files → the time that one parser takes for them, as a process: it does nothing else."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)


def parser(kind: str) -> tuple[Callable[[bytes], object], tuple[type[Exception], ...]]:
    """``ast.parse`` or ``libcst.parse_module``, and what it raises."""
    if kind == "ast":
        import ast

        return ast.parse, UNREADABLE
    import libcst

    return libcst.parse_module, (libcst.ParserSyntaxError, *UNREADABLE)


def main(kind: str, listed: str) -> None:
    """Parse each file that a file names, one to a line, and keep no tree."""
    warnings.simplefilter("ignore")
    parse, refusals = parser(kind)
    for path in Path(listed).read_text(encoding="utf-8").splitlines():
        with suppress(*refusals):
            parse(Path(path).read_bytes())


if __name__ == "__main__":
    main(*sys.argv[1:])
