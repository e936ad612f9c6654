"""Runs over many projects → lines of JSON for triage, their counts, and what changed since."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.runs import Run, Seen

Line = dict[str, Any]
Key = tuple[str, str, str, int]


def repositories(folders: Iterable[Path], *, single: bool = False) -> tuple[Path, ...]:
    """Tell what to scan: every folder right below those given, or with ``single`` themselves."""
    given = tuple(folders)
    if single:
        return given
    below = (entry for folder in given for entry in sorted(folder.iterdir()))
    return tuple(path for path in below if path.is_dir() and path.name[0] not in "._")


def finding_lines(run: Run) -> Iterator[Line]:
    """Yield one line for each finding of a run."""
    for seen in run.seen:
        yield {
            "repo": run.name,
            "rule": seen.rule,
            "confidence": seen.confidence,
            "severity": seen.severity,
            "path": seen.spot.path,
            "line": seen.spot.line,
            "message": seen.spot.message,
            "text": seen.text,
            "evidence": [spot._asdict() for spot in seen.evidence],
        }


def run_line(run: Run) -> Line:
    """Tell in one line how a run went."""
    return {
        "repo": run.name,
        "seconds": run.seconds,
        "files": run.files,
        "shown": sum(seen.visible for seen in run.seen),
        "hidden": sum(not seen.visible for seen in run.seen),
        "failure": run.failure,
        "unreadable": [spot._asdict() for spot in run.unreadable],
    }


def runs_path(findings: Path) -> Path:
    """Tell where the lines about the runs are kept, beside those about findings."""
    return findings.with_suffix(".runs.jsonl")


def counts(findings: Iterable[Seen]) -> list[tuple[str, int, int]]:
    """Count findings: rule, how many are shown by default, how many are not."""
    shown: Counter[str] = Counter()
    hidden: Counter[str] = Counter()
    for seen in findings:
        (shown if seen.visible else hidden)[seen.rule] += 1
    return [(rule, shown[rule], hidden[rule]) for rule in sorted({*shown, *hidden})]


def read_lines(path: Path) -> list[Line]:
    """Read a file of JSON lines."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


@dataclass(frozen=True, slots=True)
class Change:
    """A finding that came (``+``), went (``-``), or is now surer or less sure (``~``)."""

    sign: str
    line: Line
    was: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed from one scan to another, where both have looked.

    ``unmatched`` names the repositories that only one of them could scan.
    """

    changes: tuple[Change, ...]
    unmatched: tuple[str, ...]


def difference(old: Path, new: Path) -> Difference:
    """Compare two files that ``scan`` wrote; findings are matched by repository, rule and place."""
    before, after = _by_key(old), _by_key(new)
    once, again = _scanned(old, before), _scanned(new, after)
    shared = once & again
    keys = sorted(key for key in {*before, *after} if key[0] in shared)
    changes = (_change(before.get(key), after.get(key)) for key in keys)
    return Difference(tuple(each for each in changes if each), tuple(sorted(once ^ again)))


def _by_key(path: Path) -> dict[Key, Line]:
    lines = read_lines(path)
    return {(line["repo"], line["path"], line["rule"], line["line"]): line for line in lines}


def _scanned(path: Path, findings: Iterable[Key]) -> set[str]:
    """Tell which repositories were scanned to the end; without a record, those with findings."""
    record = runs_path(path)
    if not record.exists():
        return {repo for repo, *_ in findings}
    return {line["repo"] for line in read_lines(record) if not line["failure"]}


def _change(old: Line | None, new: Line | None) -> Change | None:
    if old is None or new is None:
        return Change("-", old) if old else Change("+", new or {})
    if old["confidence"] == new["confidence"]:
        return None
    return Change("~", new, old["confidence"])
