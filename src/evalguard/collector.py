"""The garbage collector, at rest while a program is read and followed.

What a check makes is freed by reference counts alone; looking for circles in millions of live
objects again and again costs as much as a third of a run, and finds none.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def at_rest() -> Iterator[None]:
    """Keep the collector from running meanwhile; it is as it was afterwards."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def let_be() -> None:
    """Keep the collector from ever looking at what there is now: the process is about to end."""
    gc.freeze()


def awake() -> None:
    """Have the collector run from now on: the process goes on for long."""
    gc.enable()
