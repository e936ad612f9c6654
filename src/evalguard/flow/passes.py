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


class Frozen(NamedTuple):
    """The frozen parts of a module that is called, by number, and the numbers of all its parts."""

    parts: Mapping[int, FrozenPart]
    reach: frozenset[int]


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

    ``chosen``: it may reach another module instead, which knows no mode.
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
    partly_stepped: bool = False
    unsettled: bool = False
    learns: bool = False
    newborn: bool = False
    chosen: bool = False

    def idle(self) -> bool:
        """Whether nobody looks at its result."""
        looked_at = self.measured or self.escaped or self.fed or self.shape or self.kept
        return not (looked_at or self.backward or self.target)


@dataclass(frozen=True, slots=True)
class Survey:
    """What a call of a module would meet: the modes of its mode-sensitive parts, joined.

    ``parts`` are the numbers of all parts in view.
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
        mixed = len(exact) > 1 or any(leaf.mixed for leaf in leaves)
        assumed = any(leaf.assumed for leaf in leaves)
        return Survey(module, mode, mixed, assumed, origins, frozenset(parts))


def beside(item: Pass, blocks: Collection[tuple[int, Block | None]]) -> bool:
    """Whether a pass stands beside a training step of its module, in every round of a loop.

    What nobody looks at may stand in some rounds only, beside a step under any condition.
    """
    if item.block is None or item.stepped:
        return False
    loop, every = item.block
    if every:
        return (item.thing, item.block) in blocks
    return item.idle() and any((item.thing, (loop, each)) in blocks for each in (True, False))


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
    if in_step:
        purpose |= Purpose.SAME_STEP
    if rival:
        purpose |= Purpose.ADVERSARIAL
    if item.stepped or (trained and not item.backward and not _is_maker(fact)):
        purpose |= Purpose.STEP
    if item.measured:
        purpose |= Purpose.MEASURED
    if item.escaped:
        purpose |= Purpose.ESCAPES
    used = item.measured or item.escaped or item.backward or item.target
    if item.shape and not (used or item.kept):
        purpose |= Purpose.SHAPE
    if item.shape and item.newborn and _once_as_built(fact):
        purpose |= Purpose.TRIAL
    if not (used or item.fed or item.shape):
        purpose |= Purpose.DISCARDED
    return replace(
        fact,
        origins=tuple(sorted(item.origins, key=_origin_order)),
        purpose=purpose,
        backward=item.backward or item.target,
        intent=_intent(item, purpose),
        unsettled=item.unsettled,
    )


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
        found = [step for step in steps.get((item.thing, item.entry), ()) if _meet(item, step)]
        if found and not item.stepped:
            item.fact = replace(item.fact, alike=min(step.fact.place for step in found))


def _meet(one: Pass, other: Pass) -> bool:
    """Whether both calls may happen in one run: no condition tells them apart."""
    return all((key, not holds) not in other.assumed for key, holds in one.assumed)


def _is_maker(fact: Forward) -> bool:
    """Whether it is made in a constructor, before any training."""
    return fact.function.rpartition(".")[2] == "__init__"


def _once_as_built(fact: Forward) -> bool:
    looped = Purpose.IN_LOADER_LOOP in fact.purpose
    return not looped and all(origin.how == "built" for origin in fact.origins)


def either(one: Module, other: Module) -> Module:
    """What is known of a call that may reach either of two modules."""
    if one.sensitive is other.sensitive:
        return one
    for module, beside in ((one, other), (other, one)):
        if module.sensitive is Sensitivity.YES and beside.sensitive is Sensitivity.NO:
            return replace(module, optional=True)
    return replace(one, sensitive=Sensitivity.UNKNOWN, unsure=True)


def deaf_beside(fact: Forward, other: Forward) -> bool:
    """Whether the mode of a call's module means nothing, and that of another module does."""
    return fact.module.sensitive is Sensitivity.NO and other.module.sensitive is Sensitivity.YES


def without_mode(fact: Forward) -> Forward:
    """A call whose module knows no mode, but for what the call is for."""
    return replace(fact, mode=NO_MODE, mixed=False, assumed=False, origins=())


def elsewhere(fact: Forward, trained: set[Origin]) -> Forward:
    """Mark a call that is a training step in another context, in a mode of the same origin."""
    if fact.intent is Intent.TRAINING or trained.isdisjoint(fact.origins):
        return fact
    return replace(fact, purpose=fact.purpose | Purpose.ALSO_TRAINED)


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
