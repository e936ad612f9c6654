"""Work → the same work, on a stack with room for what it nests.

Python counts its calls, and raises a ``RecursionError``. Compiled code doesn't: it would end the
process. How deep it goes is bounded by what Python's parser takes, and by the budgets of ``flow``;
the stack of a process's first thread, or of one that a host has started, may be less than that.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Generic, TypeVar

from evalguard.flow import core

Done = TypeVar("Done")

COMPILED = not (core.__file__ or "").endswith(".py")
ROOM = (512 << 20, 64 << 20)  # bytes of addresses, not of memory; the first that can be had


def with_room(work: Callable[[], Done]) -> Done:
    """Do something that may nest deeply.

    Args:
        work: What is to be done.

    Returns:
        What it returns.

    Raises:
        Exception: What it raises.
    """
    errand = _Errand(work)
    thread = threading.Thread(target=errand.run, daemon=True)
    if COMPILED and _started(thread):
        thread.join()
    else:
        errand.run()
    return errand.outcome()


class _Errand(Generic[Done]):
    """Something to do, and what came of it."""

    def __init__(self, work: Callable[[], Done]) -> None:
        self._work = work
        self._results: list[Done] = []
        self._error: BaseException | None = None

    def run(self) -> None:
        """Do it."""
        try:
            self._results.append(self._work())
        except BaseException as error:  # noqa: BLE001 (it is raised again where it was asked for)
            self._error = error

    def outcome(self) -> Done:
        """What it returned, or raises what it raised."""
        if self._error is not None:
            raise self._error
        return self._results[0]


def _started(thread: threading.Thread) -> bool:
    """Start a thread, with as much room as there is."""
    for room in ROOM:
        with suppress(RuntimeError, ValueError), _sized(room):
            thread.start()
            return True
    return False


@contextmanager
def _sized(room: int) -> Iterator[None]:
    before = threading.stack_size(room)
    try:
        yield
    finally:
        threading.stack_size(before)
