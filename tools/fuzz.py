"""Damaged programs, notebooks, configurations and bytes → the inputs that break evalguard.

``python -m tools.fuzz --inputs 1000000 --seed 1 --jobs 2`` tries a million inputs; each is made
from the seed and its number, so that ``--only 4711`` shows one of them and tries it alone. An input
fails if evalguard raises, takes too long, kills its process, or says what isn't so. Failures are
printed, and the command exits with 1 if there are any.
"""

from __future__ import annotations

import argparse
import multiprocessing as mp
import os
import platform
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from tools.hard.inputs import corpus, made
from tools.hard.trials import tried

SLOW = 10.0
DEAD = 90.0
MEMORY = 4 << 30
EVERY = 200


class TooSlow(Exception):
    """An input that took longer than any may."""


class Failure(NamedTuple):
    """An input that evalguard fails on, and how."""

    number: int
    kind: str
    reason: str


class Report(NamedTuple):
    """How far a process is: the next number, what it tried, and what failed."""

    number: int
    kinds: Counter[str]
    slowest: tuple[float, int]
    failures: tuple[Failure, ...]


def attempt(seed: int, number: int, folder: Path) -> tuple[str, Failure | None]:
    """Try one input; tell its kind, and how it failed."""
    given = made(seed, number)
    try:
        with alarm(SLOW):
            tried(given, folder)
    except (Exception, RecursionError) as error:  # noqa: BLE001 (all of them are looked for)
        return given.kind, Failure(number, given.kind, _told(error))
    return given.kind, None


def _told(error: BaseException) -> str:
    """An exception, and the last places in evalguard that it came through."""
    frames = [
        each for each in traceback.extract_tb(error.__traceback__) if "evalguard" in each.filename
    ]
    where = " < ".join(f"{Path(each.filename).name}:{each.lineno}" for each in frames[:-4:-1])
    return f"{type(error).__name__}: {str(error)[:200]} ({where})"


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Inside of it, ``TooSlow`` is raised after so many seconds of this process."""

    def raised(_: int, __: FrameType | None) -> None:
        raise TooSlow(f"not done after {seconds:g} s of its process")

    before = signal.signal(signal.SIGVTALRM, raised)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _shard(numbers: range, seed: int, pipe: Connection) -> None:
    """Try every number of a range in this process, and report now and then."""
    _limit_memory()
    with tempfile.TemporaryDirectory() as name:
        kinds: Counter[str] = Counter()
        failures: list[Failure] = []
        slowest = (0.0, 0)
        for done, number in enumerate(numbers, start=1):
            pipe.send(number)
            start = time.process_time()
            kind, failure = attempt(seed, number, Path(name))
            slowest = max(slowest, (time.process_time() - start, number))
            kinds[kind] += 1
            failures += [failure] if failure else []
            if done % EVERY == 0 or number == numbers[-1]:
                pipe.send(Report(number + numbers.step, kinds, slowest, tuple(failures)))
                kinds, failures, slowest = Counter(), [], (0.0, 0)


def _limit_memory() -> None:
    with suppress(ImportError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


class _Worker:
    """A process for a range of numbers; one that dies or hangs is replaced beyond its number."""

    def __init__(self, numbers: range, seed: int) -> None:
        self._numbers = numbers
        self._seed = seed
        self._begin(numbers.start)

    def _begin(self, number: int) -> None:
        here, there = mp.Pipe(duplex=False)
        rest = range(number, self._numbers.stop, self._numbers.step)
        self.pipe, self.number, self.done = here, number, not rest
        self._base = number
        self.heard = time.monotonic()
        self._process = mp.Process(target=_shard, args=(rest, self._seed, there), daemon=True)
        self._process.start()
        there.close()

    def hear(self) -> Report | None:
        """Receive what the process tells."""
        self.heard = time.monotonic()
        try:
            told = self.pipe.recv()
        except EOFError:
            return self._over()
        if isinstance(told, Report):
            self._base = told.number
            return told
        self.number = told
        return None

    def _over(self) -> Report | None:
        self._process.join()
        if self._process.exitcode == 0:
            self.done = True
            return None
        return self.replace(f"the process died: exit code {self._process.exitcode}")

    def replace(self, reason: str) -> Report:
        """Put another process in the place of one that is lost."""
        self._process.kill()
        self._process.join()
        lost = Failure(self.number, made(self._seed, self.number).kind, reason)
        between = len(range(self._base, self.number, self._numbers.step))
        self._begin(self.number + self._numbers.step)
        kinds = Counter({lost.kind: 1, "before one that died": between})
        return Report(self.number, +kinds, (0.0, 0), (lost,))


def run(inputs: int, seed: int, jobs: int) -> Iterator[Report]:
    """Try inputs in some processes; yields what they report."""
    workers = [_Worker(range(job, inputs, jobs), seed) for job in range(min(jobs, inputs))]
    while left := [worker for worker in workers if not worker.done]:
        ready = wait([worker.pipe for worker in left], timeout=5)
        for worker in left:
            if worker.pipe in ready:
                report = worker.hear()
            elif time.monotonic() - worker.heard > DEAD:
                report = worker.replace(f"hangs: silent for {DEAD:g} s")
            else:
                continue
            if report:
                yield report


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.fuzz", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--inputs", type=int, default=10_000, help="how many to try")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="show and try one input")
    given = parser.parse_args(arguments)
    if given.only is not None:
        return _one(given.seed, given.only)
    corpus()
    start = time.monotonic()
    kinds: Counter[str] = Counter()
    failures: list[Failure] = []
    slowest, told = (0.0, 0), 0
    for report in run(given.inputs, given.seed, given.jobs):
        kinds += report.kinds
        failures += report.failures
        slowest = max(slowest, report.slowest)
        for failure in report.failures:
            _print(f"{failure.number} ({failure.kind}): {failure.reason}")
        if kinds.total() // 20_000 > told:
            told = kinds.total() // 20_000
            _print(f"... {kinds.total():,} tried, {len(failures)} failed")
    _close(kinds, failures, slowest, time.monotonic() - start, given.seed)
    return 1 if failures else 0


def _close(
    kinds: Counter[str],
    failures: list[Failure],
    slowest: tuple[float, int],
    seconds: float,
    seed: int,
) -> None:
    _print("\n| kind | inputs |\n|---|---:|")
    for kind, number in sorted(kinds.items()):
        _print(f"| {kind} | {number:,} |")
    most, which = slowest
    _print(f"| all | {kinds.total():,} |\n")
    _print(
        f"Seed {seed}, Python {platform.python_version()}: {kinds.total():,} inputs in"
        f" {seconds:,.0f} s, {len(failures)} failed; the slowest, {which}, took {most:.2f} s."
    )


def _one(seed: int, number: int) -> int:
    given = made(seed, number)
    for name, data in given.files.items():
        _print(
            f"--- {name}\n{data!r}"
            if b"\0" in data
            else f"--- {name}\n{data.decode(errors='backslashreplace')}"
        )
    with tempfile.TemporaryDirectory() as folder:
        tried(given, Path(folder))
    return 0


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
