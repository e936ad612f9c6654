"""Abstract values: made, joined and asked."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from evalguard.flow.atoms import Atom, Lib, Lit, Made, Ref, Unknown, Value

UNKNOWN_ATOM: Final = Unknown()
ANY_ATOM: Final[frozenset[Atom]] = frozenset((UNKNOWN_ATOM,))
NO_ATOMS: Final[frozenset[Atom]] = frozenset()
NO_TAINT: Final[frozenset[int]] = frozenset()
ANYTHING: Final = Value(ANY_ATOM, NO_TAINT)
NEVER: Final = Value(NO_ATOMS, NO_TAINT)
MADE: Final = Made()
ABOVE_ZERO: Final = Unknown("above zero")  # some whole number
NONE: Final = Lit("NoneType", None)
MOST_ATOMS: Final = 64
USUAL: Final = frozenset((bool, int, str, type(None)))
_tuple: Final = tuple.__new__  # what a named tuple is made by, without the function around it


def one(atom: Atom) -> Value:
    """A value that is just this."""
    return _tuple(Value, (frozenset((atom,)), NO_TAINT))


@lru_cache(maxsize=1 << 12)
def shared(atom: Atom) -> Value:
    """The same, of what stands at many places: it is there once."""
    return one(atom)


@lru_cache(maxsize=1 << 12)
def library(name: str) -> Value:
    """A library's object, by its dotted name."""
    return one(Lib(name))


def lit(value: object) -> Value:
    """A constant; of the usual kinds, one that stands at many places is there once."""
    return _usual(value) if type(value) in USUAL else one(Lit(type(value).__name__, value))


@lru_cache(maxsize=1 << 12, typed=True)
def _usual(value: object) -> Value:
    return one(Lit(type(value).__name__, value))


def join(left: Value, right: Value) -> Value:
    """Either of two values."""
    if left is right or right is NEVER or left == right:
        return left
    if left is NEVER:
        return right
    atoms = left.atoms | right.atoms
    if len(atoms) > MOST_ATOMS:
        atoms = ANY_ATOM
    taint = left.taint | right.taint if right.taint else left.taint
    return _tuple(Value, (atoms, taint))


def join_all(values: Iterable[Value]) -> Value:
    """Any of several values; of none, anything."""
    out = NEVER
    for value in values:
        out = join(out, value)
    return sure(out)


def sure(value: Value) -> Value:
    """A value that has an atom at least."""
    return value if value.atoms else Value(ANY_ATOM, value.taint)


def tainted(values: Iterable[Value]) -> Value:
    """Something unknown that depends on all of these."""
    taint = NO_TAINT
    for value in values:
        if value.taint:
            taint = taint | value.taint
    return Value(ANY_ATOM, taint) if taint else ANYTHING


def detached(value: Value) -> Value:
    """The same value, cut off from its graph."""
    if not value.taint:
        return value
    return Value(value.atoms, frozenset([-abs(token) for token in value.taint]))


def constant(value: Value) -> Lit | None:
    """The constant that a value is, if it is just that."""
    if len(value.atoms) == 1:
        (atom,) = value.atoms
        if isinstance(atom, Lit):
            return atom
    return None


def only(value: Value) -> Atom | None:
    """The single atom of a value."""
    if len(value.atoms) == 1:
        (atom,) = value.atoms
        return atom
    return None


@lru_cache(maxsize=1 << 16)
def ordered(atoms: frozenset[Atom]) -> tuple[Atom, ...]:
    """The known atoms in an order that doesn't depend on hashing."""
    known = [atom for atom in atoms if atom is not UNKNOWN_ATOM and atom != UNKNOWN_ATOM]
    if len(known) < 2:
        return tuple(known)
    return tuple(sorted(known, key=_rank))


def _rank(atom: Atom) -> tuple[str, str]:
    """By kind, and as it is written; of objects the number will do, which takes less time."""
    return type(atom).__name__, str(atom.thing) if isinstance(atom, Ref) else repr(atom)
