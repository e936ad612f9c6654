"""Turns what a fact knows of its past into evidence, and its module into words.

Every flow finding shows its story: where the module was made, what switched it last, through
which calls the place was reached. Places are told once, in the order in which they happen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from evalguard.facts import Exported, Forward, FrozenPart, Module, Origin
from evalguard.finding import Evidence
from evalguard.modes import Intent, Mode
from evalguard.places import Place
from evalguard.repair import Action, Repair

_Flowed: TypeAlias = Forward | Exported | FrozenPart

_MADE = {
    "built": "built here, in {mode} mode",
    "loaded": "loaded here, in {mode} mode",
    "switched": "put in {mode} mode here",
    "flag": "put in {mode} mode here, by a flag",
    "hook": "the framework calls this hook in {mode} mode",
    "given": "passed in here; no caller in view switches it",
}

_SPOILS = (
    ("BatchNorm", "batch norm uses the statistics of each batch and goes on changing its own"),
    ("InstanceNorm", "instance norm goes on changing its running statistics"),
    ("Dropout", "dropout goes on zeroing activations at random"),
    ("RReLU", "its slopes are drawn at random"),
)


def mode_word(mode: Mode) -> str:
    """``train`` or ``eval``; both if both were seen."""
    if Mode.TRAIN in mode and Mode.EVAL in mode:
        return "train or eval"
    return "train" if Mode.TRAIN in mode else "eval"


def may_be(mode: Mode, wrong: Mode) -> str:
    """``is`` if the mode is the wrong one on all paths, ``may be`` if only on some."""
    return "is" if mode == wrong else "may be"


def named(module: Module) -> str:
    """The module as the code writes it, in backticks."""
    return f"`{module.text}`" if module.text else "the module"


def spoils(module: Module) -> str:
    """What train mode does to the numbers of this module."""
    for layer, effect in _SPOILS:
        if layer in module.because:
            return effect
    return "its dropout and batch norm layers go on working as in training"


def switch(module: Module, name: str) -> str:
    """The call that mends the mode, fit for a help line."""
    if not module.text or "(" in module.text:
        return f"`.{name}()` on the module"
    return f"`{module.text}.{name}()`"


def mending(fact: _Flowed, action: Action) -> Repair | None:
    """The switch that mends the mode, where the module is called by the code at that place."""
    repair = Repair(action, fact.place, subject=fact.module.text)
    if not isinstance(fact, Forward):
        return repair
    unclear = fact.inside is not None or (fact.trains and fact.intent is not Intent.TRAINING)
    return None if unclear else repair._replace(loop=fact.loop, turns=fact.turns)


def told(fact: _Flowed, *turns: tuple[Place | None, str]) -> tuple[Evidence, ...]:
    """The evidence of what befalls a module: making, switches, calls, then ``turns``."""
    seen: set[Place] = {fact.place}
    story: list[Evidence] = []
    for place, message in (*_past(fact), *turns):
        if place is not None and place not in seen:
            seen.add(place)
            story.append(Evidence(place, message))
    return tuple(story)


def gradients_off(fact: Forward) -> tuple[Place | None, str]:
    """Where recording stopped."""
    return (fact.grad_place, "gradients are off from here")


def next_round(fact: Forward) -> tuple[Place | None, str]:
    """The loop that brings the module back in another mode."""
    return (fact.loop, "in this loop's next round it is still in eval mode")


def origins_of(fact: Forward, mode: Mode) -> tuple[Origin, ...]:
    """The origins that account for ``mode``."""
    return tuple(origin for origin in fact.origins if mode in origin.mode)


def _past(fact: _Flowed) -> Iterator[tuple[Place | None, str]]:
    if fact.module.built is not None:
        yield from _origins((fact.module.built,))
    yield from _origins(fact.origins)
    if isinstance(fact, Forward) and fact.alike is not None:
        yield (fact.alike, "trained here, in the same mode: nothing in view sets another")
    for step in fact.calls:
        yield (step.place, f"`{step.function}` is called from here")
    if isinstance(fact, Forward) and fact.inside is not None:
        yield (fact.inside, f"{named(fact.module)} is called here, in training by others")


def _origins(origins: Iterable[Origin]) -> Iterator[tuple[Place | None, str]]:
    for origin in origins:
        words = _MADE.get(origin.how, "in {mode} mode from here")
        yield (origin.place, words.format(mode=mode_word(origin.mode)))
