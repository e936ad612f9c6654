"""Files of a program → what evalguard believes of each call of a module in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Flag

from evalguard import knowledge
from evalguard.facts import Forward
from evalguard.flow.analysis import Analysis
from evalguard.link import link
from evalguard.lower import lower
from evalguard.modes import Grad, Mode
from evalguard.source import from_text
from truth.sites import Belief, Site, Via

KNOWN = knowledge.load()


def beliefs(texts: Mapping[str, str]) -> list[Belief]:
    """What is believed of each call site, one for each call chain and path.

    Args:
        texts: The program: path → source.
    """
    return [_belief(fact) for fact in _forwards(texts)]


def _forwards(texts: Mapping[str, str]) -> Iterator[Forward]:
    """The forward calls where they stand, not where a rule would tell of them."""
    program = link([lower(from_text(text, path)) for path, text in texts.items()], KNOWN)
    everything = program._replace(interest=program.interest._replace(all=True))
    analysis = Analysis(everything)
    facts = analysis.facts()
    intents = {(fact.place, fact.calls): fact.intent for fact in facts if isinstance(fact, Forward)}
    assert len(intents) <= len(facts)
    yield from (item.fact for item in analysis.recorder._passes.values())


def _belief(fact: Forward) -> Belief:
    chain = tuple(Via(step.place.path, step.place.line, step.function) for step in fact.calls)
    return Belief(
        Site(fact.place.path, *fact.place.span),
        chain,
        _words(fact.mode, Mode.UNSEEN),
        fact.mixed,
        fact.assumed,
        fact.module.sensitive.value,
        _words(fact.grad, Grad.UNSEEN),
    )


def _words(flags: Flag, unseen: Flag) -> frozenset[str]:
    """The names of the possibilities; none if it isn't known."""
    if unseen in flags:
        return frozenset()
    return frozenset(str(flag.name).lower() for flag in type(flags) if flag in flags)
