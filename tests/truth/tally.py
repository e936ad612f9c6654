"""Generated programs → how many sites are exact, wide, unknown and refuted."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from truth.grammar import written
from truth.law import Outcome, Verdict
from truth.programs import judged

FILE = "main.py"
OUTCOMES = tuple(each.value for each in Outcome)


class Case(NamedTuple):
    """A generated program and what came out of it."""

    seed: int
    text: str
    found: list[Verdict]

    def told(self, outcome: Outcome) -> list[str]:
        """The sites of an outcome: the line, belief and truth."""
        lines = self.text.splitlines()
        return [
            f"seed {self.seed}, line {each.site.line}: {each.why}\n"
            f"    {lines[each.site.line - 1].strip()}"
            for each in self.found
            if each.outcome is outcome and (outcome is Outcome.REFUTED or not each.apart)
        ]


@dataclass
class Tally:
    """Counts over programs.

    Sites inside of another module's pass are counted apart, and so are those of modules without
    mode-sensitive layers, of which little is believed.
    """

    programs: int = 0
    sites: Counter[Outcome] = field(default_factory=Counter)
    within: Counter[Outcome] = field(default_factory=Counter)
    inert: Counter[Outcome] = field(default_factory=Counter)

    def add(self, case: Case) -> None:
        """Count a program."""
        self.programs += 1
        for verdict in case.found:
            within = self.within if verdict.within else self.sites
            (self.inert if verdict.inert else within)[verdict.outcome] += 1

    @property
    def refuted(self) -> int:
        """How many beliefs the runs refute."""
        return sum(each[Outcome.REFUTED] for each in (self.sites, self.within, self.inert))

    def table(self) -> str:
        """As Markdown."""
        rows = (
            ("in the open", self.sites),
            ("inside of another module's pass", self.within),
            ("of modules that no mode changes", self.inert),
        )
        return "\n".join((
            f"| {self.programs:,} programs: sites | number | {' | '.join(OUTCOMES)} |",
            "|---|--:|" + "--:|" * len(OUTCOMES),
            *(_row(name, counts) for name, counts in rows),
        ))  # fmt: skip


def share(counts: Counter[Outcome], outcome: Outcome) -> float:
    """How many have an outcome, of 100."""
    return 100 * counts[outcome] / max(1, counts.total())


def _row(name: str, counts: Counter[Outcome]) -> str:
    *some, refuted = Outcome
    shares = " | ".join(f"{share(counts, each):.2f}%" for each in some)
    return f"| {name} | {counts.total():,} | {shares} | {counts[refuted]:,} |"


def generated(seeds: Iterable[int], gaps: bool = False) -> Iterator[Case]:
    """Write, run and judge the programs of some seeds.

    Args:
        seeds: A program each.
        gaps: Whether shapes are among them of which it is known that beliefs go wrong.
    """
    return (case_of(seed, gaps) for seed in seeds)


def case_of(seed: int, gaps: bool = False) -> Case:
    """The program of one seed, and what came out of it."""
    text = written(seed, gaps)
    return Case(seed, text, _found(text))


def shows(text: str, outcome: Outcome) -> bool:
    """Whether a program has a site of an outcome."""
    some = outcome is Outcome.REFUTED
    return any(each.outcome is outcome and (some or not each.apart) for each in _found(text))


def _found(text: str) -> list[Verdict]:
    with tempfile.TemporaryDirectory() as folder:
        return judged({FILE: text}, Path(folder).resolve(), FILE)
