"""The abstract state at one point of the program: variables, modes, gradients, assumptions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol, TypeGuard

from evalguard.facts import Origin
from evalguard.flow.atoms import Cell, Key, Value
from evalguard.flow.implied import COMPARED, implied
from evalguard.flow.layers import Layers
from evalguard.flow.values import NONE, join
from evalguard.modes import Grad, Mode
from evalguard.places import Place
from evalguard.records import NamedTuple, replace

ON: Final = Grad.ON  # to look it up there takes longer
MOST_STATES = 4
MOST_AT_ONCE = 16
MOST_ORIGINS = 32
MOST_ASSUMED = 64


class ModeState(NamedTuple):
    """What is believed of one object's own mode, and what set it.

    ``mixed``: some parts were switched on their own. ``assumed``: callers that can't be seen may
    have switched it meanwhile.
    """

    mode: Mode
    origins: frozenset[Origin]
    mixed: bool = False
    assumed: bool = False


Modes = Layers[int, ModeState]


def join_modes(left: ModeState, right: ModeState) -> ModeState:
    """Either of two."""
    if left == right:
        return left
    return ModeState(
        left.mode | right.mode,
        _fewest(left.origins | right.origins),
        left.mixed or right.mixed,
        left.assumed or right.assumed,
    )


def _fewest(origins: frozenset[Origin]) -> frozenset[Origin]:
    """Some of very many origins: always the same ones, however they come together."""
    if len(origins) <= MOST_ORIGINS:
        return origins
    return frozenset(sorted(origins, key=repr)[:MOST_ORIGINS])


def turned(
    known: ModeState | None, before: ModeState | None, after: ModeState | None
) -> ModeState | None:
    """The modes that were left, this one among them if it is another than before."""
    if after is None:
        return known
    if before is not None and (before.mode, before.mixed) == (after.mode, after.mixed):
        return known
    return after if known is None else join_modes(known, after)


def flagged(state: ModeState) -> ModeState:
    """The same mode, as set by a flag that can't be seen."""
    origins = [
        replace(item, how="flag") if item.how == "switched" else item for item in state.origins
    ]
    return state._replace(origins=frozenset(origins))


class Casts(Protocol):
    """Objects, by ``numbers``, that hold something though no statement set it."""

    numbers: set[int]

    def read(self, cell: Cell) -> Value | None:
        """What such an object holds under a name."""


class World:
    """The state that all entry points start from: what importing the program leaves behind.

    ``inherited`` tells the mode of an object that nothing in a state has switched, ``casts`` what
    an object holds that was cast from a mold. ``set_fields`` and ``set_modes`` are what any state
    has set that is still in use.
    """

    def __init__(self, inherited: Callable[[State, int], ModeState | None], casts: Casts) -> None:
        self.fields: dict[Cell, Value] = {}
        self.modes: dict[int, ModeState] = {}
        self.set_fields: set[Cell] = set()
        self.set_modes: set[int] = set()
        self.inherited = inherited
        self.casts = casts
        self.cast_things = casts.numbers

    def settled(self) -> None:
        """What states have set so far is part of the world: none of them goes on."""
        self.set_fields.clear()
        self.set_modes.clear()

    def absorb(self, state: State) -> None:
        """Make a finished import part of the world."""
        self.fields.update(state.fields.news())
        self.modes.update(state.modes.news())


class State:
    """A mutable state; branches work on copies. Only what differs from the world is held.

    ``narrow``: objects of which only some parts are meant, by a test; and the tests of names.
    ``dead``: the program ended. ``locked``: inside ``inference_mode``, where nothing turns
    gradients back on. ``leak``: the statement that turned them off for good.
    """

    __slots__ = (
        "assume",
        "dead",
        "fields",
        "grad",
        "grad_place",
        "leak",
        "locked",
        "modes",
        "narrow",
        "world",
    )

    def __init__(
        self, world: World, fields: Layers[Cell, Value] | None = None, modes: Modes | None = None
    ) -> None:
        self.world = world
        self.fields: Layers[Cell, Value] = Layers(world.set_fields) if fields is None else fields
        self.modes: Modes = Layers(world.set_modes) if modes is None else modes
        self.grad = ON
        self.grad_place: Place | None = None
        self.assume: dict[Key, bool] = {}
        self.narrow: frozenset[object] = frozenset()
        self.dead = False
        self.locked = False
        self.leak: Place | None = None

    def copy(self) -> State:
        """An independent copy."""
        new = State(self.world, self.fields.copy(), self.modes.copy())
        new.grad, new.grad_place = self.grad, self.grad_place
        if self.assume:
            new.assume = self.assume.copy()
        new.narrow, new.dead, new.locked = self.narrow, self.dead, self.locked
        new.leak = self.leak
        return new

    def adopt(self, other: State) -> None:
        """Become another state."""
        self.fields, self.modes = other.fields, other.modes
        self.grad, self.grad_place = other.grad, other.grad_place
        self.assume, self.narrow = other.assume, other.narrow
        self.dead, self.locked = other.dead, other.locked
        self.leak = other.leak

    def get(self, cell: Cell) -> Value | None:
        """The value of a variable or attribute; None if it was never set."""
        key: Any = cell  # one object for all look-ups: compiled, a pair isn't one by itself
        return self.fields.get(key) or self._unset(key, cell[0])

    def unset(self, cell: Cell) -> Value | None:
        """What a variable or attribute is where nothing in this state has set it."""
        return self._unset(cell, cell[0])

    def _unset(self, key: Any, holder: int) -> Value | None:
        value = self.world.fields.get(key)
        if value is None and holder in self.world.cast_things:
            return self.world.casts.read(key)
        return value

    def mode(self, thing: int) -> ModeState | None:
        """The recorded mode of an object; None if nothing ever switched it."""
        mode = self.modes.get(thing)
        return self.world.modes.get(thing) if mode is None else mode

    def mode_or_inherited(self, thing: int) -> ModeState | None:
        """The mode of an object, of what holds it if need be; None if it doesn't exist."""
        return self.mode(thing) or self.world.inherited(self, thing)

    def behaves_like(self, other: State) -> bool:
        """Whether two states have the same modes and gradients, so need not be kept apart."""
        if self.grad != other.grad:
            return False
        for thing, _, _ in self.modes.differences(other.modes):
            mine, theirs = self.mode_or_inherited(thing), other.mode_or_inherited(thing)
            if mine and theirs and (mine.mode, mine.mixed) != (theirs.mode, theirs.mixed):
                return False
        return True

    def decided(self, key: Key) -> bool | None:
        """Whether a condition is known to hold on this path."""
        known = self.assume.get(key)
        if known is not None or key[0] not in COMPARED:
            return known
        for other, holds in self.assume.items():
            if other[0] in COMPARED and other[1] == key[1]:
                told = implied(key, other, holds)
                if told is not None:
                    return told
        return None

    def suppose(self, key: Key, holds: bool) -> None:
        """Assume a condition; of very many, the first ones."""
        if len(self.assume) < MOST_ASSUMED or key in self.assume:
            self.assume[key] = holds

    def path(self) -> frozenset[tuple[Key, bool]]:
        """The assumed conditions that tell paths apart; those on variables don't.

        A variable may hang on something else that decides, too, so that no path is like this.
        """
        return frozenset([item for item in self.assume.items() if not is_variable(item[0][1])])

    def forget(self, thing: int) -> None:
        """Drop what was assumed of an object that is made anew."""
        stale = [key for key in self.assume if thing in key]
        for key in stale:
            del self.assume[key]

    def reset(self, cell: Cell, there: bool = False) -> None:
        """Drop what was assumed of a variable that is set; but if it was and is no None, that."""
        stale = [key for key in self.assume if key[1] == cell]
        for key in stale:
            if not (there and key == ("is", cell, NONE) and not self.assume[key]):
                del self.assume[key]


def is_variable(subject: object) -> TypeGuard[Cell]:
    """Whether a condition is about a variable, not an object."""
    return isinstance(subject, tuple)


def join_states(states: Iterable[State]) -> State | None:
    """One state that stands for all of several that go on; None if there are none.

    If none of them goes on, the result doesn't either.
    """
    result: State | None = None
    for state in states:
        if result is None or result.dead:
            result = state
        elif state is not result and not state.dead:
            _join_into(result, state)
    return result


def _join_into(state: State, other: State) -> None:
    for cell, left, right in state.fields.differences(other.fields):
        mine, theirs = left or state.unset(cell), right or other.unset(cell)
        both = join(mine, theirs) if mine and theirs else mine or theirs
        if both is not None:
            state.fields[cell] = both
    for thing, _, _ in state.modes.differences(other.modes):
        old, new = state.mode_or_inherited(thing), other.mode_or_inherited(thing)
        mode = join_modes(old, new) if old and new else old or new
        if mode is not None:
            state.modes[thing] = mode
    if other.grad != state.grad:
        state.grad_place = state.grad_place or other.grad_place
        state.grad |= other.grad
    state.assume = {
        key: holds for key, holds in state.assume.items() if other.assume.get(key) == holds
    }
    state.narrow &= other.narrow
    state.leak = state.leak or other.leak


def distinguishing(left: State, right: State) -> Key | None:
    """A condition on which two states are known to disagree."""
    for key, holds in left.assume.items():
        if right.assume.get(key, holds) != holds:
            return key
    return None


def settle(states: list[State]) -> list[State]:
    """Merge the states that need not be kept apart.

    States with the same modes and gradients are joined; of the others, those that some condition
    tells apart stay apart, up to a limit.
    """
    if len(states) < 2:
        return states
    if len(states) > MOST_AT_ONCE:  # what one state has gathered isn't gone through for each other
        half = len(states) // 2
        states = settle(states[:half]) + settle(states[half:])
    merged: list[State] = []
    for state in states:
        like = next((old for old in merged if old.behaves_like(state)), None)
        if like is None:
            merged.append(state)
        elif like is not state:
            _join_into(like, state)
    kept: list[State] = []
    for state in merged:
        twin = next((old for old in kept if distinguishing(old, state) is None), None)
        if twin is None and len(kept) < MOST_STATES:
            kept.append(state)
        else:
            _join_into(twin or kept[-1], state)
    return kept
