"""Forward calls as they are seen while the program is walked → facts about them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from evalguard.facts import Forward, FrozenPart, Module, Origin, Purpose
from evalguard.flow.atoms import Key
from evalguard.flow.lifts import Lifted
from evalguard.flow.state import ModeState
from evalguard.modes import NO_MODE, Grad, Intent, Mode, Sensitivity
from evalguard.places import Place
from evalguard.records import NamedTuple, dataclass, replace

Block = tuple[Place, bool]
Path = frozenset[tuple[Key, bool]]


_FOR_NOTHING = Purpose.DISCARDED | Purpose.IN_LOADER_LOOP


class Frozen(NamedTuple):
    """The frozen parts of a module that is called, by number, and the numbers of all its parts.

    ``stilled``: those that were to stay in eval mode.
    """

    parts: Mapping[int, FrozenPart]
    reach: frozenset[int]
    stilled: Mapping[int, FrozenPart]


class Around(NamedTuple):
    """What is around a pass.

    That is the loop, the parts of its module, the calls of its methods, and what is assumed.
    """

    block: Block | None
    parts: frozenset[int]
    lifts: tuple[Lifted, ...]
    assumed: Path


@dataclass(slots=True)
class Pass:
    """One forward call in one context, as far as it has been seen.

    ``owned``: an optimizer steps that is seen to have its parameters. ``trained``: the modules
    whose parameters have the optimizers that step, None if that can't be seen. ``chosen``: it may
    reach another module instead, which knows no mode. ``added``: all that it gives is added up.
    ``dropped``: its module's method makes it, and nobody takes what that returns. ``hooked``: a
    hook gets what it computes on the way. ``begun``: a step of its module has begun before it,
    which a backward pass has ``ended``.
    """

    thing: int
    fact: Forward
    origins: set[Origin]
    inputs: set[int]
    frozen: Frozen
    block: Block | None
    parts: frozenset[int]
    lifts: tuple[Lifted, ...]
    assumed: Path
    entry: int
    backward: Place | None = None
    target: Place | None = None
    measured: bool = False
    shape: bool = False
    escaped: bool = False
    fed: bool = False
    kept: bool = False
    stepped: bool = False
    owned: bool = False
    trained: frozenset[int] | None = frozenset()
    partly_stepped: bool = False
    unsettled: bool = False
    learns: bool = False
    trial: bool = False
    loaded: bool = False
    chosen: bool = False
    added: bool = False
    dropped: Purpose = Purpose.NONE
    hooked: bool = False
    begun: bool = False
    ended: bool = False

    @property
    def used(self) -> bool:
        """Whether something is made of the result, or may be."""
        return self.measured or self.escaped or bool(self.backward or self.target)

    @property
    def idle(self) -> bool:
        """Whether nothing at all is done with the result."""
        return not (self.used or self.fed or self.shape or self._handed_over)

    @property
    def _handed_over(self) -> bool:
        """Whether a hook takes features of a network that was loaded and that nobody switched."""
        hows = {origin.how for origin in self.origins}
        if not self.hooked or self.fact.grad != Grad.OFF or "switched" in hows:
            return False
        return self.loaded or "loaded" in hows

    @property
    def lost(self) -> Purpose:
        """What it is made for, if its result is thrown away, here or by those that get it."""
        if self.idle:
            return Purpose.DISCARDED | self.dropped
        return Purpose.NONE if self.used or self.kept or self.shape else self.dropped


@dataclass(frozen=True, slots=True)
class Survey:
    """What a call of a module would meet: the modes of its mode-sensitive parts, joined.

    ``mixed``: the parts differ, as where one may be in eval mode and another is in train mode for
    sure. ``parts`` are the numbers of all parts in view.
    """

    module: Module
    mode: Mode = NO_MODE
    mixed: bool = False
    assumed: bool = False
    origins: frozenset[Origin] = frozenset()
    parts: frozenset[int] = frozenset()

    @staticmethod
    def of(module: Module, leaves: list[ModeState], parts: set[int]) -> Survey:
        """Join the leaves."""
        mode, origins = NO_MODE, frozenset[Origin]()
        for leaf in leaves:
            mode |= leaf.mode
            origins |= leaf.origins
        exact = {leaf.mode for leaf in leaves if leaf.mode in (Mode.TRAIN, Mode.EVAL)}
        apart = exact == {Mode.TRAIN} and Mode.EVAL in mode
        mixed = len(exact) > 1 or apart or any(leaf.mixed for leaf in leaves)
        assumed = any(leaf.assumed for leaf in leaves)
        return Survey(module, mode, mixed, assumed, origins, frozenset(parts))


def set_apart(survey: Survey, whole: ModeState) -> bool:
    """Whether what a pass goes through was put in train mode by itself, of a whole in eval mode."""
    if survey.mode != Mode.TRAIN or whole.mode != Mode.EVAL:
        return False
    return {origin.how for origin in survey.origins} == {"switched"}


def steps(item: Pass, things: Collection[int] | None, passes: Mapping[int, Pass]) -> bool:
    """Whether an optimizer's step trains what a call went through.

    Args:
        item: The call.
        things: The modules whose parameters the optimizer has; None if that can't be seen. It is
            another module's then, if that one is in train mode and feeds this one, which isn't.
        passes: All calls.

    Returns:
        Whether it does.
    """
    if things is not None or item.fact.mode != Mode.EVAL:
        return things is None or item.thing in things
    makers = [passes[token] for token in item.inputs if token in passes]
    return not any(maker.thing != item.thing and maker.fact.mode == Mode.TRAIN for maker in makers)


def leave(item: Pass, site: Place | None, repeated: bool) -> None:
    """Nobody takes what a statement gives that a pass has led to.

    Args:
        item: The pass.
        site: The call that the statement is; a method of the pass's module may be what it calls.
        repeated: Whether it stands in a loop.
    """
    if any(lift.place == site for lift in item.lifts):
        item.dropped = _FOR_NOTHING if repeated else Purpose.DISCARDED
    else:
        item.kept = True


def seen_again(known: Pass, thing: int, fact: Forward, loop: Place | None) -> None:
    """Join what is believed of a call with what is believed this time.

    Args:
        known: The call.
        thing: The object that is called this time.
        fact: What is believed this time.
        loop: The loop in which the eval mode that it meets was set, if any.
    """
    if known.thing != thing and _deaf_beside(known.fact, fact):
        known.thing, known.origins = thing, set()
        module = either(known.fact.module, fact.module)
        known.fact = replace(_without_mode(known.fact), module=module, loop=loop)
        known.chosen = True
    elif known.thing != thing and _deaf_beside(fact, known.fact):
        fact, loop, known.chosen = _without_mode(fact), None, True
    known.origins.update(fact.origins)
    old = known.fact
    module = old.module if known.thing == thing else either(old.module, fact.module)
    known.fact = replace(
        old,
        module=module,
        mode=old.mode | fact.mode,
        mixed=old.mixed or fact.mixed,
        assumed=old.assumed or fact.assumed,
        grad=old.grad | fact.grad,
        grad_place=old.grad_place or fact.grad_place,
        purpose=old.purpose | fact.purpose,
        loop=old.loop or (None if old.mode == Mode.EVAL else loop),
        switcher=old.switcher if old.switcher == fact.switcher else None,
        turns=tuple(dict.fromkeys(old.turns + fact.turns)),
    )


def finished(item: Pass, in_step: bool, trained: bool, rival: bool) -> Forward:
    """The fact about a call that has been seen to its end.

    Args:
        item: The call.
        in_step: A training step of its module stands beside it.
        trained: Its module is trained somewhere.
        rival: Its module is trained against another.

    Returns:
        The fact, with what the call is for.
    """
    fact, purpose = item.fact, item.fact.purpose
    if in_step or item.ended or (item.begun and not trained):
        purpose |= Purpose.SAME_STEP
    if rival:
        purpose |= Purpose.ADVERSARIAL
    if item.stepped or (trained and not item.backward and not _is_maker(fact)):
        purpose |= Purpose.STEP
    if item.owned:
        purpose &= ~Purpose.SET_APART
    if item.measured:
        purpose |= Purpose.MEASURED
    if item.escaped:
        purpose |= Purpose.ESCAPES
    if item.loaded:
        purpose |= Purpose.LOADED
    if item.shape and not (item.used or item.kept):
        purpose |= Purpose.SHAPE
    if item.trial:
        purpose |= Purpose.TRIAL
    purpose |= item.lost
    return replace(
        fact,
        origins=tuple(sorted(item.origins, key=_origin_order)),
        purpose=purpose,
        backward=item.backward or item.target,
        intent=_intent(item, purpose),
        unsettled=item.unsettled,
    )


def _is_maker(fact: Forward) -> bool:
    """Whether it is made in a constructor, before any training."""
    return fact.function.rpartition(".")[2] == "__init__"


def either(one: Module, other: Module) -> Module:
    """What is known of a call that may reach either of two modules."""
    if one.sensitive is other.sensitive:
        doubtful = other.unsure and other.sensitive is Sensitivity.UNKNOWN
        return other if doubtful else one
    for module, beside in ((one, other), (other, one)):
        if module.sensitive is Sensitivity.YES and beside.sensitive is Sensitivity.NO:
            return replace(module, optional=True)
    return replace(one, sensitive=Sensitivity.UNKNOWN, unsure=True)


def _deaf_beside(fact: Forward, other: Forward) -> bool:
    """Whether the mode of a call's module means nothing, and that of another module does."""
    return fact.module.sensitive is Sensitivity.NO and other.module.sensitive is Sensitivity.YES


def _without_mode(fact: Forward) -> Forward:
    """A call whose module knows no mode, but for what the call is for."""
    return replace(fact, mode=NO_MODE, mixed=False, assumed=False, origins=())


def elsewhere(fact: Forward, trained: set[Origin]) -> Forward:
    """Mark a call that is a training step in another context, in a mode of the same origin."""
    if fact.intent is Intent.TRAINING or trained.isdisjoint(fact.origins):
        return fact
    return replace(fact, purpose=fact.purpose | Purpose.ALSO_TRAINED)


def drawn(fact: Forward, trained: Collection[set[Origin]]) -> Forward:
    """Mark a call that is repeated in a train mode which no training step has: for its chance."""
    if Purpose.REPEATED not in fact.purpose:
        return fact
    mine = [origin for origin in fact.origins if Mode.TRAIN in origin.mode]
    if not all(origins.isdisjoint(mine) for origins in trained):
        return fact
    return replace(fact, purpose=fact.purpose | Purpose.SAMPLED)


def chosen_eval(fact: Forward) -> bool:
    """Whether somebody chose eval mode for an inference in so many words."""
    hows = {origin.how for origin in fact.origins}
    return fact.mode == Mode.EVAL and hows == {"switched"} and fact.intent is Intent.INFERENCE


def unlike(fact: Forward, trained: Collection[set[Origin]], evaled: Collection[Place]) -> Forward:
    """Take back that chance is the point: in the mode of a training step, where others eval.

    Args:
        fact: The call.
        trained: What set the modes of the training steps.
        evaled: Where calls of other callers are in eval mode that somebody chose.
    """
    mine = {origin for origin in fact.origins if Mode.TRAIN in origin.mode}
    if fact.place not in evaled or not any(mine <= origins for origins in trained):
        return fact
    return replace(fact, purpose=fact.purpose & ~(Purpose.AGAIN | Purpose.SAMPLED))


def switched_elsewhere(fact: Forward) -> bool:
    """Whether a caller of the function that makes a pass for inference chose eval mode."""
    return fact.switcher is not None and fact.mode == Mode.EVAL and fact.intent is Intent.INFERENCE


def at_switcher(fact: Forward) -> Forward:
    """Tell of a pass at the caller who chose its mode.

    Where others train through the same call, that is where something is to be mended.
    """
    assert fact.switcher is not None
    return replace(fact, place=fact.switcher, inside=fact.place)


def _origin_order(origin: Origin) -> tuple[object, ...]:
    return (origin.place or Place("", (0, 0, 0, 0)), origin.mode.value, origin.text)  # type: ignore[arg-type]


def _intent(item: Pass, purpose: Purpose) -> Intent:
    if item.backward:
        return Intent.TRAINING
    if item.target:
        return Intent.TARGET
    if (item.unsettled or item.learns) and item.fact.grad != Grad.OFF:
        return Intent.UNKNOWN
    if item.fact.grad == Grad.OFF or not item.escaped:
        return Intent.INFERENCE
    return Intent.INFERENCE if Purpose.EVALUATION in purpose else Intent.UNKNOWN
