"""Folder of a project → ``Run``: evalguard in a process of its own, within limits."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]


class Spot(NamedTuple):
    """A line of a file, and what a finding says of it; the path is relative to the folder."""

    path: str
    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A finding, as far as it is measured; ``text`` is the line it stands on."""

    rule: str
    confidence: str
    severity: str
    spot: Spot
    text: str
    evidence: tuple[Spot, ...]

    @property
    def visible(self) -> bool:
        """Whether it is shown by default."""
        return self.confidence != "possible"

    @property
    def spots(self) -> tuple[Spot, ...]:
        """Its own place, then those of its evidence."""
        return (self.spot, *self.evidence)


@dataclass(frozen=True, slots=True)
class Run:
    """What evalguard said of one folder; ``failure`` tells why it said nothing, or is empty."""

    name: str
    seconds: float
    failure: str = ""
    seen: tuple[Seen, ...] = ()
    files: int = 0
    unreadable: tuple[Spot, ...] = ()


class Limits(NamedTuple):
    """What one run may take."""

    seconds: float = 300.0
    gigabytes: float = 6.0


def run_all(folders: Iterable[Path], limits: Limits, jobs: int = 1) -> Iterator[Run]:
    """Check folders, some at a time; yields their runs in the order given."""
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(lambda folder: run(folder, limits), folders)


def run(folder: Path, limits: Limits) -> Run:
    """Check one folder as a whole.

    Args:
        folder: The root of a project.
        limits: What it may take.

    Returns:
        What was found; a crash or a hang is the run's failure, and never raises.
    """
    start = time.monotonic()
    if not folder.is_dir():
        return Run(folder.name, 0.0, "no such folder")
    output, failure = _process(folder.resolve(), limits)
    seconds = round(time.monotonic() - start, 2)
    if failure:
        return Run(folder.name, seconds, failure)
    return _decoded(folder.name, seconds, json.loads(output))


def _process(folder: Path, limits: Limits) -> tuple[str, str]:
    """Run the process; return its output, and why it failed."""
    size = int(limits.gigabytes * 2**30)
    child = subprocess.Popen(  # noqa: S603 (a module of ours; the folder is one argument)
        [sys.executable, "-m", "tools.observe", str(folder), str(size)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        output, errors = child.communicate(timeout=limits.seconds)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        return "", f"not done after {limits.seconds:g} s"
    return output, _failure(child.returncode, errors) if child.returncode else ""


def _failure(code: int, errors: str) -> str:
    """Tell in one line why a process failed: the exception, and the last place in evalguard."""
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    frames = [line for line in lines if line.startswith("File ") and "evalguard" in line]
    return " < ".join([*lines[-1:], *frames[-1:]]) or f"exit code {code}"


def _decoded(name: str, seconds: float, told: dict[str, Any]) -> Run:
    seen = tuple(_seen(each) for each in told["seen"])
    unreadable = tuple(Spot(*spot) for spot in told["unreadable"])
    return Run(name, seconds, "", seen, told["files"], unreadable)


def _seen(told: dict[str, Any]) -> Seen:
    """Read a finding from what ``dataclasses.asdict`` and JSON made of it."""
    evidence = tuple(Spot(*spot) for spot in told["evidence"])
    return Seen(**{**told, "spot": Spot(*told["spot"]), "evidence": evidence})
