"""Which names can bear on modes and gradients, so that the rest needn't be walked.

A function matters if it mentions a switch, a gradient mode, a backward pass or a layer, or the
name of something in the program that does. Names alone decide, so the answer errs on the side
of walking too much.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from evalguard.events import (
    LOOKED_UP,
    Bind,
    Block,
    Call,
    Class,
    Define,
    DefineClass,
    Do,
    Function,
    If,
    Item,
    Loop,
    Name,
    Try,
    Unit,
    With,
)
from evalguard.link.mentions import names_in

ROOTS = frozenset((
    "eval", "train", "training", "no_grad", "inference_mode", "set_grad_enabled",
    "enable_grad", "backward", "requires_grad", "requires_grad_", "reveal_mode",
    "from_pretrained", "Module", "LightningModule", "globals", "import_module", LOOKED_UP,
))  # fmt: skip
BACKWARD = frozenset(("backward", "manual_backward"))
PLAIN = frozenset((
    "__init__", "super", "append", "extend", "items", "keys", "values", "join", "format",
    "split", "strip", "get", "pop", "copy", "sort", "lower", "upper", "replace",
    "startswith", "endswith", "read", "write", "close", "open", "exists", "mkdir", "print",
    "len", "range", "int", "float", "str", "list", "dict", "tuple", "set", "zip",
    "enumerate", "isinstance", "getattr", "setattr", "hasattr", "type", "min", "max", "sum",
    "abs", "shape", "size", "dtype", "device", "view", "self", "cls", "name", "index",
    "count", "data", "transform", "transforms", "raises", "warns", "load", "save", "v2",
    "score", "setup", "test", "fit", "predict", "encode", "decode", "prepare", "compile",
    "deepcopy", "losses", "weights", "pipeline", "normalize", "apply", "map", "filter",
    "run", "step", "__call__", "__getitem__", "__len__", "__iter__", "__enter__",
    "__exit__", "__repr__", "__post_init__",
))  # fmt: skip


def interesting(units: Iterable[Unit], layers: Iterable[str]) -> frozenset[str]:
    """The names that matter.

    Args:
        units: The files of the program.
        layers: The bare names of mode-sensitive library layers and functions.

    Returns:
        The roots, and the names of functions and classes that use one of them, and so on.
    """
    return _closed(units, ROOTS | frozenset(layers))


def training(units: Iterable[Unit]) -> frozenset[str]:
    """The names of what may run a backward pass, however deep down."""
    return _closed(units, BACKWARD)


def _closed(units: Iterable[Unit], roots: frozenset[str]) -> frozenset[str]:
    found = set(roots) - PLAIN
    waiting: dict[str, list[str]] = {}
    units = tuple(units)
    made = (item for unit in units for item in definitions(unit.body))
    for name, uses in chain(made, registered(units)):
        for used in uses:
            if used not in PLAIN:
                waiting.setdefault(used, []).append(name)
    todo = list(found)
    while todo:
        for name in waiting.pop(todo.pop(), ()):
            if name not in found:
                found.add(name)
                todo.append(name)
    return frozenset(found)


def definitions(block: Block, variables: bool = True) -> Iterator[tuple[str, frozenset[str]]]:
    """Every function, class and variable in a block, with the names that it is made of."""
    for stmt in block:
        if isinstance(stmt, Bind) and variables:
            yield from _bindings(stmt)
        if isinstance(stmt, Define):
            yield _function(stmt.function)
            yield from definitions(stmt.function.body, variables=False)
        elif isinstance(stmt, DefineClass):
            yield _class(stmt.cls)
            yield from definitions(stmt.cls.body)
        else:
            for inner in _inner(stmt):
                yield from definitions(inner, variables)


def registered(units: Iterable[Unit]) -> Iterator[tuple[str, frozenset[str]]]:
    """The variables of modules that decorators and calls put things into, with those things."""
    holders: dict[str, set[str]] = {}
    entered: list[tuple[set[str], frozenset[str]]] = []
    for unit in units:
        variables = {name for stmt in unit.body if isinstance(stmt, Bind) for name in _named(stmt)}
        for name in variables:
            holders.setdefault(name, set()).add(name)
        for name, uses in definitions(unit.body, variables=False) if variables else ():
            holders.setdefault(name, set()).update(uses & variables)
        entered += _entered(unit.body)
    for ways, things in entered:
        for holder in {holder for way in ways for holder in holders.get(way, ())}:
            yield holder, things


def _entered(block: Block) -> Iterator[tuple[set[str], frozenset[str]]]:
    """What is decorated, or handed to a call on its own: by which names, and which it is."""
    for stmt in block:
        if isinstance(stmt, Define) and stmt.function.decorators:
            yield names_in(stmt.function.decorators), frozenset((stmt.function.name,))
        elif isinstance(stmt, DefineClass) and stmt.cls.decorators:
            yield names_in(stmt.cls.decorators), frozenset((stmt.cls.name,))
        elif isinstance(stmt, Do) and isinstance(stmt.value, Call):
            yield names_in(stmt.value.func), frozenset(names_in(stmt.value[1:]))
        else:
            for inner in _inner(stmt):
                yield from _entered(inner)


def _named(stmt: Bind) -> list[str]:
    return [target.id for target in stmt.targets if isinstance(target, Name)]


def _bindings(stmt: Bind) -> Iterator[tuple[str, frozenset[str]]]:
    uses = frozenset(names_in(stmt.value))
    if uses:
        for target in stmt.targets:
            holder = target.value if isinstance(target, Item) else target
            if isinstance(holder, Name):
                yield holder.id, uses


def _function(function: Function) -> tuple[str, frozenset[str]]:
    return function.name, function.uses


def _class(cls: Class) -> tuple[str, frozenset[str]]:
    return cls.name, cls.uses


def _inner(stmt: object) -> Iterator[Block]:
    if isinstance(stmt, (If, Loop)):
        yield stmt.body
        yield stmt.orelse
    elif isinstance(stmt, Try):
        yield stmt.body
        yield stmt.orelse
        yield stmt.final
        for _, body in stmt.handlers:
            yield body
    elif isinstance(stmt, With):
        yield stmt.body
