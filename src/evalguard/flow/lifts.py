"""Whose a pass is: the call's that entered its module from outside, or its own place's.

A pass inside a method of its module belongs to the call of that method, as long as it meets what
the caller made of modes and gradients: the caller is answerable for them. What the method sets
itself is the method's affair, whoever calls it.
"""

from __future__ import annotations

from collections.abc import Iterable

from evalguard.facts import Forward, Module, Purpose
from evalguard.flow.state import State
from evalguard.modes import Grad, Intent, Mode
from evalguard.places import Place
from evalguard.records import NamedTuple, replace


class Lift(NamedTuple):
    """A call of a module's method under way, the caller's frame, and the state it was made in.

    ``repeated``: a loop goes on around it.
    """

    context: int
    place: Place
    text: str
    module: int
    before: State
    caller: int
    repeated: bool


class Lifted(NamedTuple):
    """A call of a method, made in the modes that a pass inside it meets.

    ``module`` is the pass's own, under the name that the caller has for the whole. ``recording``
    says that gradients were as they are, too; ``tested``, that it is the unit test's that is
    under way; ``repeated``, that a loop goes on around it; ``apart``, that the whole was put in
    eval mode and what the pass goes through in train mode, by itself.
    """

    place: Place
    module: Module
    recording: bool
    tested: bool
    repeated: bool
    apart: bool = False


def both(some: tuple[Lifted, ...], others: tuple[Lifted, ...]) -> tuple[Lifted, ...]:
    """The calls that a pass meets the modes of, each time that it is made."""
    known = {lift.place: lift for lift in others}
    return tuple([
        lift._replace(
            recording=lift.recording and known[lift.place].recording,
            apart=lift.apart and known[lift.place].apart,
        )
        for lift in some if lift.place in known
    ])  # fmt: skip


class Placing:
    """Finds the place that answers for each pass, once all of them are known.

    ``graded`` are the calls in which gradients are taken.
    """

    def __init__(
        self, passes: Iterable[tuple[Forward, tuple[Lifted, ...]]], graded: set[Place]
    ) -> None:
        self._graded = graded
        self._evaled: set[Place] = set()
        self._trained: set[Place] = set()
        for fact, lifts in passes:
            if lifts and fact.mode == Mode.EVAL:
                self._evaled.add(fact.place)
            if fact.intent is Intent.TRAINING:
                self._trained.update((fact.place, *[lift.place for lift in lifts]))

    def placed(self, fact: Forward, lifts: tuple[Lifted, ...]) -> Forward:
        """A pass, at the outermost of the calls around it whose caller could mend it.

        A part that is put in train mode by itself, of a whole in eval mode, is so on purpose, as
        it is where the whole is called: if it isn't trained.
        """
        if any(lift.apart for lift in lifts) and Purpose.STEP not in fact.purpose:
            fact = replace(fact, mixed=True)
        theirs = [lift for lift in lifts if lift.recording or self._is_shared(fact)]
        free = [lift for lift in theirs if not self._needs_gradients(fact, lift)]
        if free:
            fact = _at(free[0], fact)
        if len(free) < len(theirs) and fact.place in self._trained:
            return replace(fact, purpose=fact.purpose | Purpose.ALSO_TRAINED)
        return fact

    def _is_shared(self, fact: Forward) -> bool:
        """Whether another caller turned to eval mode before a method that is under no_grad."""
        return fact.grad == Grad.OFF and fact.place in self._evaled

    def _needs_gradients(self, fact: Forward, lift: Lifted) -> bool:
        """Whether a caller who turned gradients off would get an error."""
        waste = fact.grad == Grad.ON and fact.mode == Mode.EVAL
        return waste and lift.place in self._graded


def _at(lift: Lifted, fact: Forward) -> Forward:
    purpose = fact.purpose & ~Purpose.UNIT_TEST
    if lift.tested:
        purpose |= Purpose.UNIT_TEST
    return replace(fact, place=lift.place, module=lift.module, purpose=purpose)
