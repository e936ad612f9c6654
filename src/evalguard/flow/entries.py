"""Entry points: functions and methods that no visible code calls."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress

from evalguard.events import Function, Raise
from evalguard.facts import FunctionalCall, GradModeLeft, Origin
from evalguard.flow.atoms import Cls, Fun, Ref, Value
from evalguard.flow.beside import SWITCHES
from evalguard.flow.classes import Blueprint, Known
from evalguard.flow.core import ENTRY_FUEL, UNFINISHED, UNSEEN_CALLER, Frame, is_test_file
from evalguard.flow.hiding import keeps_containers
from evalguard.flow.opening import Opening
from evalguard.flow.record import Recorder
from evalguard.flow.shelters import sheltered
from evalguard.flow.state import ModeState, State, flagged, join_modes
from evalguard.flow.things import Thing
from evalguard.flow.values import ANYTHING, lit, only, ordered
from evalguard.knowledge import Hook
from evalguard.link import Program
from evalguard.link.blocks import is_main
from evalguard.link.interest import MOST_LED
from evalguard.modes import Grad, Mode
from evalguard.places import Place

MOST_CONTEXTS = 3
MOST_HEIRS = 200  # looked at to find those
NOTHING = lit(None)
WRITTEN = re.compile(r"\((mode=)?(True|False)?\)$")
NEVER = frozenset(("__init__", "__new__", "__post_init__", "<lambda>"))


class Entries(Opening):
    """Walks what nothing else has reached."""

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self._prototypes: dict[int, State] = {}
        self._shelters: dict[str, frozenset[str]] = {}
        self._switchable: dict[int, dict[int, ModeState]] = {}
        self._makers = self.knowledge.first_names()
        self.left_off: dict[str, State] = {}  # files whose import leaves gradients off
        self._objects: dict[int, list[int]] = {}  # by their classes
        self._sorted = 0  # how many things these were chosen from

    def walk_entries(self, mentioned: frozenset[str]) -> None:
        """Walk every function not yet reached.

        Those that nobody mentions come first, and those that another one uses last, after what
        calls them, so that these are reached by their callers; and tests come after all, so that
        what they test is seen in its own callers' states.
        """
        for tests in (False, True):
            for turn in range(2 + MOST_LED):
                index = 0
                while index < len(self.functions):
                    known = self.functions[index]
                    index += 1
                    if known.walked or self._turn(known, mentioned) != turn:
                        continue
                    if is_test_file(known.path) is tests:
                        self._walk_if_due(known)
        self._walk_for_parts()

    def _turn(self, known: Known, mentioned: frozenset[str]) -> int:
        """When it is a function's turn to be an entry point."""
        return 1 + known.bearing.led if known.function.name in mentioned else 0

    def _walk_if_due(self, known: Known) -> None:
        if known.walked or known.function.name in NEVER:
            return
        starts = known.bearing.starts or known.number in self.served
        if starts or self._meets_modes(known) or self._is_hook(known):
            self._walk_entry(known)

    def _is_hook(self, known: Known) -> bool:
        """Whether a framework calls a method in a mode of its own, or trains on its result."""
        hook = self._hook(known.owner, known.function.name) if known.owner is not None else None
        return hook is not None and (hook.trains or hook.mode is not Mode.UNSEEN)

    def _meets_modes(self, known: Known) -> bool:
        """Whether a method's object comes with modes that its class switches or loads."""
        return known.owner is not None and any(
            self._makes_modes(self.classes[atom.number])
            for cls in self._contexts_of(known)
            for atom in self.classes.ancestry(cls)
            if isinstance(atom, Cls)
        )

    def _makes_modes(self, cls: Blueprint) -> bool:
        """Whether making an object of a class leaves modes behind for its methods to meet."""
        makers = [cls.methods[name] for name in self._makers if name in cls.methods]
        return any(self.program.interest.of(maker, cls.path).leaves for maker in makers)

    def _walk_for_parts(self) -> None:
        """The forward passes of classes with frozen parts, and what classes keep in containers."""
        for known in list(self.functions):
            owner = known.owner
            if owner is None or known.walked or not self.classes.is_module(owner):
                continue
            if known.function.name == "forward" and owner in self.with_frozen_parts:
                self._walk_entry(known)
        for blueprint in list(self.classes):
            if not self.classes.is_module(blueprint.number):
                continue
            if not SWITCHES.isdisjoint(blueprint.cls.uses) or keeps_containers(blueprint.cls):
                for cls in self._made(blueprint.number):
                    self._prototype(cls)
        self._walk_postponed()

    def _walk_postponed(self) -> None:
        """Methods with functional dropout, seen in train mode alone: what they'd do in another."""
        recorder, self.recorder = self.recorder, Recorder()
        for number in sorted(self.postponed):
            self._walk_entry(self.functions[number])
        for fact in self.recorder.facts():
            if isinstance(fact, FunctionalCall):
                recorder.note(fact)
        self.recorder = recorder

    def _made(self, cls: int) -> list[int]:
        """The class, or if it is abstract the classes that are made in its place."""
        if not self._is_abstract(cls):
            return [cls]
        return self.classes.descendants(cls)[:MOST_CONTEXTS]

    def _is_abstract(self, cls: int) -> bool:
        """Whether a class leaves its ``forward`` to its subclasses."""
        forward = self.member(cls, "forward", State(self.world))
        atom = only(forward) if forward is not None else None
        if not isinstance(atom, Fun) or not self.classes[cls].subclasses:
            return False
        body = self.functions[atom.number].function.body
        return len(body) == 1 and isinstance(body[0], Raise)

    def _walk_entry(self, known: Known) -> None:
        if known.owner is None:
            self._start(Fun(known.number, known.frame, None), known, State(self.world), None)
            return
        for cls in self._contexts_of(known):
            me, state = self._prototype(cls)
            hook = self._hook(cls, known.function.name)
            self._prepare(me, cls, hook, state)
            fun = self._decorated_method(cls, known, state)
            self._start(self.bound_to(fun, me), self.functions[fun.number], state, hook)

    def _decorated_method(self, cls: int, known: Known, state: State) -> Fun:
        """A method as its class holds it: what a decorator of the project has made of it."""
        member = self.member(cls, known.function.name, state)
        for atom in member.atoms if member else ():
            if isinstance(atom, Fun) and self.functions[atom.number].owner != known.owner:
                return atom
        return Fun(known.number, known.frame, None)

    def _contexts_of(self, known: Known) -> list[int]:
        """The classes on which a method is tried: the most derived that inherit it."""
        assert known.owner is not None
        leaves: list[int] = []
        todo, seen = [known.owner], {known.owner}
        while todo and len(leaves) < MOST_CONTEXTS and len(seen) < MOST_HEIRS:
            number = todo.pop(0)
            children = [
                child
                for child in self.classes[number].subclasses
                if child not in seen and known.function.name not in self.classes[child].methods
            ]
            seen.update(children)
            todo += children
            if not children:
                leaves.append(number)
        return (leaves + todo)[:MOST_CONTEXTS]

    def _prototype(self, cls: int) -> tuple[Ref, State]:
        """An object of a class, made by callers that can't be seen."""
        blueprint = self.classes[cls]
        place = Place(blueprint.path, blueprint.cls.at)
        module = self.classes.is_module(cls)
        thing, _ = self.things.make(("self", cls), "module" if module else "object")
        state = self._prototypes.get(cls)
        if state is None:
            thing.cls, thing.text, thing.place = cls, blueprint.cls.name, place
            self.outside.add(thing.number)
            state = State(self.world)
            self._prototypes[cls] = state.copy()
            self.fuel = ENTRY_FUEL
            frame = self.frames[blueprint.frame]
            name = blueprint.cls.name
            with suppress(*UNFINISHED):
                self.construct(thing.number, UNSEEN_CALLER, place, name, state, frame)
                self._set_up(thing, state, frame)
            self._prototypes[cls] = state
            if module and not self._is_abstract(cls):
                self.note_hidden(thing.number, cls, state)
                self.note_undone(thing.number, state, frame)
        return Ref(thing.number), self._prototypes[cls].copy()

    def _set_up(self, thing: Thing, state: State, frame: Frame) -> None:
        """Call the methods of a new object that a framework calls before all others."""
        assert thing.cls is not None
        place = thing.place or Place(self.classes[thing.cls].path, self.classes[thing.cls].cls.at)
        hooks = [hook for known in self._hooks_of(thing.cls) for hook in known.values()]
        for name in dict.fromkeys([hook.name for hook in hooks if hook.first]):
            member = self.member(thing.cls, name, state)
            for atom in ordered(member.atoms) if member else ():
                if isinstance(atom, Fun):
                    fun = atom._replace(bound=Ref(thing.number))
                    self.call_function(fun, UNSEEN_CALLER, place, thing.text, state, frame)

    def _hook(self, cls: int, name: str) -> Hook | None:
        found = [known[name] for known in self._hooks_of(cls) if name in known]
        return found[0] if found else None

    def _hooks_of(self, cls: int) -> list[Mapping[str, Hook]]:
        """What frameworks call of a class, by its bases or because of its name."""
        names = [*self.classes.libraries(cls), self.classes[cls].cls.name]
        return [self.knowledge.hooks_of(name) for name in names]

    def _prepare(self, me: Ref, cls: int, hook: Hook | None, state: State) -> None:
        """The modes at a method's start: a framework's, or whatever callers have made of them."""
        frame = self.frames[self.classes[cls].frame]
        self._unsettle_flags(me, cls, state)
        as_left = hook is not None and hook.mode is Mode.UNSEEN
        if self.things[me.thing].kind == "module" and not as_left:
            mode = hook.mode if hook is not None else Mode.UNSEEN
            origins: frozenset[Origin] = frozenset()
            if hook is not None and mode is not Mode.UNSEEN:
                origins = frozenset((Origin(mode, "hook", hook.name, None),))
            self.switch(me.thing, ModeState(mode, origins), state, frame, set())
            return
        switchable = self._switched_by_methods(me, cls, state)
        for thing, known in list(state.modes.items()):
            asked = any(_is_asked(origin) for origin in known.origins)
            left = (flagged(known) if asked else known)._replace(assumed=True)
            switched = switchable.get(thing, left)
            state.modes[thing] = left if Mode.EVAL in left.mode else join_modes(left, switched)

    def _switched_by_methods(self, me: Ref, cls: int, state: State) -> dict[int, ModeState]:
        """What an object's methods put in eval mode that do nothing else.

        They are there for callers, so those that can't be seen are likely to have called them.
        """
        found = self._switchable.get(cls)
        if found is None:
            found = self._switchable[cls] = {}
            for fun in self._switchers(cls, state):
                after = state.copy()
                if not self.aside(self.bound_to(fun, me), after) and self.fuel > 0:
                    found.update(_in_eval(after))
        return found

    def _switchers(self, cls: int, state: State) -> list[Fun]:
        """The methods that leave a mode behind, and neither train nor measure."""
        found: dict[int, Fun] = {}
        for atom in self.classes.ancestry(cls):
            for name in self.classes[atom.number].methods if isinstance(atom, Cls) else ():
                if name in NEVER:
                    continue
                member = self.member(cls, name, state)
                fun = only(member) if member is not None else None
                if isinstance(fun, Fun) and _is_switcher(self.functions[fun.number]):
                    found[fun.number] = fun
        return list(found.values())

    def _unsettle_flags(self, me: Ref, cls: int, state: State) -> None:
        """Callers that can't be seen may have called methods that set attributes anew."""
        for atom in self.classes.ancestry(cls):
            for name in self.classes[atom.number].traits.stores if isinstance(atom, Cls) else ():
                if state.get((me.thing, name)) != NOTHING:
                    self.unsettle(me.thing, name, state)

    def _start(self, fun: Fun, known: Known, state: State, hook: Hook | None) -> None:
        if known.walked and known.owner is None:
            return
        self.fuel, self.loops = ENTRY_FUEL, []
        self.recorder.begin()
        inner = self.frame_of(fun, known, 0)
        inner.entry = True
        inner.in_forward = self._is_forward(fun, known.function)
        self.bind_parameters(inner, known, fun, UNSEEN_CALLER, state)
        if hook is not None:
            self.meet_hook(hook, inner, state)
        self._meet_gradients(fun, known, hook, state)
        before = self.recorder.count()
        try:
            value = self.walk(inner, known, state)
        except UNFINISHED:
            value = ANYTHING
        if self.fuel <= 0:
            self.recorder.unsettle(range(before + 1, self.recorder.count() + 1))
        if hook is not None and hook.trains:
            taint = self.deep(value, state).taint
            self.recorder.backward(taint, known.place)
            self.recorder.stepped(None)
        self._escape(value, state)
        if self._answers(fun, known.function):
            self.recorder.unsettle(self._given_back(value, state))
        restored = hook is not None or known.grad is not None
        if state.leak is not None and Grad.OFF in state.grad and not restored:
            library = self.recorder.count() > before and not self._is_script(known)
            self.recorder.leaked(GradModeLeft(state.leak, known.function.qualname, library=library))

    def _meet_gradients(self, fun: Fun, known: Known, hook: Hook | None, state: State) -> None:
        """Whether gradients are recorded at a function's start."""
        grad = hook.grad if hook is not None else known.grad
        if grad is None and known.path in self.left_off:
            grad = Grad.UNSEEN
        if grad is not None:
            state.grad, state.grad_place = grad, known.grad_place
        elif self._is_of_module(fun) and not self._answers(fun, known.function):
            state.grad = Grad.UNSEEN  # callers decide
        elif known.function.name in self._sheltered(known) or self._is_handed(known):
            state.grad = Grad.UNSEEN

    def _is_handed(self, known: Known) -> bool:
        """Whether an object that is a function was made in view: callers weren't followed to it."""
        if known.owner is None or known.function.name != "__call__":
            return False
        return not self.outside.issuperset(self._objects_of(known.owner))

    def _objects_of(self, cls: int) -> list[int]:
        """The objects of a class, modules aside."""
        for number in range(self._sorted, len(self.things)):
            thing = self.things[number]
            if thing.kind == "object" and thing.cls is not None:
                self._objects.setdefault(thing.cls, []).append(number)
        self._sorted = len(self.things)
        return self._objects.get(cls, [])

    def _sheltered(self, known: Known) -> frozenset[str]:
        """What a function's file calls only where gradients are off.

        So may the file of a base class do, whose method a method stands for.
        """
        found = self._shelter(known.path, self.frames[known.frame])
        for base in self.classes.ancestry(known.owner) if known.owner is not None else ():
            blueprint = self.classes[base.number] if isinstance(base, Cls) else None
            if blueprint is not None and known.function.name in blueprint.methods:
                found |= self._shelter(blueprint.path, self.frames[blueprint.frame])
        return found

    def _shelter(self, path: str, home: Frame) -> frozenset[str]:
        found = self._shelters.get(path)
        if found is None:
            state = State(self.world)
            found = sheltered(
                self.program.units[path].body,
                lambda item: self.grad_within(item, state, home) == Grad.OFF,
            )
            self._shelters[path] = found
        return found

    def _given_back(self, value: Value, state: State) -> set[int]:
        """The passes whose graph a result holds, or an object's attributes if it is one.

        What comes back so, callers may differentiate.
        """
        numbers = [atom.thing for atom in value.atoms if isinstance(atom, Ref)]
        objects = [item for item in numbers if self.things[item].kind == "object"]
        held = [state.get((item, name)) for item in objects for name in self.things.names(item)]
        values = [value, *[item for item in held if item is not None]]
        taint = set[int]().union(*[self.deep(item, state).taint for item in values])
        return {token for token in taint if token > 0}

    def _is_of_module(self, fun: Fun) -> bool:
        return fun.bound is not None and self.things[fun.bound.thing].kind == "module"

    def _answers(self, fun: Fun, function: Function) -> bool:
        """Whether a module's method sets its mode, and so answers for gradients, too."""
        return self._is_of_module(fun) and function.name != "forward" and "eval" in function.uses

    def _is_script(self, known: Known) -> bool:
        """Whether a function's file does something when it is run, or is a test."""
        body = self.program.units[known.path].body
        main = known.function.name == "main" or any(is_main(stmt) for stmt in body)
        return main or is_test_file(known.path)

    def _is_forward(self, fun: Fun, function: Function) -> bool:
        return function.name == "forward" and self._is_of_module(fun)

    def _escape(self, value: Value, state: State) -> None:
        self.recorder.escaped(self.deep(value, state).taint)


def _is_switcher(known: Known) -> bool:
    bearing = known.bearing
    return bearing.switches and not (bearing.trains or bearing.measures)


def _in_eval(state: State) -> dict[int, ModeState]:
    return {thing: known for thing, known in state.modes.items() if Mode.EVAL in known.mode}


def _is_asked(origin: Origin) -> bool:
    """Whether a switch was given a variable: who calls its function again may give another."""
    return origin.how == "switched" and not WRITTEN.search(origin.text)
