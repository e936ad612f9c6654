"""Forward calls as they were seen → which of them belong together: rivals, alike, losses."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from evalguard.facts import Purpose
from evalguard.flow.passes import Pass
from evalguard.modes import Mode, Sensitivity
from evalguard.records import replace


def against(passes: Mapping[int, Pass], trained: set[int]) -> set[int]:
    """The passes of modules trained against one another: one trains by the other's detached output.

    And only by that. With those that the same call of a method makes: it is the whole that is
    trained so.
    """
    found: set[int] = set()
    for item in passes.values():
        for token in item.inputs if item.stepped else ():
            source = None if -token in item.inputs else passes.get(-token)
            if source and source.thing in trained and source.thing != item.thing:
                found |= {source.thing, item.thing}
    theirs = {token for token, item in passes.items() if item.thing in found}
    calls = {passes[token].lifts[0].place for token in theirs if passes[token].lifts}
    return theirs | {
        token for token, item in passes.items() if item.lifts and item.lifts[0].place in calls
    }


def mark_alike(passes: Collection[Pass]) -> None:
    """Mark those whose module is trained on the same way, in the same mode, unseen by anybody.

    What is called on another's results may be a loss, which has no mode.
    """
    unseen = [item for item in passes if item.fact.mode == Mode.UNSEEN and not item.inputs]
    steps: dict[tuple[int, int], list[Pass]] = {}
    for item in unseen:
        if item.stepped:
            steps.setdefault((item.thing, item.entry), []).append(item)
    for item in unseen if steps else ():
        found = [step for step in steps.get((item.thing, item.entry), ()) if meet(item, step)]
        if found and not item.stepped:
            item.fact = replace(item.fact, alike=min(step.fact.place for step in found))


def mark_losses(passes: Collection[Pass]) -> None:
    """Mark those whose module gives its losses itself: they are added up where it is trained.

    Of a module that can't be seen, they are taken to be what it gives in train mode only.
    """
    added = [item for item in passes if item.added]
    giving = {item.thing for item in added if item.stepped}
    for item in added:
        if item.thing in giving and item.fact.module.sensitive is Sensitivity.UNKNOWN:
            item.fact = replace(item.fact, purpose=item.fact.purpose | Purpose.OTHER_RESULT)


def meet(one: Pass, other: Pass) -> bool:
    """Whether both calls may happen in one run: no condition tells them apart."""
    return all((key, not holds) not in other.assumed for key, holds in one.assumed)
