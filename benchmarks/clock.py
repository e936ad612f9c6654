"""Commands → how long they take, by turns: wall time, processor time of all they start, and memory.

What slows the machine for a while slows all commands, as they take turns; and a ratio is taken
within each turn, so it can be told with its spread.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import NamedTuple

MEGABYTE = 1024 if sys.platform != "darwin" else 1024 * 1024


class Time(NamedTuple):
    """What one run took: seconds, and megabytes of its largest process at its peak.

    ``peak`` is 0 if that is no more than what this process has taken itself, as a new process
    begins as a copy of the one that starts it.
    """

    wall: float
    cpu: float
    peak: float

    def scaled(self, factor: float) -> Time:
        """The same for so many times as much."""
        return self._replace(wall=self.wall * factor, cpu=self.cpu * factor)


class Spread(NamedTuple):
    """The median of some numbers, the smallest and the largest."""

    middle: float
    least: float
    most: float

    @classmethod
    def of(cls, numbers: Sequence[float]) -> Spread:
        """The spread of some numbers."""
        return cls(median(numbers), min(numbers), max(numbers))

    def told(self, form: str) -> str:
        """In words; ``form`` is how a number is written."""
        middle, least, most = (format(number, form) for number in self)
        return middle if least == most else f"{middle} ({least} to {most})"


@dataclass(frozen=True, slots=True)
class Command:
    """Something to time.

    ``codes`` are the exit codes of a run that went well, ``scale`` is what its time is multiplied
    by to stand for all, ``before`` is called before each run.
    """

    name: str
    arguments: Sequence[str]
    codes: Sequence[int] = (0, 1)
    scale: float = 1.0
    environment: Mapping[str, str] | None = None
    before: Callable[[], object] = lambda: None
    folder: Path | None = None


class Row(NamedTuple):
    """A command with its times, one for each turn."""

    command: Command
    times: Sequence[Time]

    def spread(self, what: str = "cpu") -> Spread:
        """The spread of its ``cpu``, ``wall`` or ``peak``."""
        return Spread.of([getattr(each, what) for each in self.times])

    def over(self, other: Row, what: str = "cpu") -> Spread:
        """The spread of how many times as long as another it takes, turn by turn."""
        pairs = zip(self.times, other.times, strict=True)
        return Spread.of([getattr(mine, what) / getattr(theirs, what) for mine, theirs in pairs])


class WentWrong(Exception):
    """A command ended with a code that it shouldn't have."""


def by_turns(commands: Sequence[Command], turns: int) -> tuple[Row, ...]:
    """Time commands, one after another, again and again.

    Args:
        commands: What to time.
        turns: How often.

    Raises:
        WentWrong: One of them failed.
    """
    times: list[list[Time]] = [[] for _ in commands]
    for _ in range(turns):
        for command, taken in zip(commands, times, strict=True):
            command.before()
            taken.append(timed(command).scaled(command.scale))
            print(f"{command.name}: {taken[-1].cpu:.2f} s", file=sys.stderr)
    return tuple(Row(*each) for each in zip(commands, times, strict=True))


def timed(command: Command) -> Time:
    """Run a command once.

    Raises:
        WentWrong: It failed.
    """
    start = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603 (the benchmark's own commands)
        command.arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **(command.environment or {})},
        cwd=command.folder,
    )
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in command.codes:
        raise WentWrong(f"{command.name} ended with {process.returncode}")
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak = used.ru_maxrss if used.ru_maxrss > own else 0
    return Time(wall, used.ru_utime + used.ru_stime, peak / MEGABYTE)


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """The power of the size that time grows with, by least squares of the logarithms."""
    from math import log
    from statistics import linear_regression

    return linear_regression([*map(log, sizes)], [*map(log, seconds)]).slope
