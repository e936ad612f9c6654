"""Python files → the time each stage takes for them, as ratios to libcst's parser.

Absolute times say more of a machine than of a program, so all stages read the same files in one
run, taking turns, and what is told is the median of each. The yardstick is
``libcst.parse_module`` over the files that mention torch: what any checker built on libcst pays
before it has looked at anything. Nothing is kept from one turn to the next.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import NamedTuple, TypeVar

import libcst

from evalguard import knowledge
from evalguard.discover import discover
from evalguard.events import Unit
from evalguard.flow import flow
from evalguard.link import link
from evalguard.lower import lower, parse
from evalguard.source import Unreadable, read

ROOT = Path(__file__).resolve().parents[1]
T = TypeVar("T")


class File(NamedTuple):
    """A file that parses."""

    path: str
    data: bytes

    @property
    def mentions_torch(self) -> bool:
        """Whether the word stands anywhere in it."""
        return b"torch" in self.data


@dataclass(frozen=True, slots=True)
class Corpus:
    """What is read: all files, those that mention torch, and those of them that libcst is given."""

    paths: tuple[str, ...]
    files: tuple[File, ...]
    torch: tuple[File, ...]
    sample: tuple[File, ...]
    skipped: int

    @property
    def scale(self) -> float:
        """What libcst's time for its sample is multiplied by, to stand for all."""
        return size(self.torch) / size(self.sample)


class Stage(NamedTuple):
    """A row of the table: what is timed, over which files, and its time's factor."""

    name: str
    files: tuple[File, ...]
    seconds: Callable[[], float]
    scale: float = 1.0


class Timing(NamedTuple):
    """The median time of a stage."""

    stage: Stage
    seconds: float


def size(files: Sequence[File]) -> int:
    """The bytes of some files together."""
    return sum(len(file.data) for file in files)


def evenly(items: Sequence[T], number: int) -> tuple[T, ...]:
    """So many of the items, evenly spaced; all of them for 0."""
    if not 0 < number < len(items):
        return tuple(items)
    return tuple(items[index * len(items) // number] for index in range(number))


def corpus(paths: Sequence[str], sample: int) -> Corpus:
    """Find and read the files below some paths, without those that don't parse."""
    found = discover(paths).files
    files = tuple(File(path, Path(path).read_bytes()) for path in found if _parses(path))
    torch = tuple(file for file in files if file.mentions_torch)
    return Corpus(tuple(paths), files, torch, evenly(torch, sample), len(found) - len(files))


def _parses(path: str) -> bool:
    try:
        parse(read(path).text)
    except (Unreadable, RecursionError):
        return False
    return True


def stages(corpus: Corpus) -> tuple[Stage, ...]:
    """What is timed, the yardstick first."""
    files, torch = corpus.files, corpus.torch
    units = [lower(read(file.path)) for file in files]
    return (
        Stage("libcst.parse_module", torch, lambda: _libcst(corpus.sample), corpus.scale),
        Stage("ast.parse, the same files", torch, lambda: _ast(torch)),
        Stage("read and lower, the same files", torch, lambda: _lower(torch)),
        Stage("ast.parse", files, lambda: _ast(files)),
        Stage("read and lower", files, lambda: _lower(files)),
        Stage("link and flow", files, lambda: _flow(units)),
        Stage("evalguard check, as a process", files, lambda: _check(corpus.paths)),
    )


def timings(rows: Sequence[Stage], repeats: int) -> tuple[Timing, ...]:
    """Time stages in turns, so that what slows the machine for a while slows all of them."""
    taken: list[list[float]] = [[] for _ in rows]
    for _ in range(repeats):
        for stage, seconds in zip(rows, taken, strict=True):
            gc.collect()
            seconds.append(stage.seconds() * stage.scale)
            print(f"{stage.name}: {seconds[-1]:.2f} s", file=sys.stderr)
    return tuple(Timing(row, median(seconds)) for row, seconds in zip(rows, taken, strict=True))


def _libcst(files: Sequence[File]) -> float:
    start = time.process_time()
    for file in files:
        with suppress(libcst.ParserSyntaxError):
            libcst.parse_module(file.data)
    return time.process_time() - start


def _ast(files: Sequence[File]) -> float:
    texts = [read(file.path).text for file in files]
    start = time.process_time()
    for text in texts:
        parse(text)
    return time.process_time() - start


def _lower(files: Sequence[File]) -> float:
    start = time.process_time()
    for file in files:
        lower(read(file.path))
    return time.process_time() - start


def _flow(units: Sequence[Unit]) -> float:
    start = time.process_time()
    flow(link(units, knowledge.load()))
    return time.process_time() - start


def _check(paths: Sequence[str]) -> float:
    """The processor time of a whole run, from the start of Python to the report."""
    before = _children()
    own = [sys.executable, "-m", "evalguard", "check", "--no-cache", "--jobs=1"]
    command = [*own, "--exit-zero", "--quiet", *paths]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=_environment())  # noqa: S603 (our own command; the paths are arguments)
    return _children() - before


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT / "src")}


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def table(rows: Sequence[Timing]) -> str:
    """Lay the times out, with the first row as the yardstick."""
    unit = rows[0].seconds
    lines = [
        "| stage | files | MB | seconds | ms per file | ratio |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for stage, seconds in rows:
        megabytes, count = size(stage.files) / 1e6, len(stage.files)
        lines.append(
            f"| {stage.name} | {count} | {megabytes:.1f} | {seconds:.2f} "
            f"| {1000 * seconds / count:.1f} | {seconds / unit:.3f} |"
        )
    return "\n".join(lines)


def heading(corpus: Corpus, repeats: int) -> str:
    """Tell what was measured with what."""
    sample = len(corpus.sample)
    part = f", libcst on {sample} of them" if sample < len(corpus.torch) else ""
    return (
        f"Python {platform.python_version()}, libcst {version('libcst')}; "
        f"processor time, median of {repeats}\n"
        f"{len(corpus.files)} files ({corpus.skipped} more don't parse), "
        f"{len(corpus.torch)} mention torch{part}\n"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Time what the command line asks for; return 0, or 2 if there is nothing to time."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reading", description=__doc__)
    parser.add_argument("paths", nargs="+", metavar="DIR", help="files, and folders of files")
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="default: 3")
    parser.add_argument(
        "--sample", type=int, default=0, metavar="N", help="give libcst N files, evenly spaced"
    )
    options = parser.parse_args(arguments)
    read_in = corpus(options.paths, options.sample)
    if not read_in.torch:
        print("no file mentions torch", file=sys.stderr)
        return 2
    print(heading(read_in, options.repeats))
    print(table(timings(stages(read_in), options.repeats)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
