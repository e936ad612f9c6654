"""Frozen parts of what is trained, but for those that are frozen for a while only."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from evalguard.facts import Forward, FrozenPart
from evalguard.flow.passes import Pass
from evalguard.modes import Grad, Intent, Mode
from evalguard.records import replace


class Weights:
    """Modules whose weights change after all.

    ``thawed``: those that don't stay frozen, or as they were then, and in which entry;
    ``following``: those whose weights are set from others', and these; ``cut``: those that their
    own class calls with gradients off; ``handled``: those that may not have the weights that they
    were born with, and ``loaded`` those that were given others. ``led``: the parts of a class (by
    its file and name) whose weights its methods set, and from which of its parts.
    """

    def __init__(self) -> None:
        self.cut: set[int] = set()
        self.thawed: set[tuple[int, int]] = set()
        self.following: set[tuple[int, int]] = set()
        self.led: dict[tuple[str, str, str], set[str]] = {}
        self.handled: set[int] = set()
        self.loaded: set[int] = set()

    def touched(self, things: Collection[int], loaded: bool = False) -> None:
        """The weights of these may not be those that they were born with."""
        self.handled.update(things)
        self.loaded.update(things if loaded else ())

    def led_by(self, part: FrozenPart, beside: Iterable[FrozenPart]) -> bool:
        """Whether its class sets a frozen part's weights from those of a part that isn't frozen."""
        leaders = self.led.get((part.home, part.owner, part.module.text), set[str]())
        still = {item.module.text for item in beside if item.owner == part.owner}
        return not leaders <= still

    def settle(self, passes: Collection[Pass]) -> None:
        """What follows a module that is trained doesn't stay as it was; nor what others train."""
        reached = {item.thing for item in passes if item.fact.grad != Grad.OFF} & self.cut
        self.thawed |= {(thing, item.entry) for item in passes for thing in reached}
        if not self.following:
            return
        taught: set[int] = set()
        for item in passes:
            if item.backward:
                taught |= {item.thing, *item.parts}
        for entry in {item.entry for item in passes}:
            self.thawed |= {(thing, entry) for thing, leader in self.following if leader in taught}


def frozen_parts(
    passes: Collection[Pass],
    forwards: list[Forward],
    weights: Weights,
    noted: Collection[FrozenPart],
) -> list[FrozenPart]:
    """Frozen parts of what is trained, at their own calls where these are in view.

    Args:
        passes: The calls of modules.
        forwards: The facts about them.
        weights: What doesn't stay frozen, or as it was then.
        noted: Frozen parts of what a library trains, or nobody in view.

    Returns:
        One for each place and mode; where its own call isn't in view, one for each file and place
        that freezes it, as that is where to mend it. Those that were noted come last, but for
        what is seen in training.
    """
    out: dict[tuple[object, ...], FrozenPart] = {}
    calls: dict[tuple[str, str], list[Forward]] = {}
    for fact in forwards:
        owner = fact.function.rpartition(".")[0].rpartition(".")[2]
        calls.setdefault((owner, fact.module.text), []).append(fact)
    for item in passes:
        for number, part in item.frozen.parts.items() if item.backward else ():
            own = _of(part, calls.get((part.owner, part.module.text), []))
            if (number, item.entry) in weights.thawed or _kept(own):
                continue
            if weights.led_by(part, item.frozen.parts.values()):
                continue
            place = own[0].place if own else item.fact.place
            made = replace(part, place=place, stepped=item.partly_stepped, calls=item.fact.calls)
            once = (place,) if own else (place.path, part.frozen or place, part.owner, made.stepped)
            out.setdefault((*once, part.mode, part.module.text), made)
        for number, part in item.frozen.stilled.items():
            if _is_left(item, number, part):
                made = replace(part, stepped=True, calls=item.fact.calls)
                out.setdefault((part.place, part.mode, part.module.text), made)
    for fact in forwards:
        if fact.module.frozen and fact.intent in (Intent.TRAINING, Intent.TARGET):
            made = FrozenPart(
                fact.place, fact.function, fact.calls,
                module=fact.module, mode=fact.mode, mixed=fact.mixed,
                origins=fact.origins, stepped=fact.backward is not None,
            )  # fmt: skip
            out.setdefault((fact.place, fact.mode), made)
    return [*out.values(), *_unseen(noted, out.values(), passes)]


def _unseen(
    noted: Iterable[FrozenPart], told: Iterable[FrozenPart], passes: Iterable[Pass]
) -> list[FrozenPart]:
    """Those that were noted, and aren't seen in training elsewhere."""
    trained = [part for item in passes if item.backward for part in item.frozen.parts.values()]
    places = {part.frozen for part in trained}
    stepped = {_belief(part) for part in told if part.stepped and part.frozen}
    return [
        part
        for part in noted
        if not (part.undone and part.frozen in places) and _belief(part) not in stepped
    ]


def _belief(part: FrozenPart) -> tuple[object, ...]:
    """What a frozen part is, and in which mode it is believed to run."""
    known = part.module.sensitive, part.module.unsure
    return (part.frozen, part.owner, part.home, part.mode, part.mixed, *known)


def _is_left(item: Pass, number: int, part: FrozenPart) -> bool:
    """Whether what was to stay in eval mode isn't, while something else is trained.

    Of a part, its weights must be seen to stay as they are, or only make the goal for others.
    """
    if part.layers:
        return bool(item.backward) and item.stepped
    if number == item.thing:
        return bool(item.target) and item.fact.grad == Grad.OFF
    if not (item.backward and item.partly_stepped) or item.trained is None:
        return False
    return item.trained.isdisjoint((item.thing, number))


def _of(part: FrozenPart, calls: list[Forward]) -> list[Forward]:
    """The calls in the file of the class, as another may have its name; failing these, all."""
    return [fact for fact in calls if fact.place.path == part.home] or calls


def _kept(calls: list[Forward]) -> bool:
    """Whether a class puts a part in eval mode itself wherever it calls it."""
    return bool(calls) and all(fact.mode == Mode.EVAL and not fact.assumed for fact in calls)
