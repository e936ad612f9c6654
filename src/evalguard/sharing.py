"""Programs → their results: one after the other, or by workers if there is enough to do.

The dearest programs come first, cheap ones by the dozen.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from evalguard.finding import FileError, Result
from evalguard.judging import Judge
from evalguard.programs import Files
from evalguard.records import NamedTuple

BATCH = 200_000
PLAIN = 8
STARTING = {"fork": 40_000, "spawn": 400_000}

Batch = Sequence[Files]


class Told(NamedTuple):
    """What a program tells; not the ``whole`` of it, if a worker died."""

    files: Files
    result: Result
    whole: bool = True


def cores() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def results(
    programs: Sequence[Files], judge: Judge, jobs: int, each: Callable[[], object]
) -> Iterator[Told]:
    """Check programs.

    Args:
        programs: The programs.
        judge: Checks one.
        jobs: How many processes may share the work, 0 for as many as there are processors.
        each: Is called for each file.

    Yields:
        What they tell, in any order. If a worker dies, that is an error of what it was checking.
    """
    start, jobs = method(), jobs or cores()
    if _gain(programs, jobs) > STARTING[start]:
        yield from _shared(programs, judge, jobs, each, start)
    else:
        for files in programs:
            yield Told(files, judge.files(files, each))


def method() -> str:
    """How workers are started: a copy of this process costs least, where copies are safe."""
    return "fork" if sys.platform == "linux" and threading.active_count() == 1 else "spawn"


def _gain(programs: Sequence[Files], jobs: int) -> float:
    """How much work workers take away from one another."""
    costs = [_cost(files) for files in programs]
    return sum(costs) - max(sum(costs) / jobs, *costs, 0)


def _cost(files: Files) -> int:
    """What checking a program takes, in bytes of one that has to be followed."""
    return files.size if files.telling else files.size // PLAIN


def _shared(
    programs: Sequence[Files], judge: Judge, jobs: int, each: Callable[[], object], start: str
) -> Iterator[Told]:
    from evalguard.workers import Died, answers

    todo: Sequence[Batch] = _batches(programs)
    prepared = partial(_prepared, judge)
    while todo:
        again: list[Batch] = []
        for number, told in answers(todo, prepared, jobs, start):
            batch = todo[number]
            if isinstance(told, Died) and len(batch) > 1:
                again += [[files] for files in batch]
                continue
            for _ in range(sum(len(files.asked) for files in batch)):
                each()
            if isinstance(told, Died):
                yield _lost(batch[0], told.reason)
            else:
                yield from map(Told, batch, told)
        todo = again


def _batches(programs: Sequence[Files]) -> list[list[Files]]:
    found: list[list[Files]] = []
    filled = BATCH
    for files in sorted(programs, key=_cost, reverse=True):
        if filled + _cost(files) > BATCH:
            found.append([])
            filled = 0
        found[-1].append(files)
        filled += _cost(files)
    return found


def _prepared(judge: Judge) -> Callable[[Batch], list[Result]]:
    return partial(_judged, judge)


def _judged(judge: Judge, batch: Batch) -> list[Result]:
    return [judge.files(files) for files in batch]


def _lost(files: Files, end: str) -> Told:
    others = len(files.asked) - 1
    what = f"this and {others} files that belong to it" if others else "it"
    error = FileError(files.asked[0], f"the process that read {what} died: {end}")
    return Told(files, Result((), (error,), 0), whole=False)
