"""``Result`` → its report, on standard output or in a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import TYPE_CHECKING, TextIO

import click

from evalguard.finding import Result
from evalguard.report.edits import NO_EDITS, Edits
from evalguard.report.formats import View, render
from evalguard.report.words import visible

if TYPE_CHECKING:
    from evalguard.source import Bytes

WIDTH = 120
NARROWEST = 40


def report(result: Result, name: str, file: str | None, closing: bool, bytes_of: Bytes) -> str:
    """Write a report for where it goes.

    Args:
        result: What to report.
        name: The form of the report, or ``statistics``.
        file: The file that it goes to, or standard output.
        closing: Whether people are told what was found in all.
        bytes_of: Gives what a file holds.
    """
    if name == "statistics":
        from evalguard.report import statistics

        return statistics.render(result)
    from evalguard.source import lines

    width, color = (WIDTH, False) if file else terminal()
    lines_of = lru_cache(maxsize=64)(partial(lines, bytes_of=bytes_of))
    edits_of = partial(_edits_of, bytes_of=bytes_of)
    return render(name, result, View(lines_of, edits_of, width, color, closing))


def _edits_of(result: Result, bytes_of: Bytes) -> Edits:
    if all(finding.fix is None for finding in result.findings):
        return NO_EDITS
    from evalguard.cli.fixing import edits_of

    return edits_of(result, bytes_of)


def shown(diff: str) -> str:
    """A diff as it is printed: for programs as it is, for people without what a terminal obeys."""
    if not sys.stdout.isatty():
        return diff
    return "\n".join(visible(line) for line in diff.split("\n"))


def emit(text: str, file: str | None = None, error: bool = False) -> None:
    """Write to a file, or to standard output, which may be closed early or lack characters.

    Args:
        text: What to write.
        file: The file.
        error: Whether to write to standard error in place of standard output.

    Raises:
        click.UsageError: The file can't be written.
    """
    if file is not None:
        _write(text, file)
        return
    stream = sys.stderr if error else sys.stdout
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure:
        reconfigure(errors="backslashreplace")
    with _open_to_its_end(stream):
        stream.write(text)


def emit_bytes(data: bytes) -> None:
    """Write to standard output what is no text of ours."""
    with _open_to_its_end(sys.stdout):
        sys.stdout.buffer.write(data)


@contextmanager
def _open_to_its_end(stream: TextIO) -> Iterator[None]:
    """Write to a stream; if it is closed early, the rest goes nowhere."""
    try:
        yield
        stream.flush()
    except BrokenPipeError:
        _lead_nowhere(stream)
    except OSError as error:
        _lead_nowhere(stream)
        reason = (error.strerror or str(error)).lower()
        raise click.UsageError(f"the report can't be written: {reason}") from None


def _lead_nowhere(stream: TextIO) -> None:
    """Python writes what is left when it ends: that must not fail, too."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def from_here(path: str) -> str:
    """A path as a person at the current directory would write it."""
    return path.removeprefix(os.path.join(os.getcwd(), ""))


def _write(text: str, file: str) -> None:
    try:
        with open(file, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise click.UsageError(f"{file} can't be written: {reason}") from None


def terminal() -> tuple[int, bool]:
    """Tell how wide the output may be, and whether it may be coloured."""
    if not sys.stdout.isatty():
        return WIDTH, False
    import shutil

    plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    return max(shutil.get_terminal_size().columns, NARROWEST), not plain
