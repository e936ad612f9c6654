"""Pointers to known bugs and traps, and runs over their code → what evalguard made of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tools.runs import Run, Seen, Spot

SLACK = 2
SLACK_ELSEWHERE = 3

_NO_EVAL = frozenset({"inference-without-eval", "no-grad-instead-of-eval"})
_NO_TRAIN = frozenset({"never-back-to-train", "train-in-eval"})
_NO_GRAD = frozenset({"eval-without-no-grad", "no-grad-without-effect"})

# The rules that may report a defect of a kind: the same defect can be told in several ways.
RELATED: Mapping[str, frozenset[str]] = {
    "inference-without-eval": _NO_EVAL,
    "no-grad-instead-of-eval": _NO_EVAL,
    "never-back-to-train": _NO_TRAIN,
    "train-in-eval": _NO_TRAIN,
    # A frozen teacher in train mode, asked under no_grad, is told by either.
    "frozen-in-train": frozenset({"frozen-in-train"}) | _NO_EVAL,
    "export-in-train": frozenset({"export-in-train"}) | _NO_EVAL,
    "eval-without-no-grad": _NO_GRAD,
    "no-grad-without-effect": _NO_GRAD,
    "grad-leak": frozenset({"grad-mode-leak"}),
    # An override that sets the flag by hand is also an assignment from outside.
    "bad-train-override": frozenset({"bad-train-override", "training-attr-assign"}),
    # The idle switch, or what comes of it.
    "attr-without-call": frozenset({"attr-without-call"}) | _NO_EVAL,
    "training-attr-assign": frozenset(
        {"training-attr-assign", "attr-without-call", "mode-argument"}
    ),
}


@dataclass(frozen=True, slots=True)
class Region:
    """Lines of a file, the last one included."""

    path: str
    first: int
    last: int

    def holds(self, spot: Spot) -> bool:
        """Tell whether a spot is in it."""
        return spot.path == self.path and self.first <= spot.line <= self.last


@dataclass(frozen=True, slots=True)
class Pointer:
    """A known bug (with its fix, if there is one), or a trap: right code that looks wrong.

    ``checkout`` and ``fixed_checkout`` name folders; ``fixed`` is where the fix is.
    """

    id: str
    kind: str
    checkout: str
    regions: tuple[Region, ...]
    fixed_checkout: str = ""
    fixed: Region | None = None

    @property
    def rules(self) -> frozenset[str]:
        """The rules whose findings count."""
        return RELATED.get(self.kind, frozenset({self.kind}))


class Hit(NamedTuple):
    """A finding that counts, and the spot of it that does; the first is its own place."""

    seen: Seen
    spot: Spot

    @property
    def direct(self) -> bool:
        """Whether the finding itself is there, and not only its evidence."""
        return self.spot is self.seen.spot


@dataclass(frozen=True, slots=True)
class Verdict:
    """What evalguard made of one version of the code.

    ``elsewhere`` are findings shown by default, of any rule, in the same file but not there.
    """

    run: Run
    hits: tuple[Hit, ...] = ()
    elsewhere: tuple[Seen, ...] = ()

    @property
    def word(self) -> str:
        """``shown``, ``hidden`` (only as possible), ``nothing``, or ``failed``."""
        if self.run.failure:
            return "failed"
        if any(hit.seen.visible for hit in self.hits):
            return "shown"
        return "hidden" if self.hits else "nothing"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What evalguard made of a pointer; ``fixed`` is None where no fix is known."""

    pointer: Pointer
    code: Verdict
    fixed: Verdict | None = None

    @property
    def seconds(self) -> float:
        """What checking all versions took."""
        return self.code.run.seconds + (self.fixed.run.seconds if self.fixed else 0.0)


def read_pointers(path: Path) -> tuple[Pointer, ...]:
    """Read bugs and traps from a file of JSON lines."""
    lines = path.read_text("utf-8").splitlines()
    return tuple(_pointer(json.loads(line)) for line in lines if line.strip())


def _pointer(told: dict[str, Any]) -> Pointer:
    region = told.get("fixed_line_region")
    return Pointer(
        id=told["id"],
        kind=told.get("kind") or told["looks_like"],
        checkout=_folder(told["repo"], told.get("buggy_commit") or told["commit"]),
        regions=tuple(_regions(told)),
        fixed_checkout=_folder(told["repo"], told["fixed_commit"]) if region else "",
        fixed=Region(told["fixed_path"], *region) if region else None,
    )


def _folder(repo: str, commit: str) -> str:
    return f"{repo.replace('/', '+')}@{commit[:12]}"


def _regions(told: dict[str, Any]) -> Iterator[Region]:
    for line in (told["line"], *(told.get("lines_also_acceptable") or ())):
        yield Region(told["path"], line - SLACK, line + SLACK)
    for other in told.get("also_other_files") or ():
        path, line = other.rsplit(":", 1)
        yield Region(path, int(line) - SLACK_ELSEWHERE, int(line) + SLACK_ELSEWHERE)


def outcome(pointer: Pointer, runs: Mapping[str, Run]) -> Outcome:
    """Judge a pointer by the runs over its checkouts."""
    code = _verdict(runs[pointer.checkout], pointer, pointer.regions)
    if pointer.fixed is None:
        return Outcome(pointer, code)
    run = runs[pointer.fixed_checkout]
    there = _verdict(run, pointer, (pointer.fixed,))
    persisting = tuple(_persisting(code, run, there.hits))
    fixed = Verdict(run, (*there.hits, *persisting), there.elsewhere)
    return Outcome(pointer, code, fixed)


def _verdict(run: Run, pointer: Pointer, regions: tuple[Region, ...]) -> Verdict:
    hits = tuple(_hits(run.seen, pointer.rules, regions))
    hit = {hit.seen for hit in hits}
    elsewhere = (seen for seen in run.seen if seen.visible and seen not in hit)
    return Verdict(
        run, hits, tuple(seen for seen in elsewhere if seen.spot.path == regions[0].path)
    )


def _hits(
    findings: Iterable[Seen], rules: frozenset[str], regions: tuple[Region, ...]
) -> Iterator[Hit]:
    for seen in findings:
        there = (spot for spot in seen.spots if any(region.holds(spot) for region in regions))
        spot = next(there, None)
        if seen.rule in rules and spot is not None:
            yield Hit(seen, spot)


def _persisting(code: Verdict, run: Run, known: Iterable[Hit]) -> Iterator[Hit]:
    """Yield the bug's hits that are in the fixed version still, outside the fixed lines.

    They are told apart by rule, file and text of the line, as lines move; where several findings
    are the same in that, one less of them is a cure.
    """
    before = Counter(_identity(seen) for seen in code.run.seen)
    after = Counter(_identity(seen) for seen in run.seen)
    told = {hit.seen for hit in known}
    kinds = {_identity(hit.seen) for hit in code.hits}
    kept = {kind for kind in kinds if after[kind] >= before[kind]}
    for seen in run.seen:
        if _identity(seen) in kept and seen not in told:
            yield Hit(seen, seen.spot)


def _identity(seen: Seen) -> tuple[str, str, str]:
    return (seen.rule, seen.spot.path, seen.text)
