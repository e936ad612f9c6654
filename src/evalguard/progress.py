"""Files to read → the same files, with a bar on the terminal once the run turns out to be long."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sequence

import click

PATIENCE = 1.0


def with_bar(paths: Sequence[str]) -> Iterable[str]:
    """Pass paths on, and show how far the run is if standard error is a terminal."""
    return _watched(paths) if sys.stderr.isatty() else paths


def _watched(paths: Sequence[str]) -> Iterator[str]:
    start = time.monotonic()
    for done, path in enumerate(paths):
        if time.monotonic() - start > PATIENCE:
            with click.progressbar(length=len(paths), label="Checking", file=sys.stderr) as bar:
                bar.update(done)
                for later in paths[done:]:
                    yield later
                    bar.update(1)
            return
        yield path
