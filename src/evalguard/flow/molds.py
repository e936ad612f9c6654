"""Molds: what an object of a module class holds once it is made.

The first object of a class is made by walking ``__init__``. Others that are made with like
arguments are cast from it: they hold the same, by objects of their own, and those come into being
when somebody looks at them.
"""

from __future__ import annotations

from collections.abc import Iterable

from evalguard.flow.atoms import Atom, Cell, Fun, Method, Ref, Value
from evalguard.flow.things import Things
from evalguard.modes import Sensitivity
from evalguard.records import NamedTuple

ENOUGH = 3  # molds of a class that agree


class Mold(NamedTuple):
    """An object, what it and its parts hold, and its mode-sensitive parts with the reason."""

    root: int
    cells: dict[Cell, Value]
    inside: frozenset[int]
    leaves: tuple[tuple[Sensitivity, str, bool], ...]


class Likeness(NamedTuple):
    """What two calls of a class have in common that make like objects."""

    cls: int
    positional: tuple[object, ...]
    keywords: tuple[tuple[str, object], ...]
    open: bool
    assumed: frozenset[object]


class Cast(NamedTuple):
    """An object cast from a mold: which of the mold's objects it is like, and its root."""

    mold: Mold
    original: int
    root: int


class Molds:
    """All molds, by class and arguments, and what was cast from them."""

    def __init__(self, things: Things) -> None:
        self._things = things
        self._molds: dict[Likeness, Mold | None] = {}
        self._by_class: dict[int, list[Mold]] = {}
        self._casts: dict[int, Cast] = {}
        self.numbers: set[int] = set()  # of what was cast
        self._read: dict[Cell, Value] = {}
        self._changed: set[int] = set()

    def known(self, likeness: Likeness) -> bool:
        """Whether an object was made with such arguments before."""
        return likeness in self._molds

    def find(self, likeness: Likeness, part: bool) -> Mold | None:
        """The mold of objects made with such arguments; for a part, one of its class may do.

        Where the first few molds of a class have the same mode-sensitive parts, the arguments are
        taken not to matter for a part of another module.
        """
        mold = self._molds.get(likeness)
        if mold is None and part and likeness not in self._molds:
            others = self._by_class.get(likeness.cls, [])
            if len(others) >= ENOUGH and len({other.leaves for other in others}) == 1:
                return others[0]
        return mold

    def keep(self, likeness: Likeness, mold: Mold | None) -> None:
        """Remember a mold; None if others can't be cast from it."""
        self._molds[likeness] = mold
        if mold is not None:
            self._by_class.setdefault(likeness.cls, []).append(mold)

    def cast(self, number: int, mold: Mold) -> None:
        """Make an object like a mold's."""
        self._enter(number, Cast(mold, mold.root, number))

    def _enter(self, number: int, cast: Cast) -> None:
        self._casts[number] = cast
        self.numbers.add(number)
        self._things.share_names(cast.original, number)

    def changed(self, number: int) -> None:
        """An object is given a part that its mold hasn't: it and what holds it are looked into."""
        seen: int | None = number
        while seen is not None:
            self._changed.add(seen)
            seen = self._things[seen].holder

    def whole(self, number: int) -> Mold | None:
        """The mold that an object still is like as a whole."""
        cast = self._casts.get(number)
        if cast is None or cast.root != number or number in self._changed:
            return None
        return cast.mold

    def is_part(self, number: int) -> bool:
        """Whether an object is a part of one that was cast."""
        cast = self._casts.get(number)
        return cast is not None and cast.root != number

    def read(self, cell: Cell) -> Value | None:
        """What a cast object holds under a name since it was made."""
        known = self._read.get(cell)
        if known is None:
            cast = self._casts[cell[0]]
            original = cast.mold.cells.get((cast.original, cell[1]))
            if original is None:
                return None
            known = self._read[cell] = self._own(original, cast, cell[0])
        return known

    def _own(self, value: Value, cast: Cast, holder: int) -> Value:
        if not any(isinstance(atom, (Ref, Fun, Method)) for atom in value.atoms):
            return value
        return Value(frozenset(self._atoms(value.atoms, cast, holder)), value.taint)

    def _atoms(self, atoms: Iterable[Atom], cast: Cast, holder: int) -> Iterable[Atom]:
        for atom in atoms:
            if isinstance(atom, Ref):
                yield self._ref(atom, cast, holder)
            elif isinstance(atom, Fun) and atom.bound is not None:
                yield atom._replace(bound=self._ref(atom.bound, cast, holder))
            elif isinstance(atom, Method) and isinstance(atom.owner, Ref):
                yield atom._replace(owner=self._ref(atom.owner, cast, holder))
            else:
                yield atom

    def _ref(self, atom: Ref, cast: Cast, holder: int) -> Ref:
        if atom.thing == cast.mold.root:
            return Ref(cast.root)
        return Ref(self._part(atom.thing, cast, holder)) if atom.thing in cast.mold.inside else atom

    def _part(self, original: int, cast: Cast, holder: int) -> int:
        part, new = self._things.like(("cast", cast.root, original), original, holder)
        if new:
            deeper = self._things[original].doubts - self._things[cast.mold.root].doubts
            self._things[part].doubts = self._things[cast.root].doubts + deeper
            nested = self._casts.get(original)
            root = cast.root if nested is None else part
            mold = cast.mold if nested is None else nested.mold
            self._enter(part, Cast(mold, original if nested is None else mold.root, root))
        return part
