"""Packages → what reading and following each of them costs: time per 1,000 files, and memory.

Each package is a program and a process of its own. Processor time is told, once; what counts are
the ratios within a row.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path

from evalguard import knowledge
from evalguard.collector import at_rest
from evalguard.discover import discover
from evalguard.events import Unit
from evalguard.flow import flow
from evalguard.link import link
from evalguard.lower import lower
from evalguard.source import Unreadable, read
from evalguard.stack import COMPILED

HEADS = ("package", "files", "MB", "read and lower, s", "link, s", "flow, s", "flow to read",
         "flow per 1,000 files, s", "peak, MB")  # fmt: skip


def measured(path: str) -> dict[str, float]:
    """Read and follow the files below a folder, once."""
    files = discover([path]).files
    size = sum(Path(file).stat().st_size for file in files)
    with at_rest():
        start = time.process_time()
        units = [unit for file in files if (unit := _lowered(file)) is not None]
        read_at = time.process_time()
        program = link(units, knowledge.load())
        linked_at = time.process_time()
        flow(program)
        end = time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"files": len(files), "size": size / 1e6, "read": read_at - start,
            "link": linked_at - read_at, "flow": end - linked_at, "peak": peak}  # fmt: skip


def _lowered(path: str) -> Unit | None:
    try:
        return lower(read(path))
    except (Unreadable, RecursionError):
        return None


def apart(path: str) -> dict[str, float]:
    """The same, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.packages", "--one", path]
    done = subprocess.run(command, capture_output=True, check=True, text=True)  # noqa: S603 (ours)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def together(rows: list[dict[str, float]]) -> dict[str, float]:
    """All packages: the sums, and the highest peak."""
    total = {name: sum(row[name] for row in rows) for name in rows[0]}
    return {**total, "peak": max(row["peak"] for row in rows)}


def row(name: str, found: dict[str, float]) -> str:
    """A row of the table."""
    ratio, each = found["flow"] / found["read"], found["flow"] / found["files"] * 1000
    numbers = [f"{found[stage]:.2f}" for stage in ("read", "link", "flow")]
    numbers += [f"{ratio:.2f}", f"{each:.1f}", f"{found['peak']:.0f}"]
    cells = [name, f"{found['files']:,}", f"{found['size']:.1f}", *numbers]
    return f"| {' | '.join(cells)} |"


def main(arguments: list[str]) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("paths", nargs="+", metavar="FOLDER", help="an unpacked package")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one:
        print(json.dumps(measured(options.paths[0])))
        return
    built = "compiled" if COMPILED else "as it is written"
    print(f"Python {platform.python_version()}, evalguard {built}; processor time\n")
    print(f"| {' | '.join(HEADS)} |\n|---|{'--:|' * (len(HEADS) - 1)}")
    rows = []
    for path in options.paths:
        rows.append(apart(path))
        print(row(Path(path).name, rows[-1]), flush=True)
    if len(rows) > 1:
        print(row("all", together(rows)))


if __name__ == "__main__":
    main(sys.argv[1:])
