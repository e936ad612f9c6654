"""What isn't the project's: library functions and classes, by the knowledge tables."""

from __future__ import annotations

from evalguard.events import Call
from evalguard.facts import BuiltInForward, Exported
from evalguard.flow.asking import OFF
from evalguard.flow.atoms import Inert, Lib, Method, Part, Partial, Ref, Value
from evalguard.flow.beside import evaled_next
from evalguard.flow.core import Arguments, Frame
from evalguard.flow.effects import Effects
from evalguard.flow.frameworks import argument_text, class_of
from evalguard.flow.showing import show
from evalguard.flow.state import State
from evalguard.flow.switching import OF_PARAMETERS
from evalguard.flow.things import Thing
from evalguard.flow.values import NONE, constant, join_all, lit, one, only, ordered, shared, tainted
from evalguard.flow.variables import ANY_NAME
from evalguard.knowledge import Export, Factory, Layer
from evalguard.modes import Mode, Sensitivity
from evalguard.records import replace

CONTAINER = "container"
WRAPPER = "argument"


class Libraries(Effects):
    """Calls of library names."""

    def library_call(
        self, name: str, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value:
        """Call a library's function or class."""
        name = self.knowledge.canonical(name)
        if (export := self.knowledge.export(name)) is not None:
            self._note_export(export, args, site, state, frame)
        result = self._acted(name, args, site, state, frame)
        return self._returned(name, args, site, state, frame) if result is None else result

    def _acted(
        self, name: str, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value | None:
        """Switch or call what a call is given; what comes back, if that is settled by it."""
        if (switch := self.knowledge.switch(name)) is not None:
            self.switching(switch, args, site, state, frame)
        if (result := self.called_back(name, args, site, state, frame)) is not None:
            return result
        if self.knowledge.context(name) is not None:
            return self._context(name, args, site, state, frame)
        if self.knowledge.wrapper(name) is not None and self.knowledge.layer(name) is None:
            return self._wrapped(name, args, site, state, frame)
        return None

    def _returned(
        self, name: str, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value:
        known = self.knowledge
        if (functional := known.functional(name)) is not None:
            return self._functional(functional, args, site, state, frame)
        wrapper, layer = known.wrapper(name), known.layer(name)
        if layer is not None and not (wrapper is not None and wrapper.copy):
            return self._layer(layer, args, site, state, frame)
        if wrapper is not None:
            return self._wrapped(name, args, site, state, frame)
        if (owner := self._unbound(name, args)) is not None:
            rest = args._replace(positional=args.positional[1:])
            method = Method(owner, name.rpartition(".")[2])
            return self.method_call(method, rest, site, state, frame)
        factory = known.factory(name)
        if self.makes_object(name, factory):
            value = self.plain_object(name, args, site, state, frame)
            self.note_optimizer(value, args, state)
            return value
        if factory is not None and factory.module:
            return self.factory_made(factory, name, args, site, state, frame)
        return self.effect(name, None, args, site, state, frame)

    def library_method_call(
        self, dotted: str, method: Method, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value | None:
        """Do what the tables tell of a method that an object has from a library's class.

        Returns:
            What comes back; None if that is what the method of any module gives.
        """
        me = one(method.owner)
        given = args._replace(keywords=(*args.keywords, ("self", me)))
        result = self._acted(dotted, given, site, state, frame)
        if result is None and not self.is_module(method.owner):
            return self.effect(method.name, me, args, site, state, frame)
        return result

    def _note_export(
        self, export: Export, args: Arguments, site: Call, state: State, frame: Frame
    ) -> None:
        value = self.argument(export.argument, args)
        atom = only(value) if value is not None else None
        if not isinstance(atom, Ref) or export.applies(*self.constants(args)) is not True:
            return
        if frame.known and evaled_next(frame.known.function.body, site):
            return
        seen = self.survey(atom.thing, self.things[atom.thing].text, state, export)
        text = argument_text(export.argument, site) or seen.module.text
        fact = Exported(
            self.place(frame, site.at),
            frame.known.function.qualname if frame.known else "",
            self.steps(frame.context),
            call=show(site.func),
            module=replace(seen.module, text=text),
            needs=export.needs,
            mode=seen.mode,
            mixed=seen.mixed,
            assumed=seen.assumed,
            raises=export.raises,
            origins=tuple(sorted(seen.origins, key=repr)),
        )
        self.recorder.note(fact)

    def _unbound(self, name: str, args: Arguments) -> Ref | None:
        """The object of ``nn.Module.train(self, mode)`` and the like."""
        base, _, method = name.rpartition(".")
        if not args.positional or self.knowledge.module_method(method) is None:
            return None
        atom = only(args.positional[0])
        known = isinstance(atom, Ref) and self.knowledge.is_module_base(base)
        return atom if known and isinstance(atom, Ref) else None

    def method_call(
        self, method: Method, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value:
        """Call a method that the project doesn't define; provided by a higher layer."""
        raise NotImplementedError

    # Modules.

    def _layer(
        self, layer: Layer, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value:
        sensitive = layer.sensitivity(*self.constants(args))
        off = sensitive is Sensitivity.UNKNOWN and self._off_by_default(layer, args)
        if sensitive is Sensitivity.UNKNOWN and not off:
            sensitive = layer.sensitive if layer.unless else sensitive
        holder = bool(layer.contains) and self._holds_modules(layer, args, state)
        learns = layer.learns(*self.constants(args))
        self.note_built(layer.name, sensitive, learns, site, state, frame)
        if sensitive is Sensitivity.NO and not holder:
            born = self.place(frame, site.at) if frame.in_forward else None
            return shared(Inert(layer.name, learns, born))
        place = self.place(frame, site.at)
        thing, _ = self.things.make(("lib", frame.context, place), "module")
        thing.lib, thing.text, thing.place = layer.name, show(site), place
        thing.sensitive, thing.detector = sensitive, layer.detector
        thing.because = layer.name.rpartition(".")[2] + (f" {OFF}" if off else "")
        thing.forward_born, thing.doubts = frame.in_forward, self.doubts
        mode = self.written(Mode.TRAIN, "built", show(site), place)
        thing.built = next(iter(mode.origins))
        result = self.born(thing, mode, state)
        if layer.contains == WRAPPER:
            self._wraps(layer.name, args)
        if holder:
            self._fill(thing.number, args, state)
            for name, value in args.keywords:
                self.assign(thing.number, name, value, state)
        return result

    def _wraps(self, name: str, args: Arguments) -> None:
        """What a wrapper is made around is a module, even if nothing else of it can be seen."""
        wrapper = self.knowledge.wrapper(name)
        value = self.argument(wrapper.argument, args) if wrapper is not None else None
        for atom in value.atoms if value is not None else ():
            if isinstance(atom, Ref):
                thing = self.things[atom.thing]
                thing.shown = thing.shown or thing.kind == "unknown"

    def _holds_modules(self, layer: Layer, args: Arguments, state: State) -> bool:
        """Whether a container is made of modules; one of parameters may be made of a module's."""
        if layer.name not in OF_PARAMETERS:
            return True
        given = [atom for value in args.values() for atom in self.reached(value, state)]
        return any(isinstance(atom, Part) for atom in given)

    def _off_by_default(self, layer: Layer, args: Arguments) -> bool:
        """Whether a layer does nothing unless a caller in nobody's view asks for it."""
        zero = Arguments(
            tuple([self._default(value) for value in args.positional]),
            tuple([(name, self._default(value)) for name, value in args.keywords]),
            args.open,
        )
        return layer.sensitivity(*self.constants(zero)) is Sensitivity.NO

    def _default(self, value: Value) -> Value:
        atom = only(value)
        return lit(0) if isinstance(atom, Ref) and self.things[atom.thing].off else value

    def fill_own(self, number: int, args: Arguments, state: State) -> None:
        """An object of a container's subclass is given modules: ``super().__init__(*layers)``."""
        for name in self._libraries(number):
            layer = self.knowledge.layer(name)
            holds = layer is not None and layer.contains == CONTAINER
            if layer is not None and holds and self._holds_modules(layer, args, state):
                self._fill(number, args, state)
                return

    def _fill(self, number: int, args: Arguments, state: State) -> None:
        for index, value in enumerate(args.positional):
            if any(isinstance(atom, Ref) and self._contains(atom) for atom in value.atoms):
                self.take_all(number, value, state)
            else:
                self.put(number, f"[{index}]", value, state)

    def note_built(
        self,
        name: str,
        sensitive: Sensitivity,
        parameters: bool,
        site: Call,
        state: State,
        frame: Frame,
    ) -> None:
        """Note a module that is made inside a forward pass."""
        if not frame.in_forward:
            return
        names = [self._module_owner(frame) or "", *self.function_names(frame)]
        by_mode = any(key[0] == "training" for key in state.assume)
        if by_mode or any(self.speaks("stochastic", item) for item in names):
            sensitive = Sensitivity.NO
        fact = BuiltInForward(
            self.place(frame, site.at),
            frame.known.function.qualname if frame.known else "",
            (),
            type=name,
            sensitive=sensitive,
            parameters=parameters,
            owner=self._module_owner(frame) or "",
        )
        self.recorder.note(fact)

    def factory_made(
        self, factory: Factory, name: str, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value:
        """What a library's factory returns."""
        place = self.place(frame, site.at)
        thing, _ = self.things.make(("made", frame.context, place), "module")
        thing.lib, thing.text, thing.place = class_of(name), show(site), place
        told = factory.sensitivity(*self.constants(args))
        thing.sensitive = factory.sensitive if told is Sensitivity.UNKNOWN else told
        thing.because = factory.layer or factory.name
        thing.detector, thing.doubts, thing.parts = factory.detector, self.doubts, factory.parts
        if factory.name.endswith(ANY_NAME):
            self.guessed.add(thing.number)
        self._with_norm(thing, factory, args)
        how = "built" if self._without_weights(args) else "loaded"
        mode = self.written(factory.mode_of(*self.constants(args)), how, show(site), place)
        mode = mode._replace(mixed=factory.mixed)
        thing.built = next(iter(mode.origins))
        result = self.born(thing, mode, state)
        if factory.item is None:
            return result
        items = self.container("list", site.at, frame)
        self.assign(items.number, f"[{factory.item}]", result, state)
        return items.value

    def _with_norm(self, thing: Thing, factory: Factory, args: Arguments) -> None:
        """A network that is made with other layers than its batch norm is as these are."""
        own = self.knowledge.layer(f"torch.nn.{factory.layer}")
        if own is None or own.kind != "norm":
            return
        for name, value in args.keywords:
            atom = only(value) if self.knowledge.keyword(name) == "norm" else NONE
            if isinstance(atom, Partial):
                atom = only(atom.target)
            if atom == NONE:
                continue
            given = self.knowledge.layer(atom.name) if isinstance(atom, Lib) else None
            thing.sensitive = given.sensitive if given is not None else Sensitivity.UNKNOWN
            thing.because = given.name.rpartition(".")[2] if given is not None else ""
            if thing.sensitive is not Sensitivity.YES:
                parts = factory.parts.items()
                thing.parts = {
                    part: told if told is Sensitivity.NO else thing.sensitive
                    for part, told in parts
                }

    def _without_weights(self, args: Arguments) -> bool:
        """Whether a call says that a network comes with random weights."""
        told = [
            constant(value)
            for name, value in args.keywords
            if self.knowledge.keyword(name) == "weights"
        ]
        return bool(told) and all(item is not None and not item.value for item in told)

    def _wrapped(self, name: str, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        wrapper = self.knowledge.wrapper(name)
        assert wrapper is not None
        if wrapper.spread:
            beside = [value for name, value in args.keywords if name == wrapper.beside]
            values = [*args.positional, *beside]
            if len(values) == 1:
                return values[0]
            return self.listed(values, "tuple", site.at, frame, state)
        value = self.argument(wrapper.argument, args)
        if value is None:
            return tainted(args.values())
        if wrapper.copy:
            value = self.copied(value, site, state, frame)
        mode = wrapper.mode_of(*self.constants(args))
        if mode is not None:
            self.switch_value(value, mode, site, state, frame)
        if wrapper.adds:
            self.add_parts(value, state)
        if wrapper.item is None:
            return value
        items = self.container("list", site.at, frame)
        self.assign(items.number, f"[{wrapper.item}]", value, state)
        return items.value

    def copied(self, value: Value, site: Call, state: State, frame: Frame) -> Value:
        """A copy with a life of its own, in the same modes."""
        return join_all(
            [
                self._copy(atom, site, state, frame) if isinstance(atom, Ref) else one(atom)
                for atom in ordered(value.atoms)
            ]
        )

    def _copy(self, atom: Ref, site: Call, state: State, frame: Frame) -> Value:
        source = self.things[atom.thing]
        key = ("copy", frame.context, frame.path, site.at, atom.thing)
        thing, new = self.things.make(key, source.kind)
        if new:
            thing.cls, thing.lib, thing.text = source.cls, source.lib, show(site)
            thing.sensitive, thing.because = source.sensitive, source.because
            thing.place, thing.built, thing.shown = source.place, source.built, source.shown
            thing.doubts, thing.parts = source.doubts, source.parts
        mode = self.things.mode(state, atom.thing)
        state.forget(thing.number)
        self._forget_parts(thing.number, state)
        for name in self.things.names(atom.thing):
            held = state.get((atom.thing, name))
            if held is not None:
                inner = [item for item in held.atoms if isinstance(item, Ref) and item != atom]
                deep = bool(inner) and all(self.is_module(item) for item in inner)
                held = self.copied(held, site, state, frame) if deep else held
                self.assign(thing.number, name, held, state)
        state.modes[thing.number] = mode
        return thing.value
