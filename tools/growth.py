"""Bad programs of growing size → what checking them costs: it should grow as they do.

``python -m tools.growth --size 1000`` measures each shape at that size, twice and four times it,
each in a process of its own, and prints the time, and the exponent of the last doubling: 1 is
linear. Shapes that take too long, grow faster than ``WORST``, or raise are marked, and the command
exits with 1. Shapes that are nested are measured at growing depth.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

from tools.hard import grown, nested

WORST = 1.4
NOISE = 0.5  # seconds below which growth isn't told apart from chance
LONGEST = 60
MEMORY = 4 << 30
DEPTHS = (10, 20, 90)
WARM = "import torch\nnet = torch.nn.Dropout()\nnet(1)\n"


class Cost(NamedTuple):
    """What one check took, and why it failed, if it did."""

    seconds: float
    megabytes: int
    failure: str = ""


def measured(shape: str, size: int) -> Cost:
    """Check a shape in a process of its own."""
    command = [sys.executable, "-m", "tools.growth", "--one", shape, "--size", str(size)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (ours)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"killed: {done.returncode}"]
        return Cost(float("nan"), 0, last[0])
    return Cost(*json.loads(done.stdout))


def one(shape: str, size: int) -> Cost:
    """Check a shape in this process."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (LONGEST, LONGEST))
    from evalguard.check import check_texts

    files = (
        {"main.py": nested.program(shape, size)}
        if shape in nested.SHAPES
        else grown.SHAPES[shape](size)
    )
    check_texts({"main.py": WARM})
    before, start = _peak(), time.process_time()
    check_texts(files)
    return Cost(round(time.process_time() - start, 3), _peak() - before)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def row(shape: str, sizes: Sequence[int]) -> tuple[str, bool]:
    """A line of the table, and whether it is as it should be."""
    costs = [measured(shape, size) for size in sizes]
    failure = next((cost.failure for cost in costs if cost.failure), "")
    last, before = costs[-1].seconds, costs[-2].seconds
    growth = math.log2(max(last, 1e-3) / max(before, 1e-3)) if not failure else math.nan
    steep = shape in grown.SHAPES and growth > WORST and last > NOISE
    told = " | ".join(f"{cost.seconds:.2f}" for cost in costs)
    note = failure or ("steep" if steep else "")
    return f"| {shape} | {told} | {growth:.2f} | {costs[-1].megabytes} | {note} |", not note


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m tools.growth", description=__doc__)
    parser.add_argument("shapes", nargs="*", help="which ones, or all")
    parser.add_argument("--size", type=int, default=1000, help="the smallest size")
    parser.add_argument("--one", metavar="SHAPE", help="check one, and tell what it took as JSON")
    given = parser.parse_args(arguments)
    if given.one:
        _print(json.dumps(one(given.one, given.size)))
        return 0
    sizes = (given.size, 2 * given.size, 4 * given.size)
    _print(f"Python {platform.python_version()}, seconds of CPU\n")
    _print(f"| shape | {' | '.join(map(str, sizes))} | exponent | MB | |")
    _print("|---|" + "---:|" * 5 + "---|")
    fine = True
    for shape in given.shapes or [*grown.SHAPES, *nested.SHAPES]:
        line, good = row(shape, sizes if shape in grown.SHAPES else DEPTHS)
        _print(line)
        fine &= good
    return 0 if fine else 1


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
