"""A class's text → the parts that no gradient reaches: it calls them under ``no_grad`` only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from evalguard.events import (
    NONE,
    Attr,
    Bind,
    Call,
    Compare,
    Define,
    DefineClass,
    Expr,
    Function,
    Item,
    Lambda,
    Name,
    With,
)
from evalguard.flow.atoms import Cls, Fun, Ref
from evalguard.flow.classes import Blueprint
from evalguard.flow.functions import Functions
from evalguard.flow.state import State
from evalguard.flow.switching import FROZEN
from evalguard.flow.things import Thing
from evalguard.flow.values import only, ordered
from evalguard.link import Program
from evalguard.link.interest import TURNING
from evalguard.modes import Grad
from evalguard.places import Place
from evalguard.records import NamedTuple

ROOTS: Final = ("forward", "training_step", "__call__")
PARTS: Final = frozenset(("child", "children", "row"))

Cuts = dict[str, Place]


class Method(NamedTuple):
    """A method: its file and frame, and where gradients are turned off around all of it."""

    number: int
    function: Function
    path: str
    frame: int
    cut: Place | None = None


class Asked(NamedTuple):
    """What the text doesn't tell.

    That is what a context manager does to gradients, and what a method does with its module:
    ``calls`` it, hands out its ``weights`` or sets them, or nothing that matters.
    """

    grad: Callable[[Expr], Grad | None]
    does: Callable[[str], str]


class Use(NamedTuple):
    """An attribute of the object is read; ``cut`` is where gradients were turned off around it."""

    name: str
    called: bool
    cut: Place | None


class Methods:
    """The methods that objects of a class have, each looked up when it is first asked for.

    Args:
        names: The names of all.
        find: Gives one; None if what has the name is no method.
    """

    def __init__(self, names: list[str], find: Callable[[str], Method | None]) -> None:
        self._names = names
        self._find = find
        self._known: dict[str, Method | None] = {}

    def get(self, name: str) -> Method | None:
        """The method of a name."""
        if name not in self._known:
            self._known[name] = self._find(name)
        return self._known[name]

    def cut(self, name: str, place: Place) -> bool:
        """Gradients are off around all calls of a method; whether there is one, and that is new."""
        method = self.get(name)
        new = method is not None and method.cut is None
        if method is not None and new:
            self._known[name] = method._replace(cut=place)
        return new

    def all(self) -> list[tuple[str, Method]]:
        """Every method, and its name."""
        found = [(name, self.get(name)) for name in self._names]
        return [(name, method) for name, method in found if method is not None]


def cut_off(methods: Methods, read: Callable[[Method], list[Use]]) -> Cuts:
    """The parts that a class calls with gradients off, in its forward pass, and not otherwise.

    Args:
        methods: The methods that its objects have.
        read: Tells what a method uses.

    Returns:
        The names of the parts, and where gradients are turned off around the first call of each.
    """
    inside = _always_cut(_below(methods, read))
    while [name for name, place in inside.items() if methods.cut(name, place)]:
        inside = _always_cut(_below(methods, read))
    if not inside:
        return {}
    others = [method for name, method in methods.all() if name != "__init__"]
    everywhere = _always_cut([use for method in others for use in read(method)])
    return {name: place for name, place in everywhere.items() if name in inside}


def _below(methods: Methods, read: Callable[[Method], list[Use]]) -> list[Use]:
    """What is used by all methods that a forward pass or a training step comes to."""
    out: list[Use] = []
    found = list(ROOTS)
    for name in found:
        method = methods.get(name)
        uses = read(method) if method is not None else []
        called = dict.fromkeys([use.name for use in uses if use.called])
        found += [other for other in called if other not in found]
        out += uses
    return out


def _always_cut(uses: list[Use]) -> Cuts:
    """What is called, and never used but where gradients are off."""
    free = {use.name for use in uses if use.cut is None}
    found: Cuts = {}
    for use in uses:
        if use.called and use.cut is not None and use.name not in free:
            found.setdefault(use.name, use.cut)
    return found


class _Reading:
    """Goes through a method: which attributes of its object it uses."""

    def __init__(self, method: Method, asked: Asked) -> None:
        self._method = method
        self._asked = asked
        params = method.function.params
        self._me = Name(params[0].name if params else "")
        self.uses: list[Use] = []
        self._read(method.function.body, method.cut)

    def _read(self, node: object, cut: Place | None) -> None:
        if not isinstance(node, tuple):
            return
        if isinstance(node, With):
            self._with(node, cut)
        elif isinstance(node, Call):
            self._call(node, cut)
        elif isinstance(node, Attr) and node.value == self._me:
            self.uses.append(Use(node.name, False, cut))
        elif isinstance(node, Bind):
            self._bind(node, cut)
        elif isinstance(node, (Lambda, Define)):
            self._read(node.function.body, None)  # it runs later
        elif not _tells_nothing(node):
            for part in node:
                self._read(part, cut)

    def _bind(self, stmt: Bind, cut: Place | None) -> None:
        self._read(stmt.value, cut)
        for target in stmt.targets:
            if not (isinstance(target, Attr) and target.value == self._me):
                self._read(target, cut)

    def _with(self, stmt: With, cut: Place | None) -> None:
        inside = cut
        for context, held in stmt.items:
            self._read(context, cut)
            self._read(held, cut)
            grad = self._asked.grad(context)
            if grad is not None:
                here = Place(self._method.path, stmt.at)
                inside = here if grad == Grad.OFF else None
        self._read(stmt.body, inside)

    def _call(self, call: Call, cut: Place | None) -> None:
        part = self._part(call.func)
        method = call.func.name if isinstance(call.func, Attr) and call.func != part else ""
        does = self._asked.does(method) if part is not None and method else "calls"
        if part is None:
            self._read(call.func, cut)
        elif does == "calls":
            self.uses.append(Use(part.name, True, cut))
        elif does == "weights":  # somebody may set them
            self.uses.append(Use(part.name, False, None))
        self._read(call.args, cut)
        self._read(call.keywords, cut)

    def _part(self, func: Expr) -> Attr | None:
        """The attribute of the object that is called, or something of it."""
        while isinstance(func, (Attr, Item)):
            if isinstance(func, Attr) and func.value == self._me:
                return func
            func = func.value
        return None


def _tells_nothing(node: tuple[object, ...]) -> bool:
    """Whether it uses nothing here: a class, or a comparison with None."""
    return isinstance(node, DefineClass) or (isinstance(node, Compare) and NONE in node)


def _alike(part: Thing, other: Thing) -> bool:
    """Whether a part may have its weights from another: it is a copy, or of the same class."""
    copied = part.place is not None and part.place == other.place
    return copied or (part.cls is not None and part.cls == other.cls)


class Cutting(Functions):
    """Freezes the parts of new objects that no gradient reaches."""

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.cuts: dict[int, Cuts] = {}
        self.uses: dict[tuple[int, Place | None], list[Use]] = {}

    def cut_parts(self, number: int, state: State) -> None:
        """Freeze what the class of a module calls with gradients off, and not otherwise."""
        cls = self.things[number].cls
        cuts = self._cuts_of(cls, state) if cls is not None else {}
        held = {name: state.get((number, name)) for name in cuts}
        parts = {
            atom.thing: cuts[name]
            for name, value in held.items()
            for atom in (ordered(value.atoms) if value else ())
            if isinstance(atom, Ref) and self.is_module(atom)
        }
        others = [part for part in self._registered(number, state) if part.number not in parts]
        for part, place in parts.items():
            alike = any(_alike(self.things[part], other) for other in others)
            if not alike and state.get((part, FROZEN)) is None:
                self.freeze(part, FROZEN, place, state)
                self.recorder.weights.cut.add(part)

    def _cuts_of(self, cls: int, state: State) -> Cuts:
        found = self.cuts.get(cls)
        if found is None:
            found = cut_off(self._methods_of(cls, state), lambda method: self._uses(method, state))
            self.cuts[cls] = found
        return found

    def _uses(self, method: Method, state: State) -> list[Use]:
        """What a method uses, read once for all classes that inherit it."""
        key = method.number, method.cut
        uses = self.uses.get(key)
        if uses is None:
            home = self.frames[method.frame]
            asked = Asked(lambda node: self.grad_within(node, state, home), self._does)
            uses = self.uses[key] = _Reading(method, asked).uses
        return uses

    def _methods_of(self, cls: int, state: State) -> Methods:
        """The methods of a class and its bases, if one turns gradients off."""
        ancestry = [atom for atom in self.classes.ancestry(cls) if isinstance(atom, Cls)]
        mine = [self.classes[atom.number] for atom in ancestry]
        if all(TURNING.isdisjoint(blueprint.cls.uses) for blueprint in mine):
            return Methods([], lambda _: None)
        names = dict.fromkeys([name for blueprint in mine for name in blueprint.methods])
        return Methods(list(names), lambda name: self._method(mine, name, state))

    def _method(self, mine: list[Blueprint], name: str, state: State) -> Method | None:
        """The first of some classes' methods of a name."""
        for blueprint in mine:
            held = state.get((blueprint.thing, name)) if name in blueprint.methods else None
            atom = only(held) if held is not None else None
            if isinstance(atom, Fun):
                known = self.functions[atom.number]
                off = known.grad_place if known.grad == Grad.OFF else None
                return Method(atom.number, known.function, known.path, known.frame, off)
        return None

    def _does(self, name: str) -> str:
        known = self.knowledge.module_method(name)
        if known is None or known.effect == "forwards" or known.returns in PARTS:
            return "calls"
        return "weights" if known.returns == "parameters" or known.effect == "loads" else ""
