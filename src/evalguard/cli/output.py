"""``Result`` → its report, on standard output or in a file."""

from __future__ import annotations

import os
import sys
from functools import lru_cache

import click

from evalguard.finding import Result
from evalguard.report.edits import NO_EDITS, Edits
from evalguard.report.formats import View, render

WIDTH = 120
NARROWEST = 40


def report(result: Result, name: str, file: str | None, closing: bool) -> str:
    """Write a report for where it goes.

    Args:
        result: What to report.
        name: The form of the report, or ``statistics``.
        file: The file that it goes to, or standard output.
        closing: Whether people are told what was found in all.
    """
    if name == "statistics":
        from evalguard.report import statistics

        return statistics.render(result)
    from evalguard.source import lines

    width, color = (WIDTH, False) if file else terminal()
    lines_of = lru_cache(maxsize=64)(lines)
    return render(name, result, View(lines_of, _edits_of, width, color, closing))


def _edits_of(result: Result) -> Edits:
    if all(finding.fix is None for finding in result.findings):
        return NO_EDITS
    from evalguard.cli.fixing import edits_of

    return edits_of(result)


def emit(text: str, file: str | None = None) -> None:
    """Write to a file, or to standard output, which may be closed early or lack characters.

    Raises:
        click.UsageError: The file can't be written.
    """
    if file is not None:
        _write(text, file)
        return
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure:
        reconfigure(errors="backslashreplace")
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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
