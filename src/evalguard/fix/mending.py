"""Findings → files as they would be mended, each fix tried out before it is taken.

A fix is taken if the files still parse, its finding is gone, and nothing is found that wasn't found
before, unless it is a smaller thing in place of a greater one: an evaluation that is in eval mode
now may turn out to record gradients. What else a fix brings to light may be mended with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

from evalguard.finding import Finding, Result
from evalguard.fix.planning import Fix, plan
from evalguard.fix.text import edited
from evalguard.records import NamedTuple
from evalguard.repair import Edit

MOST_SEQUELS = 3

Texts = Mapping[str, str]
Key = tuple[str, str, str]
Way = tuple[Edit, ...]
Wanted = Callable[[Finding], bool]


class Desk(Protocol):
    """What the mender works with."""

    def check(self, drafts: Texts) -> Result:
        """What is found if these files hold these texts."""

    def text(self, path: str) -> str | None:
        """What a file holds; None if it can't be mended."""


class Mended(NamedTuple):
    """What came of it.

    ``drafts`` are the files to write, ``result`` what is found in them. ``fixed`` and ``failed``
    are findings of the first check: those that are gone, and those for which a fix was tried and
    not taken.
    """

    drafts: Texts
    result: Result
    fixed: tuple[Finding, ...]
    failed: tuple[Finding, ...]


class _Trial(NamedTuple):
    """Files with some fixes made in them, and what is found then."""

    drafts: Texts
    result: Result


class _Refused(NamedTuple):
    """A trial that wasn't taken, and the files whose fixes may be to blame."""

    paths: frozenset[str]


def mend(desk: Desk, result: Result, wanted: Wanted, unsafe: bool) -> Mended:
    """Mend what can be mended.

    Args:
        desk: Reads and checks files.
        result: What was found in them, as they are.
        wanted: Tells whether to mend a finding.
        unsafe: Whether to make unsafe fixes, too.

    Returns:
        The new texts, and what was mended.
    """
    return _Mender(desk, result, wanted, unsafe).run()


class _Mender:
    """Takes one batch of fixes after another, until there is none left."""

    def __init__(self, desk: Desk, result: Result, wanted: Wanted, unsafe: bool) -> None:
        self._desk = desk
        self._first = self._state = _Trial({}, result)
        self._wanted = wanted
        self._unsafe = unsafe
        self._failed: dict[Key, Finding] = {}

    def run(self) -> Mended:
        while batch := self._batch():
            self._settle(batch)
        left = self._count(self._state)
        fixed = tuple(self._news(self._first, left))
        return Mended(*self._state, fixed, tuple(self._failed.values()))

    def _batch(self) -> list[Fix]:
        """Fixes that don't meet."""
        left = [
            finding
            for finding in self._state.result.findings
            if self._wanted(finding) and self._key(finding, self._state) not in self._failed
        ]
        return _apart(self._plans(left, self._state))

    def _plans(self, findings: Iterable[Finding], state: _Trial) -> Iterator[Fix]:
        by_path: dict[str, list[Finding]] = {}
        for finding in findings:
            if finding.fix is not None and (finding.fix.safe or self._unsafe):
                by_path.setdefault(finding.place.path, []).append(finding)
        for path, group in by_path.items():
            text = self._text(path, state)
            if text is not None:
                yield from plan(text, group)

    def _text(self, path: str, state: _Trial) -> str | None:
        return state.drafts[path] if path in state.drafts else self._desk.text(path)

    def _settle(self, batch: list[Fix]) -> None:
        """Take fixes of a batch, or find one that can't be taken.

        Those that aren't to blame are tried without the others, which come again in a later batch.
        """
        while True:
            trial = self._try([(fix, fix.ways[0]) for fix in batch])
            if isinstance(trial, _Trial):
                self._state = trial
                return
            if len(batch) == 1:
                self._settle_one(batch[0])
                return
            spared = [fix for fix in batch if fix.finding.place.path not in trial.paths]
            batch = spared or batch[: len(batch) // 2]

    def _settle_one(self, fix: Fix) -> None:
        """Try the other ways of a fix."""
        for way in fix.ways[1:]:
            trial = self._try([(fix, way)])
            if isinstance(trial, _Trial):
                self._state = trial
                return
        self._failed[self._key(fix.finding, self._state)] = fix.finding

    def _try(self, chosen: list[tuple[Fix, Way]]) -> _Trial | _Refused:
        """Make fixes, then those for what they bring to light, and check."""
        left = self._count(self._state)
        left.subtract(self._key(fix.finding, self._state) for fix, _ in chosen)
        paths = frozenset(fix.finding.place.path for fix, _ in chosen)
        state = self._state
        for _ in range(MOST_SEQUELS):
            drafts = self._drafts(state, chosen)
            state = _Trial(drafts, self._desk.check(drafts))
            broken = {error.path for error in state.result.errors} & drafts.keys()
            news = self._grave(self._news(state, left), state)
            if not news and not broken:
                return state
            chosen = [(fix, fix.ways[0]) for fix in _apart(self._plans(news, state))]
            cured = {fix.finding for fix, _ in chosen}
            if broken or not cured or any(finding.fix is None for finding in news):
                guilty = broken | {finding.place.path for finding in news}
                return _Refused(paths & guilty or paths)
        return _Refused(paths)

    def _drafts(self, state: _Trial, chosen: Iterable[tuple[Fix, Way]]) -> Texts:
        edits: dict[str, list[Edit]] = {}
        for fix, way in chosen:
            edits.setdefault(fix.finding.place.path, []).extend(way)
        drafts = dict(state.drafts)
        for path, group in edits.items():
            drafts[path] = edited(self._text(path, state) or "", group)
        return drafts

    def _count(self, state: _Trial) -> Counter[Key]:
        return Counter(self._key(finding, state) for finding in state.result.findings)

    def _news(self, state: _Trial, left: Counter[Key]) -> list[Finding]:
        """What is found beyond what was found before."""
        rest, news = left.copy(), []
        for finding in state.result.findings:
            key = self._key(finding, state)
            rest[key] -= 1
            if rest[key] < 0:
                news.append(finding)
        return news

    def _grave(self, news: list[Finding], state: _Trial) -> list[Finding]:
        """New findings, but for those that take the place of a graver one, on the same line."""
        now = self._count(state)
        gone = {
            (key[0], key[2]): finding.severity
            for finding in reversed(self._state.result.findings)
            if not now[key := self._key(finding, self._state)]
        }
        keys = {finding: self._key(finding, state) for finding in news}
        return [
            finding
            for finding, (path, _, text) in keys.items()
            if finding.severity >= gone.get((path, text), finding.severity)
        ]

    def _key(self, finding: Finding, state: _Trial) -> Key:
        """What stays of a finding when lines are added above it, or it is indented."""
        path, line = finding.place.path, finding.place.line
        lines = (self._text(path, state) or "").split("\n")
        text = lines[line - 1].strip() if line <= len(lines) else ""
        return (path, finding.rule, text or finding.message)


def _apart(fixes: Iterable[Fix]) -> list[Fix]:
    """Fixes that don't meet, the first ones of each file."""
    taken: dict[str, set[int]] = {}
    out = []
    for fix in fixes:
        lines = taken.setdefault(fix.finding.place.path, set())
        if lines.isdisjoint(fix.lines):
            lines |= fix.lines
            out.append(fix)
    return out
