"""Generated programs → how many sites are exact, wide, unknown and refuted."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import torch

from truth.grammar import written
from truth.law import Outcome, Verdict
from truth.programs import judged

FILE = "main.py"


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

    Sites inside of another module's pass, and of modules without mode-sensitive layers, are counted
    apart: of these it only matters that nothing is refuted.
    """

    programs: int = 0
    sites: Counter[Outcome] = field(default_factory=Counter)
    apart: Counter[Outcome] = field(default_factory=Counter)

    def add(self, case: Case) -> None:
        """Count a program."""
        self.programs += 1
        for verdict in case.found:
            counts = self.apart if verdict.apart else self.sites
            counts[verdict.outcome] += 1

    def share(self, outcome: Outcome) -> float:
        """How many of the sites that count, of 100."""
        return 100 * self.sites[outcome] / max(1, self.sites.total())

    def table(self) -> str:
        """As Markdown."""
        shares = " | ".join(f"{self.share(each):.2f}%" for each in Outcome)
        apart = f"{self.apart[Outcome.REFUTED]} of {self.apart.total():,}"
        return "\n".join((
            f"| programs | sites | {' | '.join(each.value for each in Outcome)} | refuted apart |",
            "|--:|--:|" + "--:|" * (len(Outcome) + 1),
            f"| {self.programs:,} | {self.sites.total():,} | {shares} | {apart} |",
        ))  # fmt: skip


def generated(seeds: Iterable[int], gaps: bool = False) -> Iterator[Case]:
    """Write, run and judge the programs of some seeds.

    Args:
        seeds: A program each.
        gaps: Whether shapes are among them of which it is known that beliefs go wrong.
    """
    torch.set_num_threads(1)
    for seed in seeds:
        text = written(seed, gaps)
        with tempfile.TemporaryDirectory() as folder:
            found = judged({FILE: text}, Path(folder).resolve(), FILE)
        yield Case(seed, text, found)


def shows(text: str, outcome: Outcome) -> bool:
    """Whether a program has a site of an outcome."""
    with tempfile.TemporaryDirectory() as folder:
        found = judged({FILE: text}, Path(folder).resolve(), FILE)
    return any(each.outcome is outcome and not each.apart for each in found)
