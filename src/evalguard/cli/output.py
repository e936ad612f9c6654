"""Text → standard output, whatever that can show."""

from __future__ import annotations

import os
import sys

WIDTH = 120
NARROWEST = 40


def emit(text: str) -> None:
    """Write to standard output, which may be closed early or may not know every character."""
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


def terminal() -> tuple[int, bool]:
    """Tell how wide the output may be, and whether it may be coloured."""
    if not sys.stdout.isatty():
        return WIDTH, False
    import shutil

    plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    return max(shutil.get_terminal_size().columns, NARROWEST), not plain
