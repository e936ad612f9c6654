"""Objects of module classes that are made like one before: cast from its mold."""

from __future__ import annotations

from typing import TypeGuard

from evalguard.flow.atoms import (
    Atom,
    Cond,
    Fun,
    Lit,
    Managed,
    Method,
    Part,
    Partial,
    Ref,
    Saved,
    Super,
    Unknown,
    Value,
)
from evalguard.flow.core import Arguments
from evalguard.flow.cutting import Cutting
from evalguard.flow.molds import Likeness, Mold
from evalguard.flow.state import ModeState, State
from evalguard.flow.stilling import MARKS
from evalguard.flow.things import Thing
from evalguard.flow.values import NO_TAINT
from evalguard.modes import Mode, Sensitivity

LARGEST = 2000
FEW = 1  # numbers up to this one may decide what layers a module has


class Casting(Cutting):
    """Makes modules from molds."""

    def likeness(self, cls: int, args: Arguments, state: State) -> Likeness:
        """What two calls of a class have in common that make like objects."""
        positional = tuple([self._like_value(value, state, 3) for value in args.positional])
        keywords = tuple([(key, self._like_value(value, state, 3)) for key, value in args.keywords])
        return Likeness(cls, positional, keywords, args.open, self._assumed(args, state))

    def _assumed(self, args: Arguments, state: State) -> frozenset[object]:
        """The conditions on what is passed, or on parts of it, that are taken to hold or not."""
        given = {atom.thing for value in args.values() for atom in value.atoms if _is_ref(atom)}
        return frozenset([
            item for item in state.assume.items()
            if given and (item[0][1] in given or not given.isdisjoint(self._holders(item[0][1])))
        ])  # fmt: skip

    def _holders(self, number: object) -> list[int]:
        """What an object is only known as a part of."""
        out: list[int] = []
        seen = self.things[number].parent if isinstance(number, int) else None
        while seen is not None:
            out.append(seen)
            seen = self.things[seen].parent
        return out

    def _like_value(self, value: Value, state: State, depth: int) -> object:
        return frozenset([self._like(atom, state, depth) for atom in value.atoms])

    def _like(self, atom: Atom, state: State, depth: int) -> object:
        if isinstance(atom, Lit):
            return _number(atom)
        if isinstance(atom, (Cond, Unknown)):
            return "unknown"
        if isinstance(atom, Fun) and atom.bound is None:
            return "function", atom.number
        if isinstance(atom, Partial):
            parts = [atom.target, *atom.args, *[value for _, value in atom.keywords]]
            names = tuple([name for name, _ in atom.keywords])
            return names, tuple([self._like_value(part, state, depth) for part in parts])
        if isinstance(atom, Ref):
            return self._like_object(atom, state, depth)
        return atom

    def _like_object(self, atom: Ref, state: State, depth: int) -> object:
        kind = self.things[atom.thing].kind
        if kind == "unknown":
            return "off" if self.things[atom.thing].off else "unknown"
        if kind in ("list", "dict") and depth:
            held = [
                (name, self._like_value(value, state, depth - 1))
                for name in self.things.names(atom.thing)
                if (value := state.get((atom.thing, name))) is not None
            ]
            return kind, tuple(held)
        return atom

    def cast(self, thing: Thing, mold: Mold, mode: ModeState, state: State) -> None:
        """Make an object like a mold's; the mold's own one is made anew."""
        for name in self.things.names(thing.number):
            state.fields.pop((thing.number, name))
        if mold.root != thing.number:
            self.molds.cast(thing.number, mold)
        else:
            for cell, value in mold.cells.items():
                if state.get(cell) != value:
                    state.fields[cell] = value
            for number in mold.inside:
                if self.things[number].kind == "module":
                    state.modes[number] = mode
        self.born(thing, mode, state)

    def molded(self, thing: Thing, args: Arguments, state: State) -> Mold | None:
        """The mold of an object that was just made; None if others can't be cast from it."""
        given = {
            atom.thing for value in args.values() for atom in self.reached(value, state)
            if _is_ref(atom)
        }  # fmt: skip
        cells: dict[tuple[int, str], Value] = {}
        inside: set[int] = set()
        todo = [thing.number]
        while todo:
            number = todo.pop()
            if number in inside:
                continue
            if not self._plain(number, state) or len(inside) > LARGEST:
                return None
            inside.add(number)
            if number != thing.number and self.molds.whole(number):
                continue
            for name in self.things.names(number):
                value = state.get((number, name))
                if value is None:
                    continue
                parts = self._parts_of(number, name, value, thing.number)
                if parts is None or not given.isdisjoint(parts):
                    return None
                cells[(number, name)] = Value(value.atoms, NO_TAINT) if value.taint else value
                todo += parts
        return self._mold(thing.number, cells, inside, state)

    def _mold(
        self, root: int, cells: dict[tuple[int, str], Value], inside: set[int], state: State
    ) -> Mold | None:
        leaves = self.leaves(root, state, 0, set())
        if any(leaf.mode.mode != Mode.TRAIN or leaf.mode.mixed for leaf in leaves):
            return None
        sensitive: dict[tuple[Sensitivity, str, bool], None] = {leaf[1:]: None for leaf in leaves}
        return Mold(root, cells, frozenset(inside - {root}), tuple(sensitive))

    def _plain(self, number: int, state: State) -> bool:
        """Whether an object is in train mode, frozen nowhere, and doesn't switch on its own."""
        thing = self.things[number]
        if number in self.optimizers or (
            number in self.molds.numbers and not self.molds.whole(number)
        ):
            return False
        if thing.kind != "module":
            return True
        mode = self.things.mode(state, number)
        return (
            mode.mode == Mode.TRAIN
            and not (mode.mixed or mode.assumed)
            and self.override(thing, "train", state) is None
        )

    def _parts_of(self, number: int, name: str, value: Value, root: int) -> list[int] | None:
        """What an attribute holds that was made with the object; None if that can't be cast."""
        if name in MARKS:
            return None
        parts: list[int] = []
        for atom in value.atoms:
            inner = self._inner(atom)
            if isinstance(atom, (Part, Saved, Managed, Super, Partial)) and inner is not None:
                return None
            if isinstance(atom, Fun) and atom.frame > root:
                return None
            if inner is None:
                continue
            kind = self.things[inner].kind
            if kind == "module" and (inner < root or self.things[number].kind != "module"):
                return None
            if inner > root and kind in ("module", "list", "dict", "object"):
                parts.append(inner)
        return parts

    def _inner(self, atom: Atom) -> int | None:
        """The object that an atom leads to."""
        if isinstance(atom, Ref):
            return atom.thing
        if isinstance(atom, Fun) and atom.bound is not None:
            return atom.bound.thing
        if isinstance(atom, Method) and isinstance(atom.owner, Ref):
            return atom.owner.thing
        if isinstance(atom, (Part, Saved)):
            return atom.thing
        return 0 if isinstance(atom, (Managed, Super, Partial)) else None


def _is_ref(atom: Atom) -> TypeGuard[Ref]:
    return isinstance(atom, Ref)


def _number(atom: Lit) -> object:
    """A constant, numbers beyond the first few being as good as one another."""
    value = atom.value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return atom
    if isinstance(value, int):
        return atom if abs(value) <= FEW else "some"
    return atom if value in (0.0, 1.0) else "fraction"
