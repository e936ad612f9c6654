"""Objects of project classes: made, given their mode, and set up by ``__init__``."""

from __future__ import annotations

from evalguard.events import Call, Name
from evalguard.flow.atoms import Atom, Fun, Inert, Lib, Method, Partial, Ref, Value
from evalguard.flow.casting import Casting
from evalguard.flow.core import NO_ARGUMENTS, Arguments, Frame
from evalguard.flow.frameworks import REQUIRES_GRAD
from evalguard.flow.members import FIELD
from evalguard.flow.showing import show
from evalguard.flow.state import ModeState, State
from evalguard.flow.switching import FROZEN
from evalguard.flow.things import Thing, is_parameter
from evalguard.flow.values import ANYTHING, constant, only, ordered
from evalguard.modes import Mode
from evalguard.places import Place


class Constructing(Casting):
    """Makes objects of classes."""

    def instantiate(
        self, number: int, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value:
        """Make an object of a project class."""
        place = self.place(frame, site.at)
        module = self.classes.is_module(number)
        key = ("new", frame.context, place, number)
        thing, _ = self.things.make(key, "module" if module else "object")
        thing.cls, thing.text, thing.place = number, show(site), place
        thing.forward_born, thing.doubts = frame.in_forward, self.doubts
        if not module:
            self.construct(thing.number, args, place, show(site), state, frame)
            self.note_optimizer(thing.value, args, state)
            return thing.value
        if frame.in_forward:
            self._note_instance(thing.number, number, site, state, frame)
        self._make(thing, args, place, show(site), state, frame)
        if frame.in_forward:
            self._note_instance(thing.number, number, site, state, frame)
        return thing.value

    def _make(
        self,
        thing: Thing,
        args: Arguments,
        place: Place,
        text: str,
        state: State,
        frame: Frame,
    ) -> None:
        """Make a module: cast it like one before, or construct it."""
        assert thing.cls is not None
        likeness = self.likeness(thing.cls, args, state)
        part = frame.known is not None and frame.known.function.name == "__init__"
        mold = self.molds.find(likeness, part)
        if mold is not None:
            self.fuel -= 1
            self.cast(thing, mold, self._built(thing, text, place), state)
            return
        self.construct(thing.number, args, place, text, state, frame)
        if not self.molds.known(likeness) and self.fuel > 0:
            self.molds.keep(likeness, self.molded(thing, args, state))

    def _built(self, thing: Thing, text: str, place: Place) -> ModeState:
        mode = self.written(Mode.TRAIN, "built", text, place)
        thing.built = next(iter(mode.origins))
        return mode

    def _note_instance(
        self, thing: int, number: int, site: Call, state: State, frame: Frame
    ) -> None:
        sensitive = self.survey(thing, "", state).module.sensitive
        parameters = self.learns(thing, state)
        name = self.classes[number].cls.name
        self.note_built(name, sensitive, parameters, site, state, frame)

    def learns(self, number: int, state: State, depth: int = 0) -> bool:
        """Whether a module has parameters that aren't frozen."""
        if self._frozen_at(number, state) is not None or depth > 5:
            return False
        thing = self.things[number]
        layer = self.knowledge.layer(thing.lib) if thing.lib else None
        if layer is not None and layer.parameters:
            return True
        for name in self.things.names(number):
            value = state.get((number, name)) if name != FROZEN else None
            for atom in ordered(value.atoms) if value else ():
                if isinstance(atom, Inert) and atom.parameters:
                    return True
                if isinstance(atom, Ref) and self._may_learn(atom.thing, state, depth):
                    return True
        return False

    def _may_learn(self, number: int, state: State, depth: int) -> bool:
        thing = self.things[number]
        if thing.kind == "object":
            return is_parameter(thing.lib) and not self._is_constant(number, state)
        return thing.kind == "module" and self.learns(number, state, depth + 1)

    def _is_constant(self, number: int, state: State) -> bool:
        """Whether a parameter wants no gradient: it is a number that is saved with the others."""
        wanted = state.get((number, REQUIRES_GRAD.name))
        known = constant(wanted) if wanted is not None else None
        frozen = self._frozen_at(number, state) is not None
        return frozen or (known is not None and not known.value)

    def construct(
        self, number: int, args: Arguments, place: Place, text: str, state: State, frame: Frame
    ) -> None:
        """Give a new object its mode and run ``__init__``."""
        thing = self.things[number]
        assert thing.cls is not None
        if thing.kind == "module":
            self.born(thing, self._built(thing, text, place), state)
        else:
            state.forget(number)
        init = self.member(thing.cls, "__init__", state)
        funs = [atom for atom in ordered(init.atoms) if isinstance(atom, Fun)] if init else []
        if funs:
            bound = funs[0]._replace(bound=Ref(number))
            self.call_function(bound, args, place, text, state, frame)
        else:
            self._plain_fields(number, args, place, state, frame)
        after = self.member(thing.cls, "__post_init__", state)
        for atom in ordered(after.atoms) if after else ():
            if isinstance(atom, Fun):
                self.call_function(
                    atom._replace(bound=Ref(number)), Arguments(), place, text, state, frame
                )
        if thing.kind == "module":
            self.cut_parts(number, state)

    def _plain_fields(
        self, number: int, args: Arguments, place: Place, state: State, frame: Frame
    ) -> None:
        """Set what a dataclass or a named tuple is built from."""
        self.keep_given(number, args, state)
        thing = self.things[number]
        assert thing.cls is not None
        names = self.fields_of(thing.cls)
        given = {**dict(zip(names, args.positional, strict=False)), **args.named()}
        for name in names:
            member = None if name in given else self.member(thing.cls, name, state)
            maker = only(member) if member is not None else None
            if isinstance(maker, Partial) and maker.tag == FIELD:
                site = Call(Name(name), (), (), place.span)
                given[name] = self.call_value(maker.target, NO_ARGUMENTS, site, state, frame)
            elif args.open:
                given.setdefault(name, ANYTHING)
        for name, value in given.items():
            self.assign(number, name, value, state)
        if self.is_tuple(thing.cls):
            for index, name in enumerate(names):
                held = given.get(name) or self.member(thing.cls, name, state)
                self.assign(number, f"[{index}]", held or ANYTHING, state)
        if thing.kind == "module":
            self._fill(number, args, state)

    def _to_replace(self, atom: Lib | Method, args: Arguments) -> Ref | None:
        """The object that ``_replace`` or ``dataclasses.replace`` is called with."""
        if isinstance(atom, Method):
            source: Atom | None = atom.owner if atom.name == "_replace" else None
        elif atom.name == "dataclasses.replace" and args.positional:
            source = only(args.positional[0])
        else:
            return None
        known = isinstance(source, Ref) and self.things[source.thing].cls is not None
        return source if isinstance(source, Ref) and known else None

    def replaced(
        self, source: Ref, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value:
        """A copy of a dataclass or named tuple, but for some fields."""
        place, old = self.place(frame, site.at), self.things[source.thing]
        thing, _ = self.things.make(("replaced", frame.context, place, source.thing), old.kind)
        thing.cls, thing.lib, thing.text, thing.place = old.cls, old.lib, show(site), place
        fields = self.fields_of(old.cls) if old.cls is not None else []
        held = {name: state.get((source.thing, name)) or ANYTHING for name in fields}
        held.update(args.named())
        self.construct(
            thing.number, Arguments((), tuple(held.items())), place, show(site), state, frame
        )
        return thing.value
