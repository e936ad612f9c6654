"""Objects: reading and setting names, attributes and items."""

from __future__ import annotations

from evalguard.events import Attr, Compare, Display, Expr, Function, Item, Name, Star
from evalguard.facts import SwitchOverride, TrainingAssigned
from evalguard.flow.atoms import (
    Atom,
    Cls,
    Ctx,
    File,
    Files,
    Fun,
    Inert,
    Lib,
    Lit,
    Made,
    Method,
    Part,
    Partial,
    Ref,
    Sought,
    Super,
    Value,
)
from evalguard.flow.beside import SWITCHES
from evalguard.flow.core import Frame
from evalguard.flow.following import Following
from evalguard.flow.guards import is_guarded
from evalguard.flow.overrides import head_of, read_override
from evalguard.flow.showing import show
from evalguard.flow.state import State
from evalguard.flow.switching import INPUT_GRADIENT
from evalguard.flow.values import (
    ANYTHING,
    NEVER,
    constant,
    detached,
    join,
    one,
    ordered,
    sure,
    tainted,
)
from evalguard.flow.variables import ITEMS, item_name
from evalguard.modes import Mode
from evalguard.places import Place, Span

PLACED = "#at:"
ENTERING = frozenset(("enter_context", "enter_async_context", "__enter__", "__exit__"))
OF_TEXTS = frozenset((
    "lower", "upper", "casefold", "title", "capitalize", "strip", "lstrip", "rstrip",
    "removeprefix", "removesuffix", "replace", "startswith", "endswith", "isdigit",
))  # fmt: skip
PARTS = "_modules"  # a module's dict of its parts, by their names
CONTAINER_METHODS = frozenset(
    ("keys", "values", "items", "get", "pop", "append", "extend", "insert", "update")
)


class Attributes(Following):
    """Reads and writes variables, attributes and items."""

    def library_method(self, number: int, name: str) -> str:
        """The tables' name for a library's method; provided by the layer that knows them."""
        raise NotImplementedError

    def bind(self, target: Expr, value: Value, state: State, frame: Frame, span: Span) -> None:
        """Assign to any target."""
        if isinstance(target, Name):
            self.assign(self.home(target.id, frame), target.id, value, state)
        elif isinstance(target, Attr):
            owner = self.value(target.value, state, frame)
            self.bind_attribute(target, owner, value, state, frame, span)
        elif isinstance(target, Item):
            self._bind_item(target, value, state, frame, span)
        elif isinstance(target, Display):
            self._unpack(target, value, state, frame, span)
        elif isinstance(target, Star):
            self.bind(target.value, value, state, frame, span)

    def _unpack(
        self, target: Display, value: Value, state: State, frame: Frame, span: Span
    ) -> None:
        known = self.sequence(value, state)
        for index, part in enumerate(target.items):
            if not isinstance(part, Star):
                item = self.item(value, one(Lit("int", index)), state)
                self.bind(part, item, state, frame, span)
                continue
            rest = self.emptied("rest", span, frame, state)
            if known is None:
                self.assign(rest, ITEMS, self.items(value, state), state)
            else:
                after = len(target.items) - index - 1
                for place, item in enumerate(known[index : len(known) - after]):
                    self.assign(rest, f"[{place}]", item, state)
            self.bind(part.value, self.things[rest].value, state, frame, span)

    def bind_attribute(
        self, target: Attr, owner: Value, value: Value, state: State, frame: Frame, span: Span
    ) -> None:
        """Assign to ``owner.name``; ``target`` is how the code writes it."""
        if target.name == "training":
            self._assign_training(target, owner, value, state, frame, span)
            return
        if target.name == "requires_grad":
            self._want_gradient(owner, value, self.place(frame, span), state, frame)
        for atom in ordered(owner.atoms):
            if isinstance(atom, Ref):
                if not self.set_by_property(atom, target.name, value, target, state, frame):
                    self._set_on(atom, target.name, value, span, state, frame)
            elif isinstance(atom, Cls):
                self.assign(self.classes[atom.number].thing, target.name, value, state)
            elif isinstance(atom, File):
                home, _ = self.things.make(("file", atom.path), "file")
                self.assign(home.number, target.name, value, state)
        if value.taint and any(self._from_outside(atom) for atom in owner.atoms):
            self.recorder.escaped(value.taint)

    def _set_on(
        self, atom: Ref, name: str, value: Value, span: Span, state: State, frame: Frame
    ) -> None:
        self._set(atom, name, value, state)
        if name in SWITCHES:
            self._note_replaced(atom, name, value)
        if atom == frame.me and self._holds_items(value):
            where = one(Lit("place", self.place(frame, span)))
            self.assign(atom.thing, f"{PLACED}{name}", where, state)

    def _holds_items(self, value: Value) -> bool:
        return any(
            isinstance(atom, Ref) and self.things[atom.thing].kind in ("list", "dict")
            for atom in value.atoms
        )

    def _from_outside(self, atom: Atom) -> bool:
        if not isinstance(atom, Ref):
            return False
        return atom.thing in self.outside or self.things[atom.thing].kind == "unknown"

    def _set(self, atom: Ref, name: str, value: Value, state: State) -> None:
        self.keep(value)
        self.assign(atom.thing, self.held_as(atom.thing, name), value, state)

    def _note_replaced(self, atom: Ref, name: str, value: Value) -> None:
        """A ``train`` or ``eval`` bound to one module in place of its class's own."""
        thing = self.things[atom.thing]
        for fun in value.atoms:
            if isinstance(fun, Fun) and fun.bound == atom and thing.kind != "object":
                known = self.functions[fun.number]
                place = Place(known.path, head_of(known.function))
                traits = read_override(known.function)._asdict()
                fact = SwitchOverride(
                    place, known.function.qualname, name=name, replaced=True, **traits
                )
                self.recorder.note(fact)

    def unsettle(self, number: int, name: str, state: State) -> None:
        """A constant that an object holds isn't known any more: it may have been set unseen."""
        held = state.get((number, name))
        if held is not None and constant(held) is not None:
            unknown = self.things.child(number, name).number
            state.forget(unknown)
            self.assign(number, name, self.things[unknown].value, state)

    def keep(self, value: Value) -> None:
        """A module made inside a forward pass may be kept on an object."""
        for place in self.born_in_forward(value):
            self.recorder.kept(place)

    def born_in_forward(self, value: Value) -> list[Place | None]:
        """Where those modules of a value were made that a forward pass makes."""
        out: list[Place | None] = []
        for atom in value.atoms:
            if isinstance(atom, Ref) and self.things[atom.thing].forward_born:
                out.append(self.things[atom.thing].place)
            elif isinstance(atom, Inert) and atom.born is not None:
                out.append(atom.born)
        return out

    def may_keep(self, function: Function, given: list[Value]) -> None:
        """A function that isn't followed may keep what it is given, if it sets attributes."""
        if any(text == "setattr" or text[-1] == "=" for text in function.mentions):
            for value in given:
                self.keep(value)

    def keep_once(self, holder: Expr, values: list[Value], span: Span, frame: Frame) -> None:
        """An item made inside a forward pass is kept if it is made only where it is missing."""
        born = [value for value in values if self.born_in_forward(value)]
        if not (born and frame.in_forward and frame.known):
            return
        if is_guarded(frame.known.function, holder, span):
            for value in born:
                self.keep(value)

    def _want_gradient(
        self, owner: Value, value: Value, place: Place, state: State, frame: Frame
    ) -> None:
        known = constant(value)
        if known is None:
            return
        for atom in owner.atoms:
            if isinstance(atom, Part):
                self.freeze_part(atom.thing, known.value is False, place, state)
            elif known.value is True:
                self.wants_gradient(state, frame)

    def wants_gradient(self, state: State, frame: Frame) -> None:
        """Gradients of an input are wanted from here on in this function."""
        self.assign(frame.thing, INPUT_GRADIENT, one(Lit("bool", True)), state)

    def _assign_training(
        self, target: Attr, owner: Value, value: Value, state: State, frame: Frame, span: Span
    ) -> None:
        known = constant(value)
        mode = Mode.of(bool(known.value)) if known is not None else Mode.UNSEEN
        place = self.place(frame, span)
        text = f"{show(target)} = {known.value if known else '...'}"
        wanted = self.written(mode, "switched", text, place)
        for atom in ordered(owner.atoms):
            if isinstance(atom, Part):
                self.switch_atom(atom, wanted, state, frame)
            elif isinstance(atom, Ref) and self._may_be_module(atom):
                self._assign_root(atom, target, wanted.mode, state, frame, place)
            elif isinstance(atom, Ref) and not self.set_by_property(
                atom, target.name, value, target, state, frame
            ):
                self._set(atom, target.name, value, state)

    def _assign_root(
        self, atom: Ref, target: Attr, mode: Mode, state: State, frame: Frame, place: Place
    ) -> None:
        inside = frame.me == atom or mode is Mode.UNSEEN
        known = self.things.mode(state, atom.thing)
        if self._childless(atom.thing, target.value):
            wanted = self.written(mode, "switched", show(target), place)
            self.switch_atom(atom, wanted, state, frame)
            return
        if inside:
            return
        fact = TrainingAssigned(
            place,
            frame.known.function.qualname if frame.known else "",
            self.steps(frame.context),
            module=self.survey(atom.thing, show(target.value), state).module,
            mode=mode,
            covered=known.mode == mode,
        )
        self.recorder.assigned(fact)
        self.assign(atom.thing, "#assigned", one(Lit("place", place)), state)

    def _childless(self, number: int, holder: Expr) -> bool:
        """Whether the root is all there is of a module; of one that can't be seen, by its name."""
        thing = self.things[number]
        if thing.kind == "unknown":
            return self.speaks("layer", show(holder).rpartition(".")[2])
        layer = self.knowledge.layer(thing.lib)
        return layer is not None and not layer.contains

    def _may_be_module(self, atom: Ref) -> bool:
        return self.things[atom.thing].kind in ("module", "unknown")

    def _bind_item(
        self, target: Item, value: Value, state: State, frame: Frame, span: Span
    ) -> None:
        self.keep_once(target.value, [value], span, frame)
        owner = self.value(target.value, state, frame)
        name = item_name(self.value(target.key, state, frame))
        for atom in ordered(owner.atoms):
            if isinstance(atom, Ref):
                self.put(atom.thing, name, value, state)
                self.renew(atom.thing, value, state)
        if not name.startswith("['"):
            taint = self.deep(value, state).taint | self._chosen(target.key, state, frame)
            self.take_in(target.value, owner, taint, state, frame, span)

    def _chosen(self, key: Expr, state: State, frame: Frame) -> frozenset[int]:
        """What decides which items are set: two things that are compared."""
        if not isinstance(key, Compare):
            return frozenset()
        names = [side for side in (key.left, key.right) if isinstance(side, Name)]
        return detached(tainted([self.value(name, state, frame) for name in names])).taint

    def take_in(
        self,
        target: Expr,
        owner: Value,
        taint: frozenset[int],
        state: State,
        frame: Frame,
        span: Span,
    ) -> None:
        """A tensor is changed in place: what it depends on now, whatever held it does."""
        kinds = [self.things[atom.thing].kind for atom in owner.atoms if isinstance(atom, Ref)]
        if not taint <= owner.taint and all(kind == "unknown" for kind in kinds):
            self.bind(target, Value(owner.atoms, owner.taint | taint), state, frame, span)

    def attribute(self, owner: Value, name: str, site: Expr, state: State, frame: Frame) -> Value:
        """Read ``owner.name``."""
        if owner.taint and self.knowledge.is_shape(name):
            self.recorder.shape(owner.taint)
            return ANYTHING
        if owner.taint and self.knowledge.effect(name) == "gradient":
            self.recorder.escaped(owner.taint)  # whoever reads the graph may differentiate
        out = NEVER
        atoms = ordered(owner.atoms)
        if name == "training" and len(atoms) > 1:
            atoms = tuple([atom for atom in atoms if self._tells_mode(atom)]) or atoms
        for atom in atoms:
            out = join(out, self._attribute(atom, name, site, state, frame))
        if owner.taint:
            out = Value(out.atoms, out.taint | owner.taint)
        out = sure(out)
        return detached(out) if out.taint and self.knowledge.detaches(name) else out

    def _tells_mode(self, atom: Atom) -> bool:
        """Whether this is a module; what else a name may stand for has no mode to be asked."""
        return isinstance(atom, Ref) and self.things[atom.thing].kind == "module"

    def _attribute(self, atom: Atom, name: str, site: Expr, state: State, frame: Frame) -> Value:
        if name.startswith("__") and (told := self.introspected(atom, name)) is not None:
            return told
        if isinstance(atom, Ref):
            return self._of_object(atom, name, site, state, frame)
        if isinstance(atom, Lib):
            return self.of_library(f"{atom.name}.{name}", frame)
        if isinstance(atom, File):
            return self._of_file(atom, name, state)
        if isinstance(atom, Files):
            return one(Sought(atom.paths, name))
        if isinstance(atom, Cls):
            return self.of_class(atom, name, state)
        if isinstance(atom, Super):
            return self.of_super(atom, name, state)
        if isinstance(atom, Part):
            method = self.knowledge.module_method(name) or name in CONTAINER_METHODS
            return one(Method(atom, name) if method else atom)
        if isinstance(atom, Inert):
            return one(Method(atom, name)) if self.knowledge.module_method(name) else ANYTHING
        return self._of_value(atom, name)

    def _of_value(self, atom: Atom, name: str) -> Value:
        text = isinstance(atom, Lit) and atom.kind == "str" and name in OF_TEXTS
        if text or (isinstance(atom, Ctx) and name in ENTERING):
            return one(Method(atom, name))
        if isinstance(atom, Fun) and name == "__get__":
            return one(Partial(one(Lib("types.MethodType")), (one(atom),), ()))
        return one(atom) if isinstance(atom, Made) else ANYTHING

    def _of_object(self, atom: Ref, name: str, site: Expr, state: State, frame: Frame) -> Value:
        thing = self.things[atom.thing]
        if name == "training" and thing.kind in ("module", "unknown"):
            return self.training_of(atom.thing, state)
        if name == PARTS and thing.kind == "module":
            return one(Part(atom.thing))
        held = state.get((atom.thing, self.held_as(atom.thing, name)))
        if held is not None:
            return held
        if thing.cls is not None:
            member = self.member(thing.cls, name, state)
            if member is not None:
                return self.bound(member, atom, site, state, frame)
        if self.has_method(thing.number, name) or self.library_method(thing.number, name):
            return one(Method(atom, name))
        if thing.kind in ("module", "unknown") and self.knowledge.module_method(name):
            return one(Method(atom, name))
        if thing.kind == "module" and thing.lib and name in CONTAINER_METHODS:
            return one(Method(atom, name))
        if thing.kind != "object" and self.knowledge.is_unwrapping(name):
            return self._unwrapped(atom, state)
        return self._never_set(atom, name, site, state, frame)

    def _unwrapped(self, atom: Ref, state: State) -> Value:
        """The module inside of a wrapper, which has a mode of its own; or what stands for both."""
        lib = self.things[atom.thing].lib
        wrapper = self.knowledge.wrapper(lib) if lib else None
        place = wrapper.argument.position if wrapper is not None else None
        inner = state.get((atom.thing, f"[{place}]")) if place is not None else None
        return one(atom) if inner is None else inner

    def _never_set(self, atom: Ref, name: str, site: Expr, state: State, frame: Frame) -> Value:
        """An attribute that was never seen set."""
        found = self.by_name(atom, name, site, state, frame)
        if found is not None:
            return found
        cls = self.things[atom.thing].cls
        if cls is not None and name == "_replace" and self.is_tuple(cls):
            return one(Method(atom, name))
        if cls is not None and not self._may_have(cls, name):
            return ANYTHING
        return self.things.child(atom.thing, name).value

    def _of_file(self, atom: File, name: str, state: State) -> Value:
        known = self.file_value(atom.path, name, state)
        if known is not None:
            return known
        return one(Method(atom, name)) if name == "get" else ANYTHING
