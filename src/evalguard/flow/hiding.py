"""Modules that a module class keeps in plain containers, and whether it does so on purpose."""

from __future__ import annotations

from typing import TypeGuard

from evalguard.events import (
    Attr,
    Bind,
    Block,
    Call,
    Class,
    Comprehension,
    Define,
    Display,
    Do,
    Expr,
    Function,
    Item,
    Mapping,
    Mix,
    Name,
    Stmt,
)
from evalguard.facts import HiddenModules
from evalguard.flow.atoms import Atom, Cls, Inert, Part, Ref
from evalguard.flow.attributes import PLACED
from evalguard.flow.beside import SWITCHES
from evalguard.flow.state import State
from evalguard.flow.undone import Undone
from evalguard.flow.values import constant, one, ordered
from evalguard.link.blocks import statements
from evalguard.modes import Sensitivity
from evalguard.places import Place

INIT = "__init__"
KEEPING = frozenset(("register_buffer", "Parameter", "register_parameter", "Buffer"))
CONTAINERS = frozenset(("list", "tuple", "dict", "OrderedDict", "defaultdict", "deque"))


class Hiding(Undone):
    """Finds what is kept out of reach."""

    def note_hidden(self, number: int, cls: int, state: State) -> None:
        """Modules that a module class keeps where ``eval()`` doesn't reach them."""
        for name in self.things.names(number):
            value = state.get((number, name))
            place = state.get((number, f"{PLACED}{name}"))
            where = constant(place) if place is not None else None
            if value is None or where is None or not isinstance(where.value, Place):
                continue
            inside = [item for item in self.reached(value, state) if self._held(item)]
            holders = [atom for atom in ordered(value.atoms) if self._is_plain_container(atom)]
            if not any(self._is_missed(item, state) for item in inside):
                continue
            if holders and not any(atom in inside for atom in value.atoms):
                kept = [self.things[atom.thing] for atom in inside if isinstance(atom, Ref)]
                doubts = max((thing.doubts for thing in kept), default=0)
                reached = self._reach(number, state, doubts=doubts)
                fact = self._hidden(name, holders, inside, reached, cls, where.value, state)
                self.recorder.hidden(fact)

    def _held(self, atom: Atom) -> bool:
        if isinstance(atom, Inert):
            return atom.parameters
        return isinstance(atom, Ref) and self.things[atom.thing].kind == "module"

    def _is_missed(self, atom: Atom, state: State) -> bool:
        """Whether it matters that a module isn't reached: it has a mode, parameters or buffers."""
        if isinstance(atom, Inert):
            return True
        assert isinstance(atom, Ref)
        if self.things[atom.thing].built is None:
            return True
        survey = self.survey(atom.thing, "", state)
        if survey.module.sensitive is not Sensitivity.NO or self.learns(atom.thing, state):
            return True
        classes = [self.things[part].cls for part in self._reach(atom.thing, state, whole=True)]
        return any(cls is not None and self._keeps_tensors(cls) for cls in classes)

    def _keeps_tensors(self, cls: int) -> bool:
        """Whether a class has buffers or parameters, or a base whose own can't be seen."""
        mine = [atom for atom in self.classes.ancestry(cls) if isinstance(atom, Cls)]
        uses = [self.classes[atom.number].cls.uses for atom in mine]
        opaque = any(self._opaque_base(name) for name in self.classes.libraries(cls))
        return opaque or any(not KEEPING.isdisjoint(names) for names in uses)

    def _is_plain_container(self, atom: Atom) -> TypeGuard[Ref]:
        return isinstance(atom, Ref) and self.things[atom.thing].kind in ("list", "dict")

    def _hidden(
        self,
        name: str,
        holders: list[Ref],
        inside: list[Atom],
        reached: set[int],
        cls: int,
        place: Place,
        state: State,
    ) -> HiddenModules:
        items = self.sequence(one(holders[0]), state)
        modules = [atom.thing for atom in inside if isinstance(atom, Ref)]
        seen = [self.survey(thing, "", state).module.sensitive for thing in modules]
        sensitive = next((item for item in Sensitivity if item in seen), Sensitivity.NO)
        inert: set[Atom] = {atom for atom in inside if isinstance(atom, Inert)}
        bodies = [
            self.classes[atom.number].cls.body
            for atom in self.classes.ancestry(cls)
            if isinstance(atom, Cls)
        ]
        return HiddenModules(
            place,
            owner=self.classes[cls].cls.name,
            attribute=name,
            kind=self.things[holders[0].thing].kind,
            sensitive=sensitive,
            registered=self._registered_elsewhere(modules, inert, reached, state),
            switched=any(_switches(body, name) for body in bodies),
            single=len(holders) == 1 and items is not None and len(items) == 1,
            mixed=any(self._holds_others(holder, state) for holder in holders),
            early=any(_is_early(body, place) for body in bodies),
        )

    def _holds_others(self, holder: Ref, state: State) -> bool:
        """Whether something that is no layer may be in a container."""
        atoms = self.items(one(holder), state).atoms
        return not all(isinstance(atom, Inert) or self._held(atom) for atom in atoms)

    def _registered_elsewhere(
        self, modules: list[int], inert: set[Atom], reached: set[int], state: State
    ) -> bool:
        """Whether what is kept in a container is registered too, or is taken apart for that.

        So it is with networks to choose from, and where only the parameters are registered.
        """
        held = self._kept_in_reach(reached, state)
        return inert <= held and all(
            self._is_registered(number, reached, held, state) for number in modules
        )

    def _is_registered(
        self, number: int, reached: set[int], held: set[Atom], state: State, depth: int = 3
    ) -> bool:
        """Whether a module is registered, or some of its parts; or its parameters, with no mode."""
        if number in reached or any(self.things.beneath(part, number) for part in reached):
            return True
        if Part(number) in held:
            return self.survey(number, "", state).module.sensitive is Sensitivity.NO
        parts = self._registered(number, state) if depth and self.things[number].lib else []
        return bool(parts) and all(
            self._is_registered(part.number, reached, held, state, depth - 1) for part in parts
        )

    def _kept_in_reach(self, reached: set[int], state: State) -> set[Atom]:
        """What registered modules hold."""
        values = [
            state.get((number, name)) for number in reached for name in self.things.names(number)
        ]
        return {atom for value in values if value for atom in value.atoms}


def keeps_containers(cls: Class) -> bool:
    """Whether a method sets an attribute to a container made there, or noted as one."""
    return any(
        _keeps(item, stmt.function)
        for stmt in cls.body
        if isinstance(stmt, Define) and stmt.function.name != "forward"
        for item in statements(stmt.function.body)
    )


def _keeps(item: Stmt, function: Function) -> bool:
    if not isinstance(item, Bind) or not any(isinstance(where, Attr) for where in item.targets):
        return False
    made = item.value
    if isinstance(made, (Display, Mapping, Comprehension)):
        return True
    if isinstance(made, Call):
        return isinstance(made.func, Name) and made.func.id in CONTAINERS
    if isinstance(made, Mix):
        return any(isinstance(part, (Display, Comprehension)) for part in made.parts)
    noted = [Name(param.name) for param in function.params if isinstance(param.note, Item)]
    return made in noted


def _switches(body: Block, name: str) -> bool:
    """Whether some method of a class body mentions an attribute and a switch."""
    return any(
        name in stmt.function.uses and not SWITCHES.isdisjoint(stmt.function.uses)
        for stmt in body
        if isinstance(stmt, Define)
    )


def _is_early(body: Block, place: Place) -> bool:
    """Whether a place is in a class body's ``__init__``, before the call of the base's."""
    inits = [stmt.function for stmt in body if isinstance(stmt, Define)]
    return any(
        function.at.line <= place.line <= function.at.end_line
        and _first_call_of_base(function) > place.line
        for function in inits
        if function.name == INIT
    )


def _first_call_of_base(function: Function) -> int:
    """The line in which an ``__init__`` first calls another, 0 if it doesn't."""
    calls = (stmt.value for stmt in statements(function.body) if isinstance(stmt, Do))
    lines = [call.at.line for call in calls if isinstance(call, Call) and _is_init(call.func)]
    return min(lines, default=0)


def _is_init(callee: Expr) -> bool:
    return isinstance(callee, Attr) and callee.name == INIT
