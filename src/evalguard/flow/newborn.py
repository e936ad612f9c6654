"""Networks with the weights that they were born with: they are only tried out."""

from __future__ import annotations

from collections.abc import Collection

from evalguard.facts import Purpose, Step
from evalguard.flow.passes import Pass


def mark_trials(passes: Collection[Pass], handled: set[int], trained: set[int]) -> None:
    """Mark passes of networks with the weights they were born with, which show how they are.

    That is a single pass, the shape of whose result is looked at, or nothing; and one of many, as
    each round of a loop makes such a network and trains none. With what these are compared has its
    first weights, too.

    Args:
        passes: All calls.
        handled: The modules that may have other weights.
        trained: The modules that are trained somewhere.
    """
    unhandled = [item for item in passes if handled.isdisjoint(item.parts)]
    as_built = [item for item in unhandled if _is_as_built(item)]
    homes = {_home(item) for item in as_built if item.thing not in trained and _is_anew(item)}
    for item in as_built:
        beside = bool(homes) and item.thing not in trained and _home(item) in homes
        item.trial = beside or (_is_looked_at(item) and not _is_repeated(item))
    for item in unhandled:
        if item.idle and item.thing not in trained and not _is_repeated(item):
            item.trial |= _is_born(item)


def _is_as_built(item: Pass) -> bool:
    """Whether nobody has switched it."""
    return all(origin.how == "built" for origin in item.fact.origins)


def _is_born(item: Pass) -> bool:
    """Whether it is seen being made, without weights that it comes with."""
    built = item.fact.module.built
    return built is not None and built.how == "built"


def _is_anew(item: Pass) -> bool:
    return Purpose.ANEW in item.fact.purpose


def _is_looked_at(item: Pass) -> bool:
    return item.shape or Purpose.ONE_ITEM in item.fact.purpose


def _is_repeated(item: Pass) -> bool:
    """Whether a loop repeats it; one in a method of its module is that method's affair."""
    looped = Purpose.IN_LOADER_LOOP in item.fact.purpose
    return item.lifts[0].repeated if item.lifts else looped


def _home(item: Pass) -> tuple[int, str, tuple[Step, ...]]:
    """Where the module is called, or a method of it: the entry, the file, the calls before."""
    calls = item.fact.calls
    for count, step in enumerate(calls if item.lifts else ()):
        if step.place == item.lifts[0].place:
            return item.entry, step.place.path, calls[:count]
    return item.entry, item.fact.place.path, calls
