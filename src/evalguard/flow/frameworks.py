"""What libraries do to the modules and functions they are given: switch, keep and call them."""

from __future__ import annotations

from evalguard.events import Attr, Call, Name
from evalguard.facts import FrozenPart, Origin
from evalguard.flow.atoms import Atom, Cls, Fun, Method, Part, Partial, Ref, Value
from evalguard.flow.core import Arguments, Frame
from evalguard.flow.gradients import Gradients
from evalguard.flow.showing import show
from evalguard.flow.state import ModeState, State
from evalguard.flow.switching import FROZEN
from evalguard.flow.things import is_parameter
from evalguard.flow.values import ANYTHING, one, ordered, tainted
from evalguard.knowledge import Argued, Argument, Caller, Factory, Hook, Switch
from evalguard.modes import Mode
from evalguard.places import Place
from evalguard.records import replace

CONSUMED = ("self",)
REQUIRES_GRAD = Argument("requires_grad", 1)


class Frameworks(Gradients):
    """Switches, calls, hooks and objects of libraries."""

    # Objects of library classes.

    def _libraries(self, number: int) -> list[str]:
        thing = self.things[number]
        return self.classes.libraries(thing.cls) if thing.cls is not None else [thing.lib]

    def library_method(self, number: int, name: str) -> str:
        """The tables' name for a method that an object has from a library; or nothing."""
        if name not in self.library_methods:
            return ""
        names = [f"{library}.{name}" for library in self._libraries(number) if library]
        if self.things[number].kind == "module":
            names.append(name)
        return next((dotted for dotted in names if self.knowledge.acts(dotted)), "")

    def keep_given(self, number: int, args: Arguments, state: State) -> None:
        """An object of a library's class keeps modules and functions that it is made with."""
        for name in self._libraries(number):
            wrapper = self.knowledge.wrapper(name)
            inner = () if wrapper is None or wrapper.copy or wrapper.spread else (wrapper.argument,)
            for argument in (*self.knowledge.kept(name), *inner):
                value = self.argument(argument, args)
                if value is not None and all(self._kept(atom) for atom in value.atoms):
                    self.assign(number, argument.name, value, state)

    def _kept(self, atom: Atom) -> bool:
        containers = ("list", "dict")
        held = isinstance(atom, Ref) and self.things[atom.thing].kind not in containers
        return held or isinstance(atom, (Fun, Partial, Method, Part))

    def makes_object(self, name: str, factory: Factory | None) -> bool:
        """Whether a call makes an object that is no module, but may keep some."""
        module = self.knowledge.is_module_base(name)
        if self.knowledge.effect(name) == "record":
            return True
        if module is False and name.rpartition(".")[2][:1].isupper():
            return True
        brings = factory is not None and not factory.module and factory.mode != Mode.UNSEEN
        return module is not True and (brings or bool(self.knowledge.kept(name)))

    def plain_object(
        self, name: str, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value:
        """An object of a library class that is no module; it depends on what it is made of."""
        place = self.place(frame, site.at)
        thing, _ = self.things.make(("plain", frame.context, place), "object")
        thing.lib, thing.text, thing.place = name, show(site), place
        self.keep_given(thing.number, args, state)
        wanted = self.argument(REQUIRES_GRAD, args) if is_parameter(name) else None
        if wanted is not None:
            self.assign(thing.number, REQUIRES_GRAD.name, wanted, state)
        if self.knowledge.effect(name) == "record":
            self._keep_named(thing.number, args, state)
        self._mode_of_parts(thing.number, name, args, site, state, frame)
        given = tainted([self.deep(value, state) for value in args.values()])
        return Value(frozenset((Ref(thing.number),)), given.taint)

    def _keep_named(self, number: int, args: Arguments, state: State) -> None:
        """A record holds what it is given as attributes."""
        for key, value in args.keywords:
            self.assign(number, key, value, state)

    def _mode_of_parts(
        self, number: int, name: str, args: Arguments, site: Call, state: State, frame: Frame
    ) -> None:
        """The mode of the modules that an object brings along, if the tables tell it."""
        factory = self.knowledge.factory(name)
        mode = factory.mode_of(*self.constants(args)) if factory is not None else Mode.UNSEEN
        if mode != Mode.UNSEEN:
            place = self.place(frame, site.at)
            state.modes[number] = self.written(mode, "loaded", show(site), place)

    def _subject(
        self, known: Switch | Caller, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value | None:
        """What a switch or caller acts on: an argument, or what the object holds."""
        if not known.held:
            return self.argument(known.argument, args)
        me = args.named().get("self")
        return self.attribute(me, known.argument.name, site.func, state, frame) if me else None

    def reached(self, value: Value, state: State, depth: int = 3) -> list[Atom]:
        """The atoms of a value and of the items in it."""
        out: list[Atom] = []
        for atom in ordered(value.atoms):
            out.append(atom)
            if isinstance(atom, Ref) and depth and self.things[atom.thing].kind in ("list", "dict"):
                for name in self.things.names(atom.thing):
                    held = state.get((atom.thing, name))
                    out += self.reached(held, state, depth - 1) if held else []
        return out

    # Switches.

    def switch_value(
        self, value: Value, mode: Mode, site: Call, state: State, frame: Frame
    ) -> None:
        """Set the mode of all that a value may stand for."""
        wanted = self.written(mode, "switched", show(site), self.place(frame, site.at))
        for atom in self.reached(value, state):
            self._switch_whole(atom, wanted, state, frame)

    def _switch_whole(self, atom: Atom, wanted: ModeState, state: State, frame: Frame) -> None:
        """A switch as a library does it: by the module's own ``train()``, if it has one."""
        if isinstance(atom, Ref) and self.things[atom.thing].kind == "module":
            self.tracks.switched(self.things[atom.thing].text, wanted.origins)
            self._switch_child(self.things[atom.thing], wanted, state, frame, set())
        elif isinstance(atom, (Ref, Part)):
            self.switch_atom(atom, wanted, state, frame)

    def switching(
        self, switch: Switch, args: Arguments, site: Call, state: State, frame: Frame
    ) -> None:
        """A call that switches what it is given."""
        applies = switch.applies(*self.constants(args))
        value = self._subject(switch, args, site, state, frame)
        if applies is False or value is None:
            return
        if switch.freezes is not None:
            self._freeze_value(value, switch.freezes, site, state, frame)
        if switch.mode is not None:
            mode = switch.mode if applies else Mode.UNSEEN
            self.switch_value(value, mode, site, state, frame)
        elif switch.flattens:
            for atom in self.reached(value, state):
                self._flatten(atom, state, frame)
        if switch.trains:
            self._trains_parts(value, argument_text(switch.argument, site), site, state, frame)

    def _trains_parts(
        self, value: Value, text: str, site: Call, state: State, frame: Frame
    ) -> None:
        """What a library trains may have frozen parts."""
        for atom in ordered(value.atoms):
            if isinstance(atom, Ref):
                for part in self._frozen_parts(atom.thing, state).values():
                    module = replace(part.module, text=part.module.text.replace("self", text, 1))
                    self._note_trained(atom.thing, replace(part, module=module), site, frame)

    def _note_trained(self, whole: int, part: FrozenPart, site: Call, frame: Frame) -> None:
        """A frozen part of a module that a library trains; its own steps tell what it froze."""
        cls = self.things[whole].cls
        ancestry = self.classes.ancestry(cls) if cls is not None else []
        own = [self.classes[atom.number] for atom in ancestry if isinstance(atom, Cls)]
        if any(Place(item.path, item.cls.at).holds(part.place) for item in own):
            return
        trained = self.place(frame, site.at)
        calls = self.steps(frame.context)
        self.recorder.note(replace(part, calls=calls, stepped=True, trained=trained))

    def _flatten(self, atom: Atom, state: State, frame: Frame) -> None:
        """All parts come back in the mode of the root."""
        if isinstance(atom, Ref):
            known = self.things.mode(state, atom.thing)
            if known.mode in (Mode.TRAIN, Mode.EVAL) and not known.mixed:
                self._switch_whole(atom, known, state, frame)

    def add_parts(self, value: Value, state: State) -> None:
        """A module gets parts in train mode, whatever the mode of the others."""
        for atom in value.atoms:
            if isinstance(atom, Ref) and self.things.mode(state, atom.thing).mode != Mode.TRAIN:
                old = self.things.mode(state, atom.thing)
                state.modes[atom.thing] = old._replace(mixed=True)

    def _freeze_value(
        self, value: Value, frozen: bool, site: Call, state: State, frame: Frame
    ) -> None:
        for atom in self.reached(value, state):
            if isinstance(atom, (Ref, Part)) and frozen:
                self.freeze(atom.thing, FROZEN, self.place(frame, site.at), state)
            elif isinstance(atom, (Ref, Part)):
                self.unfreeze(atom.thing, state)

    # Calls.

    def called_back(
        self, name: str, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value | None:
        """What comes back from the function or module that a call is given and calls."""
        caller = self.knowledge.caller(name)
        if caller is None or not caller.calls:
            return None
        result = self._calling(caller, args, site, state, frame)
        if result is None or caller.returns:
            return result
        self.recorder.escaped(self.deep(result, state).taint)
        return None

    def _calling(
        self, caller: Caller, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value | None:
        value = self._subject(caller, args, site, state, frame)
        if value is None or not any(self._kept(atom) for atom in value.atoms):
            return None
        before = state.grad, state.grad_place
        if caller.grad is not None:
            self.enter_grad(caller.grad, site, state, frame)
        passed = self._passed(caller, args, state)
        result = self.call_value(value, passed, _inner(caller, site), state, frame)
        state.grad, state.grad_place = before
        return result

    def _passed(self, caller: Caller, args: Arguments, state: State) -> Arguments:
        """What it passes on; ``open`` if that isn't known."""
        first = tuple(ANYTHING for _ in range(caller.before))
        if caller.rest is not None:
            named = tuple(item for item in args.keywords if item[0] not in CONSUMED)
            return Arguments((*first, *args.positional[caller.rest :]), named, args.open)
        value = self.argument(caller.inputs, args)
        if value is None:
            return Arguments(first, (), caller.inputs is None or args.open)
        items = self.sequence(value, state)
        return Arguments((*first, *(items if items is not None else [value])))

    # Hooks.

    def meet_hook(self, hook: Hook, inner: Frame, state: State) -> None:
        """The module that a framework hands to a hook is in the mode that the tables tell."""
        value = self._hooked(hook, inner, state)
        origins = frozenset((Origin(hook.mode, "hook", hook.name, None),))
        for atom in value.atoms if value is not None else ():
            if isinstance(atom, Ref):
                thing = self.things[atom.thing]
                thing.shown = thing.shown or thing.kind == "unknown"
                if hook.mode != Mode.UNSEEN:
                    self.switch(atom.thing, ModeState(hook.mode, origins), state, inner, set())

    def _hooked(self, hook: Hook, inner: Frame, state: State) -> Value | None:
        if hook.module is None or inner.known is None:
            return None
        name, _, attribute = hook.module.name.partition(".")
        if name == "self" and inner.me is not None:
            me = one(inner.me)
            site = Attr(Name("self"), attribute)
            return self.attribute(me, attribute, site, state, inner) if attribute else me
        names = [param.name for param in inner.known.function.params][1:]
        position = hook.module.position
        if name not in names and position is not None and position < len(names):
            name = names[position]
        return state.get((inner.thing, name))


def argument_text(which: Argument, site: Call) -> str:
    """How a call writes an argument; empty if it isn't there."""
    named = [show(value) for name, value in site.keywords if name == which.name]
    place = which.position
    if place is not None and place < len(site.args):
        return show(site.args[place])
    return named[0] if named else ""


def _inner(caller: Caller, site: Call) -> Call:
    """The call as if it were written out, so that what is called goes by its own name."""
    named = {name: node for name, node in site.keywords if name is not None}
    node = caller.argument.find(site.args, named)
    return site if caller.held or isinstance(node, Argued) else Call(node, (), (), site.at)


def class_of(name: str) -> str:
    """The class of what a factory returns: its own, or the one that it is a method of."""
    owner = name.rpartition(".")[0]
    return owner if owner.rpartition(".")[2][:1].isupper() else name
