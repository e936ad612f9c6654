"""The paths of ``check``, or standard input → what is to be checked, and where its bytes are."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import click

from evalguard.records import NamedTuple

if TYPE_CHECKING:
    from evalguard.cache import Store
    from evalguard.check import Progress
    from evalguard.finding import Result
    from evalguard.fix.writing import Put
    from evalguard.judging import Reader
    from evalguard.options import Options
    from evalguard.source import Bytes
    from evalguard.trace import Trace

STANDARD_INPUT = "-"


class StandardInput:
    """A text in a file's place: the file needn't exist, and isn't written."""

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        self.data = data

    def bytes_of(self, path: str) -> bytes:
        """What a file holds.

        Raises:
            Unreadable: It can't be read, or is too large.
        """
        from evalguard.source import raw, within_limit

        return within_limit(self.data, path) if path == self.path else raw(path)

    def put(self, _: str, data: bytes) -> None:
        """Change the text."""
        self.data = data


class Given(NamedTuple):
    """What is to be checked; ``text`` is what stands on standard input, if that is read."""

    paths: Sequence[str]
    text: StandardInput | None = None

    @property
    def bytes_of(self) -> Bytes:
        """Gives what a file holds."""
        from evalguard.source import raw

        return raw if self.text is None else self.text.bytes_of

    @property
    def put(self) -> Put | None:
        """Writes what a file is to hold, if that isn't to be written to the file."""
        return None if self.text is None else self.text.put

    def check(
        self,
        options: Options,
        progress: Progress = iter,
        reader: Reader | None = None,
        jobs: int = 1,
        store: Store | None = None,
    ) -> Result:
        """Check it; the arguments and errors are those of ``check_paths``."""
        from evalguard.check import check_paths
        from evalguard.source import read

        if self.text is None:
            return check_paths(
                self.paths, options, progress=progress, reader=reader, jobs=jobs, store=store
            )
        reader = reader or partial(read, bytes_of=self.bytes_of)
        unsaved = (self.text.path,)
        return check_paths(self.paths, options, progress=progress, reader=reader, unsaved=unsaved)

    def trace(self, options: Options, progress: Progress = iter) -> Trace:
        """Trace it; the arguments and errors are those of ``trace_paths``."""
        from evalguard.check import trace_paths
        from evalguard.source import read

        reader = partial(read, bytes_of=self.bytes_of)
        unsaved = (self.text.path,) if self.text else ()
        return trace_paths(self.paths, options, progress=progress, reader=reader, unsaved=unsaved)


def given(paths: Sequence[str], name: str | None) -> Given:
    """Find out what is to be checked; standard input is read if it is that.

    Args:
        paths: As on the command line.
        name: The file that standard input stands for.

    Raises:
        UsageError: The paths and the name don't go together, or the name is a folder's.
    """
    if name is None and STANDARD_INPUT not in paths:
        return Given(paths or (os.curdir,))
    if any(path != STANDARD_INPUT for path in paths):
        raise click.UsageError("standard input is checked alone: it goes with no other path")
    path = name or STANDARD_INPUT
    if os.path.isdir(path):
        raise click.UsageError(f"--stdin-filename: {path} is a directory")
    return Given((path,), StandardInput(path, sys.stdin.buffer.read()))


def places(paths: Sequence[str], name: str | None) -> Sequence[str]:
    """The paths whose configuration counts."""
    return (name,) if name else paths or (os.curdir,)
