"""Facts → findings: the registry of rules, one file each, and what is made of their verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING

from evalguard.facts import Fact
from evalguard.finding import Confidence, Finding
from evalguard.places import Place
from evalguard.records import NamedTuple, replace
from evalguard.rule import Rule, Verdict

__all__ = ["NAMES", "RULES", "judge", "load"]

NAMES = (
    "inference-without-eval",
    "no-grad-instead-of-eval",
    "never-back-to-train",
    "train-in-eval",
    "frozen-in-train",
    "export-in-train",
    "eval-without-no-grad",
    "backward-under-no-grad",
    "grad-mode-leak",
    "no-grad-without-effect",
    "functional-dropout",
    "module-in-forward",
    "hidden-module",
    "bad-train-override",
    "attr-without-call",
    "training-attr-assign",
    "mode-argument",
)

MOST_STORIES = 4
ELSEWHERE = "for another caller: "

if TYPE_CHECKING:
    RULES: tuple[Rule, ...]
else:

    def __getattr__(name):
        if name == "RULES":
            return load()
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@lru_cache(maxsize=1)
def load() -> tuple[Rule, ...]:
    """Import the rules; also to be had as ``RULES``.

    Returns:
        All rules, in the order of their codes.
    """
    return tuple(import_module(f"{__name__}.{name.replace('-', '_')}").RULE for name in NAMES)


def judge(facts: Iterable[Fact], rules: Iterable[Rule]) -> tuple[Finding, ...]:
    """Ask the rules about the facts.

    A function may be walked in several callers' contexts, so one defect can turn up in several
    facts: of the findings of one rule at one place, the surest is kept. It tells where else the
    same comes from, as each of those callers may have to be mended.

    Args:
        facts: What was seen happen.
        rules: The rules to ask.

    Returns:
        Findings in the order of their places, one for each rule and place.
    """
    groups: dict[object, list[_Case]] = {}
    for case in sorted(_cases(facts, tuple(rules)), key=_sureness, reverse=True):
        groups.setdefault((case.finding.code, case.finding.place), []).append(case)
    kept = (_together(*group) for group in groups.values())
    return tuple(sorted(kept, key=lambda finding: finding.sort_key))


class _Case(NamedTuple):
    """A finding, and the call that led to its place, if one is in view."""

    finding: Finding
    call: Place | None


def _cases(facts: Iterable[Fact], rules: tuple[Rule, ...]) -> Iterator[_Case]:
    for fact in facts:
        call = fact.calls[-1].place if fact.calls else None
        for rule in rules:
            if isinstance(fact, rule.asks):
                yield from (_Case(_finding(rule, verdict), call) for verdict in rule.check(fact))


def _together(first: _Case, *others: _Case) -> Finding:
    """The surest finding of a place, with the stories of others that come by another call."""
    told = {item.place for item in first.finding.evidence} | {first.finding.place}
    calls, story = {first.call}, list(first.finding.evidence)
    for other in others:
        if other.call in calls or other.finding.confidence <= Confidence.POSSIBLE:
            continue
        if len(calls) == MOST_STORIES:
            break
        calls.add(other.call)
        news = [item for item in other.finding.evidence if item.place not in told]
        told.update(item.place for item in news)
        story += [replace(item, message=f"{ELSEWHERE}{item.message}") for item in news]
    return replace(first.finding, evidence=tuple(story))


def _finding(rule: Rule, verdict: Verdict) -> Finding:
    return Finding(
        code=rule.code,
        rule=rule.name,
        severity=rule.severity,
        confidence=verdict.confidence,
        message=verdict.message,
        place=verdict.place,
        evidence=verdict.evidence,
        help=verdict.help,
        fix=verdict.fix,
    )


def _sureness(case: _Case) -> tuple[object, ...]:
    """Order the findings of one place: of equally sure ones, the shortest story counts most."""
    finding = case.finding
    story = [(item.place, item.message) for item in finding.evidence]
    return (finding.confidence, -len(story), finding.message, story)
