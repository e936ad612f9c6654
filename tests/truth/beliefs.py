"""Files of a program → what ``evalguard trace`` tells of each call of a module in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from evalguard import knowledge
from evalguard.facts import Forward
from evalguard.flow.tracing import trace
from evalguard.link import Program, link
from evalguard.link.blocks import functions
from evalguard.lower import lower
from evalguard.places import Place
from evalguard.report.trace_json import grads, modes
from evalguard.source import from_text
from truth.sites import Belief, Site, Via

KNOWN = knowledge.load()


def beliefs(texts: Mapping[str, str]) -> list[Belief]:
    """What is believed of each call site, one for each call chain.

    If some call that bears on modes isn't followed, as the budget is spent, all beliefs of the
    program are assumed; but a forward pass leaves modes as they are. Of gradients, nothing is
    believed inside of what isn't followed.

    Args:
        texts: The program: path → source.
    """
    program = link([lower(from_text(text, path)) for path, text in texts.items()], KNOWN)
    told = trace(program, texts)
    whole = told.wholly()
    bearing = set(_bearing(program))
    cut = any(each.body in bearing for each in told.unfollowed)
    return [_belief(call, whole(call), cut) for call in told.calls]


def _bearing(program: Program) -> Iterator[Place]:
    """The functions that may leave modes or gradients other than they were."""
    for path, unit in program.units.items():
        for function in functions(unit.body):
            if function.name != "forward" and program.interest.of(function, path).matters:
                yield Place(path, function.at)


def _belief(call: Forward, whole: bool, cut: bool) -> Belief:
    return Belief(
        Site(call.place.path, *call.place.span.start, *call.place.span.end),
        tuple(Via(step.place.path, step.place.line, step.function) for step in call.calls),
        frozenset(modes(call.mode)),
        call.mixed,
        call.assumed or cut or not whole,
        call.module.known.value,
        frozenset(grads(call.grad) if whole else ()),
        "unknown" if call.unsettled else call.intent.value,
    )
