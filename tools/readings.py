"""Readings, findings of real code with a verdict each → the tables of ``docs/real-code.md``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tools.scans import Line, read_lines

VERDICTS = ("right", "debatable", "wrong")


def table(path: Path) -> str:
    """The verdicts of a reading by rule, and of its errors and warnings alone."""
    lines = read_lines(path)
    rules = sorted({line["rule"] for line in lines})
    rows = [_row(f"`{rule}`", (line for line in lines if line["rule"] == rule)) for rule in rules]
    loud = Counter(line["verdict"] for line in lines if line["severity"] != "note")
    told = ", ".join(f"{loud[verdict]} {verdict}" for verdict in VERDICTS)
    head = ["| rule | right | debatable | wrong |", "|---|---|---|---|"]
    return "\n".join([*head, *rows, _row("all", lines), "", f"Errors and warnings alone: {told}."])


def _row(name: str, lines: Iterable[Line]) -> str:
    found = Counter(line["verdict"] for line in lines)
    return " | ".join([f"| {name}", *[str(found[verdict]) for verdict in VERDICTS]]) + " |"
