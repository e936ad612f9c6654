"""Modes: what a switch does, what a call of a module meets, what ``training`` tells."""

from __future__ import annotations

from evalguard.facts import Module, Origin
from evalguard.flow.asking import ASKS, OFF, Asking
from evalguard.flow.atoms import (
    Atom,
    Cls,
    Freeze,
    Fun,
    Inert,
    Key,
    Lit,
    Part,
    Ref,
    Saved,
    Value,
)
from evalguard.flow.core import Arguments, Frame
from evalguard.flow.passes import Survey
from evalguard.flow.state import ModeState, State
from evalguard.flow.things import UNSEEN, Thing
from evalguard.flow.values import lit, one, ordered
from evalguard.knowledge import Export
from evalguard.knowledge.entries import NO_PARTS
from evalguard.modes import Mode, Sensitivity
from evalguard.places import Place
from evalguard.records import NamedTuple

DEEPEST_MODULE = 12
INPUT_GRADIENT = "#input-gradient"
FROZEN = "#frozen"
PARTLY_FROZEN = "#partly-frozen"
CONTAINERS = frozenset(("list", "dict"))
OF_PARAMETERS = frozenset(("torch.nn.ParameterDict", "torch.nn.ParameterList"))


class Leaf(NamedTuple):
    """A mode-sensitive (or unknown) part of a module, its mode, and why it is sensitive.

    ``optional``: it was made under a condition that isn't known.
    """

    mode: ModeState
    sensitive: Sensitivity
    because: str
    optional: bool = False


class Switching(Asking):
    """Reads and writes modes."""

    def switch(
        self, number: int, wanted: ModeState, state: State, frame: Frame, seen: set[int]
    ) -> None:
        """``train(mode)`` as ``nn.Module`` defines it: the object and its registered children."""
        if number in seen or len(seen) > 2000:
            return
        if not seen and Mode.EVAL in wanted.mode:
            self.recorder.evaled(number)
            steps = self.steps(frame.context) if self.loops else ()
            for loop in self.loops:
                for origin in wanted.origins:
                    loop.evals[origin.place] = steps
                    loop.switched.setdefault(origin.place, set()).add(number)
        seen.add(number)
        self._forget_parts(number, state)
        state.modes[number] = wanted
        if self.molds.whole(number) is None:
            for child in self._registered(number, state):
                self._switch_child(child, wanted, state, frame, seen)

    def _switch_child(
        self, child: Thing, wanted: ModeState, state: State, frame: Frame, seen: set[int]
    ) -> None:
        override = self.override(child, "train", state)
        if override is None or wanted.mode not in (Mode.TRAIN, Mode.EVAL):
            self.switch(child.number, wanted, state, frame, seen)
        elif child.number not in seen:
            seen.add(child.number)
            mode = Arguments((lit(wanted.mode == Mode.TRAIN),))
            place = next((origin.place for origin in wanted.origins), None)
            where = place or Place(frame.path, self.functions[override.number].function.at)
            self.call_function(override, mode, where, child.text, state, frame)

    def override(self, thing: Thing, name: str, state: State) -> Fun | None:
        """The project's own ``train`` or ``eval``: put on an object itself, or of its class."""
        own = _function(state.get((thing.number, name)))
        if own is not None or thing.cls is None:
            return own
        for atom in self.classes.ancestry(thing.cls):
            if isinstance(atom, Cls):
                found = state.get((self.classes[atom.number].thing, name))
                if found is not None:
                    fun = _function(found)
                    return fun._replace(bound=Ref(thing.number)) if fun else None
        return None

    def _forget_parts(self, number: int, state: State) -> None:
        for other in self.things.parts(number):
            state.modes.pop(other)
        pending = state.fields.pop((number, "#assigned"))
        for atom in pending.atoms if pending else ():
            if isinstance(atom, Lit) and isinstance(atom.value, Place):
                self.recorder.covered(atom.value)

    def _registered(self, number: int, state: State) -> list[Thing]:
        """The children that ``train()`` reaches: attributes and items that are modules."""
        out: dict[int, Thing] = {}
        if self.things[number].lib in OF_PARAMETERS:
            return []
        for name in self.things.holding(number):
            value = state.get((number, name))
            for atom in ordered(value.atoms) if value else ():
                if isinstance(atom, (Ref, Part)):
                    thing = self.things[atom.thing]
                    if thing.kind == "module" or (thing.kind == "unknown" and thing.shown):
                        out[thing.number] = thing
        return list(out.values())

    def switch_atom(self, atom: Ref | Part, wanted: ModeState, state: State, frame: Frame) -> None:
        """A switch of an object, or of its parts (of some of them, where a test tells)."""
        self.tracks.switched(self.things[atom.thing].text, wanted.origins)
        if isinstance(atom, Part) and atom.thing in state.narrow:
            self.partial_switch(atom.thing, wanted, state)
        elif self.things[atom.thing].kind in ("module", "unknown"):
            self.switch(atom.thing, wanted, state, frame, set())

    def partial_switch(self, number: int, wanted: ModeState, state: State) -> None:
        """A switch of some of an object's parts only."""
        old = self.things.mode(state, number)
        state.modes[number] = old._replace(mixed=True)

    def leaves(self, number: int, state: State, depth: int, seen: set[int]) -> list[Leaf]:
        """The mode-sensitive (or unknown) parts of a module, each with its mode."""
        if number in seen or depth > DEEPEST_MODULE:
            return []
        seen.add(number)
        mold = self.molds.whole(number)
        if mold is not None and not any(part in state.modes for part in self.things.parts(number)):
            mode = self.things.mode(state, number)
            return [Leaf(mode, *rest) for rest in mold.leaves]
        thing = self.things[number]
        children = self._registered(number, state)
        out: list[Leaf] = []
        for child in children:
            found = self.leaves(child.number, state, depth + 1, seen)
            maybe = child.doubts > thing.doubts
            out += [leaf._replace(optional=True) for leaf in found] if maybe else found
        for other in self.things.held(number):
            if other not in seen and other in state.modes:
                out += self.leaves(other, state, depth + 1, seen)
        own, because = self.own_sensitivity(thing, state)
        if own is not Sensitivity.NO:
            out.append(Leaf(self.things.mode(state, number), own, because))
        elif self.things.mode(state, number).mixed:
            out = [leaf._replace(mode=leaf.mode._replace(mixed=True)) for leaf in out]
        return out

    def own_sensitivity(self, thing: Thing, state: State) -> tuple[Sensitivity, str]:
        """Whether an object is mode-sensitive by itself, its known children aside, and why."""
        if thing.cls is None:
            own = self._left_of(thing, state) if thing.parts else thing.sensitive
            return own, thing.because if own is not Sensitivity.NO else ""
        return self.asks(thing, state)

    def _left_of(self, thing: Thing, state: State) -> Sensitivity:
        """Whether a library's network is mode-sensitive but for parts that are seen by themselves.

        These are parts that were switched, and those that something else has replaced.
        """
        parts = thing.parts or NO_PARTS
        left = [told for name, told in parts.items() if not self._by_itself(thing, name, state)]
        if len(left) == len(parts):
            return thing.sensitive
        known = [told for told in (Sensitivity.YES, Sensitivity.UNKNOWN) if told in left]
        return known[0] if known else Sensitivity.NO

    def _by_itself(self, whole: Thing, name: str, state: State) -> bool:
        """Whether a known part has been switched, or isn't there any more."""
        held = state.get((whole.number, name))
        if held is None:
            part = self.things.known_child(whole.number, name)
            return part is not None and part in state.modes
        return not any(
            isinstance(atom, (Ref, Part)) and self.things.beneath(atom.thing, whole.number)
            for atom in held.atoms
        )

    def survey(self, number: int, text: str, state: State, export: Export | None = None) -> Survey:
        """What a call of this module would meet, or an export."""
        thing = self.things[number]
        parts: set[int] = set()
        leaves = self.leaves(number, state, 0, parts)
        if export is not None:
            leaves = [leaf for leaf in leaves if not export.is_spared(leaf.because)]
        sure = [leaf for leaf in leaves if leaf.sensitive is Sensitivity.YES]
        sensitive = Sensitivity.YES if sure else Sensitivity.UNKNOWN if leaves else Sensitivity.NO
        because = sure[0].because if sure else ""
        modes = [leaf.mode for leaf in (sure or leaves)] or [self.things.mode(state, number)]
        module = Module(
            text,
            self.type_of(thing),
            sensitive,
            because,
            thing.kind == "module" or thing.shown,
            self._is_frozen(number, modes, state),
            not sure and self._little_speaks(number, leaves, state),
            thing.built,
            all(leaf.optional for leaf in sure),
        )
        return Survey.of(module, modes, parts)

    def _little_speaks(self, number: int, leaves: list[Leaf], state: State) -> bool:
        """Whether hardly anything speaks for mode-sensitive layers in a module."""
        part = self.things[number].parent is not None and state.mode(number) is None
        return part or any(leaf.because.endswith((ASKS, OFF)) for leaf in leaves)

    def type_of(self, thing: Thing) -> str:
        """An object's class or factory, if known."""
        return self.classes[thing.cls].cls.name if thing.cls is not None else thing.lib

    def training_of(self, number: int, state: State) -> Value:
        """What ``module.training`` reads."""
        known = self.things.mode(state, number)
        if known.mode in (Mode.TRAIN, Mode.EVAL) and not known.assumed:
            return lit(known.mode == Mode.TRAIN)
        decided = state.assume.get(("training", number))
        return lit(decided) if decided is not None else one(Saved(known.mode, number))

    def tells_training(self, key: Key, holds: bool, state: State) -> None:
        """What ``module.training`` reads tells the mode of it, and of what was switched with it."""
        if key[0] != "training" or not isinstance(key[1], int):
            return
        number = key[1]
        known = self.things.mode(state, number)
        if known.mode != Mode.TRAIN | Mode.EVAL:
            return
        told = Mode.TRAIN if holds else Mode.EVAL
        for part in sorted(self._reach(number, state)):
            own = known if part == number else state.mode(part)
            if own is not None and own.mode == known.mode and _switches(own) == _switches(known):
                origins = frozenset([origin for origin in own.origins if told in origin.mode])
                state.modes[part] = own._replace(mode=told, origins=origins or own.origins)

    def put_back(self, saved: Atom | None, then: list[State], orelse: list[State]) -> list[State]:
        """``if was: net.train()`` after an ``eval()``: the mode is what it was, if that is unsure.

        Args:
            saved: What is tested.
            then: The states where it holds, after what is done then.
            orelse: Those where it doesn't.

        Returns:
            The latter.
        """
        if not isinstance(saved, Saved) or len(then) != 1 or len(orelse) != 1:
            return orelse
        changed = {
            thing: (mine, theirs)
            for thing, mine, theirs in then[0].modes.differences(orelse[0].modes)
            if mine and theirs and (mine.mode, theirs.mode) == (Mode.TRAIN, Mode.EVAL)
        }
        for thing, (mine, theirs) in changed.items() if saved.thing in changed else ():
            before = {Mode.TRAIN: mine, Mode.EVAL: theirs, Mode.UNSEEN: UNSEEN}.get(saved.mode)
            then[0].modes[thing] = before or mine
            orelse[0].modes[thing] = before or theirs
        return orelse

    def _frozen_at(self, number: int, state: State) -> Place | None:
        """Where an object's parameters were frozen."""
        return self.marked_at(number, FROZEN, state)

    def marked_at(self, number: int, word: str, state: State) -> Place | None:
        """Where an object was given a mark, on the paths that may have led here."""
        value = state.get((number, word))
        atoms = [atom for atom in ordered(value.atoms) if _may_be(atom, state)] if value else []
        places = {atom.place if isinstance(atom, Freeze) else None for atom in atoms}
        return places.pop() if len(places) == 1 else None

    def _is_frozen(self, number: int, modes: list[ModeState], state: State) -> bool:
        """Whether an object's parameters are frozen, where its parts have these modes."""
        return self._frozen_at(number, state) is not None and self._stays_frozen(number, state)

    def _stays_frozen(self, number: int, state: State) -> bool:
        """Whether a frozen module's mode-sensitive parts weren't all unfrozen afterwards."""
        parts = self._reach(number, state)
        freed = {part for part in parts if state.get((part, FROZEN)) == lit(False)}
        if not freed:
            return True
        rest = self.leaves(number, state, 0, set(freed))
        return any(leaf.sensitive is Sensitivity.YES for leaf in rest)

    def within(self, number: int, ancestor: int | None, state: State) -> bool:
        """Whether a module is another, or one of its parts."""
        if ancestor is None:
            return False
        if number == ancestor or self.things.beneath(number, ancestor):
            return True
        return number in self._reach(ancestor, state)

    def _reach(
        self, number: int, state: State, whole: bool = False, doubts: int | None = None
    ) -> set[int]:
        """A module and its parts; of one that was cast, those in view unless ``whole``.

        With ``doubts``, not by way of blocks that are made under more conditions than that. A
        container that is made under more is there to register what it is made of.
        """
        seen: set[int] = set()
        todo = [number]
        while todo and len(seen) < 500:
            item = todo.pop()
            if item in seen:
                continue
            seen.add(item)
            if not whole and self.molds.whole(item):
                todo += self.things.held(item)
            else:
                children = self._registered(item, state)
                if doubts is not None:
                    children = [x for x in children if x.doubts <= doubts or x.cls is None]
                todo += [child.number for child in children]
                todo += self._known_parts(item, state)
        return seen

    def _known_parts(self, number: int, state: State) -> list[int]:
        """The parts of a library's network that were asked for, and that nothing has replaced."""
        parts = self.things[number].parts
        asked = [self.things[part] for part in self.things.held(number)] if parts else []
        return [
            part.number
            for part in asked
            if part.kind == "module" and state.get((number, part.text)) is None
        ]

    def deep(self, value: Value, state: State, depth: int = 3) -> Value:
        """A value with what the items of its containers depend on."""
        taint = self._taint(value, state, depth, {})
        return value if taint is value.taint else Value(value.atoms, taint)

    def _taint(
        self, value: Value, state: State, depth: int, seen: dict[int, int]
    ) -> frozenset[int]:
        taint = value.taint
        for atom in value.atoms:
            if not isinstance(atom, Ref) or seen.get(atom.thing, 0) >= depth:
                continue
            if self.things[atom.thing].kind in CONTAINERS:
                seen[atom.thing] = depth
                for name in self.things.names(atom.thing):
                    held = state.get((atom.thing, name))
                    if held is not None:
                        taint |= self._taint(held, state, depth - 1, seen)
        return taint

    def born(self, thing: Thing, mode: ModeState, state: State) -> Value:
        """An object is made (anew): its mode is as given."""
        state.forget(thing.number)
        self._forget_parts(thing.number, state)
        state.modes[thing.number] = mode
        if self.loops or thing.number in self.anew:
            self.anew[thing.number] = tuple([loop.place for loop in self.loops if not loop.once])
        return thing.value

    def is_module(self, atom: object) -> bool:
        """Whether an atom is surely a module, or a part of one."""
        if isinstance(atom, Ref):
            thing = self.things[atom.thing]
            return thing.kind == "module" or thing.shown
        return isinstance(atom, (Inert, Part))


def _may_be(atom: Atom, state: State) -> bool:
    """Whether a freeze isn't one of a path that this one isn't."""
    return not isinstance(atom, Freeze) or all(
        state.decided(key) in (None, holds) for key, holds in atom.path
    )


def _function(value: Value | None) -> Fun | None:
    return next((atom for atom in value.atoms if isinstance(atom, Fun)), None) if value else None


def _switches(known: ModeState) -> set[Origin]:
    return {origin for origin in known.origins if origin.how == "switched"}
