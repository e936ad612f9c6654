"""Facts → findings: the registry of rules, one file each, and what is made of their verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING

from evalguard.facts import Fact
from evalguard.finding import Finding
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
    "grad-mode-leak",
    "no-grad-without-effect",
    "functional-dropout",
    "module-in-forward",
    "hidden-module",
    "bad-train-override",
    "attr-without-call",
    "training-attr-assign",
)

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
    facts: of the findings of one rule at one place, the surest is kept.

    Args:
        facts: What was seen happen.
        rules: The rules to ask.

    Returns:
        Findings in the order of their places, one for each rule and place.
    """
    kept: dict[object, Finding] = {}
    for finding in sorted(_findings(facts, tuple(rules)), key=_least_sure_first):
        kept[finding.code, finding.place] = finding
    return tuple(sorted(kept.values(), key=lambda finding: finding.sort_key))


def _findings(facts: Iterable[Fact], rules: tuple[Rule, ...]) -> Iterator[Finding]:
    for fact in facts:
        for rule in rules:
            if isinstance(fact, rule.asks):
                yield from (_finding(rule, verdict) for verdict in rule.check(fact))


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
    )


def _least_sure_first(finding: Finding) -> tuple[object, ...]:
    """Order the findings of one place: of equally sure ones, the shortest story comes last."""
    story = [(item.place, item.message) for item in finding.evidence]
    return (finding.confidence, -len(story), finding.message, story)
