"""Abstract values: what an expression may stand for, and which forward calls it comes from.

The ``tag`` of an atom keeps atoms of different kinds apart: named tuples compare as tuples.
"""

from __future__ import annotations

from typing import Any

from evalguard.modes import Mode
from evalguard.places import Place
from evalguard.records import NamedTuple


class Ref(NamedTuple):
    """An object of the heap, by its allocation site."""

    thing: int
    tag: str = "ref"


class Fun(NamedTuple):
    """A project function: its number, the frame it closes over, and what it is bound to."""

    number: int
    frame: int
    bound: Ref | None
    tag: str = "fun"


class Cls(NamedTuple):
    """A project class, by its number."""

    number: int
    tag: str = "cls"


class Lib(NamedTuple):
    """A library's object, by its dotted name."""

    name: str
    tag: str = "lib"


class Method(NamedTuple):
    """A method of an object that the project doesn't define, not yet called."""

    owner: Atom
    name: str
    tag: str = "method"


class File(NamedTuple):
    """A module of the project (a file)."""

    path: str
    tag: str = "file"


class Files(NamedTuple):
    """One of some modules of the project; only a run tells which."""

    paths: tuple[str, ...]
    tag: str = "files"


class Sought(NamedTuple):
    """What one of some files has under a name; if it is empty, only a run tells it."""

    paths: tuple[str, ...]
    name: str = ""
    tag: str = "sought"


class Lit(NamedTuple):
    """A constant. Its type is part of it, so that 1 and True differ."""

    kind: str
    value: object
    tag: str = "lit"


class Cond(NamedTuple):
    """The truth of something unknown but stable: a key, and whether it is negated."""

    key: Key
    negated: bool
    tag: str = "cond"


class Saved(NamedTuple):
    """A mode read out of ``module.training`` that isn't one single mode."""

    mode: Mode
    thing: int
    tag: str = "saved"


class Part(NamedTuple):
    """Some module, any module, beneath an object: an item of ``modules()``.

    With ``own`` it is one of its own children, and several are in their order.
    """

    thing: int
    own: bool = False
    tag: str = "part"


class Inert(NamedTuple):
    """A library layer that computes the same in both modes; ``born`` if in a forward pass."""

    name: str
    parameters: bool
    born: Place | None = None
    tag: str = "inert"


class Ctx(NamedTuple):
    """A context manager of a library, made but not entered: its name and mode argument."""

    name: str
    argument: Value | None
    subject: Value | None
    tag: str = "ctx"


class Super(NamedTuple):
    """``super()`` in a method: where the search starts, and the object."""

    after: int
    thing: Ref | Cls
    tag: str = "super"


class Unknown(NamedTuple):
    """Something that isn't known at all, or no more of it than the tag says."""

    tag: str = "unknown"


class Made(NamedTuple):
    """A tensor made on the spot, of no data: zeros, ones, random numbers."""

    tag: str = "made"


class Freeze(NamedTuple):
    """Parameters are frozen: where, and what was assumed there."""

    place: Place
    path: frozenset[tuple[Key, bool]]
    tag: str = "freeze"


class Partial(NamedTuple):
    """``functools.partial``."""

    target: Value
    args: tuple[Value, ...]
    keywords: tuple[tuple[str, Value], ...]
    tag: str = "partial"


class Managed(NamedTuple):
    """A ``@contextmanager`` of the project, called but not entered; ``args`` are its arguments."""

    fun: Fun
    args: Any
    tag: str = "managed"


Key = tuple[object, ...]
Cell = tuple[int, str]
Atom = (
    Ref
    | Fun
    | Cls
    | Lib
    | Method
    | File
    | Files
    | Sought
    | Lit
    | Cond
    | Saved
    | Part
    | Inert
    | Ctx
    | Super
    | Made
    | Freeze
    | Partial
    | Managed
    | Unknown
)


class Value(NamedTuple):
    """A set of possible atoms and the forward calls that the value depends on.

    A forward call is a positive token; a negative one is the same call, cut off from its graph.
    """

    atoms: frozenset[Atom]
    taint: frozenset[int]
