"""Objects: reading and setting names, attributes and items."""

from __future__ import annotations

import builtins

from evalguard.events import Attr, Call, Display, Expr, Item, Name, Star, show
from evalguard.facts import TrainingAssigned
from evalguard.flow.core import NO_ARGUMENTS, Frame
from evalguard.flow.state import State
from evalguard.flow.switching import FROZEN, INPUT_GRADIENT, Switching
from evalguard.flow.values import (
    ANYTHING,
    MADE,
    NEVER,
    Atom,
    Cls,
    File,
    Fun,
    Inert,
    Lib,
    Lit,
    Made,
    Method,
    Part,
    Ref,
    Super,
    Value,
    constant,
    detached,
    join,
    join_all,
    one,
    ordered,
    sure,
)
from evalguard.modes import Mode
from evalguard.places import Place, Span

BUILTINS = frozenset(dir(builtins))
UNWRAPPING = frozenset(("module", "_orig_mod"))
ITEMS = "*"
PLACED = "#at:"
CONTAINER_READS = frozenset(("keys", "values", "items", "get", "pop"))


def item_name(value: Value) -> str:
    """The name under which a container keeps the item at an index or key."""
    known = constant(value)
    return ITEMS if known is None else f"[{known.value!r}]"


class Attributes(Switching):
    """Reads and writes variables, attributes and items."""

    # Variables.

    def home(self, name: str, frame: Frame) -> int:
        """The object that holds a variable, seen from a frame."""
        elsewhere = frame.elsewhere.get(name)
        if elsewhere is not None:
            return elsewhere
        seen: Frame | None = frame
        while seen is not None and seen.outer is not None:
            if name in seen.names:
                return seen.thing
            seen = self.frames.get(seen.outer)
        return seen.thing if seen is not None else frame.thing

    def lookup(self, name: str, state: State, frame: Frame) -> Value:
        """Read a variable."""
        home = self.home(name, frame)
        value = state.get((home, name))
        if value is not None:
            return value
        if self.things[home].kind == "file":
            known = self.file_value(self.things[home].text, name, state)
            if known is not None:
                return known
            if name in BUILTINS:
                return one(Lib(f"builtins.{name}"))
        return ANYTHING

    def assign(self, home: int, name: str, value: Value, state: State) -> None:
        """Set a variable or attribute."""
        state.fields[(home, name)] = value
        self.things.note(home, name)

    def bind(self, target: Expr, value: Value, state: State, frame: Frame, span: Span) -> None:
        """Assign to any target."""
        if isinstance(target, Name):
            self.assign(self.home(target.id, frame), target.id, value, state)
        elif isinstance(target, Attr):
            self._bind_attribute(target, value, state, frame, span)
        elif isinstance(target, Item):
            self._bind_item(target, value, state, frame)
        elif isinstance(target, Display):
            self._unpack(target, value, state, frame, span)
        elif isinstance(target, Star):
            self.bind(target.value, value, state, frame, span)

    def _unpack(
        self, target: Display, value: Value, state: State, frame: Frame, span: Span
    ) -> None:
        for index, part in enumerate(target.items):
            if isinstance(part, Star):
                item = self.items(value, state)
            else:
                item = self.item(value, one(Lit("int", index)), state)
            self.bind(part, item, state, frame, span)

    def _bind_attribute(
        self, target: Attr, value: Value, state: State, frame: Frame, span: Span
    ) -> None:
        owner = self.value(target.value, state, frame)
        if target.name == "training":
            self._assign_training(target, owner, value, state, frame, span)
            return
        if target.name == "requires_grad":
            self._want_gradient(owner, value, self.place(frame, span), state, frame)
        for atom in ordered(owner.atoms):
            if isinstance(atom, Ref):
                self._set(atom, target.name, value, state)
                if atom == frame.me and self._holds_items(value):
                    where = one(Lit("place", self.place(frame, span)))
                    self.assign(atom.thing, f"{PLACED}{target.name}", where, state)
            elif isinstance(atom, Cls):
                self.assign(self.classes[atom.number].thing, target.name, value, state)
        if value.taint and any(self._from_outside(atom) for atom in owner.atoms):
            self.recorder.escaped(value.taint)

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
        self.assign(atom.thing, name, value, state)

    def keep(self, value: Value) -> None:
        """A module made inside a forward pass may be kept on an object."""
        for held in value.atoms:
            if isinstance(held, Ref) and self.things[held.thing].forward_born:
                self.recorder.kept(self.things[held.thing].place)
            elif isinstance(held, Inert) and held.born is not None:
                self.recorder.kept(held.born)

    def _want_gradient(
        self, owner: Value, value: Value, place: Place, state: State, frame: Frame
    ) -> None:
        known = constant(value)
        if known is None:
            return
        for atom in owner.atoms:
            if isinstance(atom, Part) and known.value is False:
                if atom.thing not in state.narrow:
                    self.assign(atom.thing, FROZEN, one(Lit("place", place)), state)
            elif isinstance(atom, Part):
                self.assign(atom.thing, FROZEN, one(Lit("bool", False)), state)
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
            elif isinstance(atom, Ref):
                self._assign_root(atom, target, wanted.mode, state, frame, place)

    def _assign_root(
        self, atom: Ref, target: Attr, mode: Mode, state: State, frame: Frame, place: Place
    ) -> None:
        inside = frame.me == atom or mode is Mode.UNSEEN
        known = self.things.mode(state, atom.thing)
        if self._childless(atom.thing):
            wanted = self.written(mode, "switched", show(target), place)
            self.switch(atom.thing, wanted, state, frame, set())
            return
        if inside or not self._may_be_module(atom):
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

    def _childless(self, number: int) -> bool:
        """Whether the root is all there is of a module."""
        layer = self.knowledge.layer(self.things[number].lib)
        return layer is not None and not layer.contains

    def _may_be_module(self, atom: Ref) -> bool:
        return self.things[atom.thing].kind in ("module", "unknown")

    def _bind_item(self, target: Item, value: Value, state: State, frame: Frame) -> None:
        owner = self.value(target.value, state, frame)
        name = item_name(self.value(target.key, state, frame))
        for atom in owner.atoms:
            if isinstance(atom, Ref):
                self.put(atom.thing, name, value, state)

    def put(self, container: int, name: str, value: Value, state: State) -> None:
        """Put an item into a container; under an unknown key it joins what is there."""
        old = state.get((container, name)) if name == ITEMS else None
        self.assign(container, name, join(old, value) if old else value, state)

    # Attributes.

    def attribute(self, owner: Value, name: str, site: Expr, state: State, frame: Frame) -> Value:
        """Read ``owner.name``."""
        if owner.taint and self.knowledge.is_shape(name):
            self.recorder.shape(owner.taint)
            return ANYTHING
        out = NEVER
        for atom in ordered(owner.atoms):
            out = join(out, self._attribute(atom, name, site, state, frame))
        out = sure(Value(out.atoms, out.taint | owner.taint))
        return detached(out) if out.taint and self.knowledge.detaches(name) else out

    def _attribute(self, atom: Atom, name: str, site: Expr, state: State, frame: Frame) -> Value:
        if isinstance(atom, Ref):
            return self._of_object(atom, name, site, state, frame)
        if isinstance(atom, Lib):
            return one(Lib(f"{atom.name}.{name}"))
        if isinstance(atom, File):
            return self._of_file(atom, name, state)
        if isinstance(atom, Cls):
            return self._of_class(atom, name, state)
        if isinstance(atom, Super):
            return self._of_super(atom, name, state)
        if isinstance(atom, Part):
            return one(Method(atom, name) if self.knowledge.module_method(name) else atom)
        if isinstance(atom, Inert):
            return one(Method(atom, name)) if self.knowledge.module_method(name) else ANYTHING
        return one(atom) if isinstance(atom, Made) else ANYTHING

    def _of_object(self, atom: Ref, name: str, site: Expr, state: State, frame: Frame) -> Value:
        thing = self.things[atom.thing]
        if name == "training" and thing.kind in ("module", "unknown"):
            return self.training_of(atom.thing, state)
        held = state.get((atom.thing, name))
        if held is not None:
            return held
        if thing.cls is not None:
            member = self.member(thing.cls, name, state)
            if member is not None:
                return self._bound(member, atom, site, state, frame)
        if thing.kind in ("list", "dict", "frame", "class"):
            return one(Method(atom, name))
        if thing.kind in ("module", "unknown") and self.knowledge.module_method(name):
            return one(Method(atom, name))
        if thing.kind == "module" and thing.lib and name in CONTAINER_READS:
            return one(Method(atom, name))
        if name in UNWRAPPING and thing.kind != "object":
            return one(atom)
        if thing.cls is not None and not self._may_have(thing.cls, name):
            return ANYTHING
        return one(Ref(self.things.child(atom.thing, name).number))

    def _may_have(self, cls: int, name: str) -> bool:
        """Whether objects of a class may have an attribute that was never seen set."""
        if any(self._opaque_base(base) for base in self.classes.libraries(cls)):
            return True
        atoms = [atom for atom in self.classes.ancestry(cls) if isinstance(atom, Cls)]
        return any(name in self.classes[atom.number].cls.uses for atom in atoms)

    def member(self, cls: int, name: str, state: State, after: int = -1) -> Value | None:
        """A class's attribute, by the order of method lookup; after a class, for ``super()``."""
        ancestry = self.classes.ancestry(cls)
        if after >= 0 and Cls(after) in ancestry:
            ancestry = ancestry[ancestry.index(Cls(after)) + 1 :]
        for atom in ancestry:
            if isinstance(atom, Cls):
                found = state.get((self.classes[atom.number].thing, name))
                if found is not None:
                    return found
        return None

    def _bound(self, member: Value, atom: Ref, site: Expr, state: State, frame: Frame) -> Value:
        out: list[Value] = []
        for item in ordered(member.atoms):
            if not isinstance(item, Fun) or item.bound is not None:
                out.append(one(item))
                continue
            role = self.functions[item.number].role
            bound = item if role == "static" else item._replace(bound=atom)
            if role == "property":
                place = self.functions[item.number].function.at
                out.append(
                    self.call_function(
                        bound, NO_ARGUMENTS, Place(frame.path, _span(site, place)), show(site),
                        state, frame,
                    )
                )  # fmt: skip
            else:
                out.append(one(bound))
        return join_all(out)

    def _of_file(self, atom: File, name: str, state: State) -> Value:
        known = self.file_value(atom.path, name, state)
        if known is not None:
            return known
        return ANYTHING

    def _of_class(self, atom: Cls, name: str, state: State) -> Value:
        member = self.member(atom.number, name, state)
        if member is None:
            libs = self.classes.libraries(atom.number)
            return one(Method(atom, name)) if libs else ANYTHING
        thing = Ref(self.classes[atom.number].thing)
        out = [
            one(item._replace(bound=thing))
            if isinstance(item, Fun) and self.functions[item.number].role == "class"
            else one(item)
            for item in ordered(member.atoms)
        ]
        return join_all(out)

    def _of_super(self, atom: Super, name: str, state: State) -> Value:
        me = atom.thing
        cls = me.number if isinstance(me, Cls) else self.things[me.thing].cls
        if cls is None:
            return ANYTHING
        member = self.member(cls, name, state, atom.after)
        if member is None:
            return one(Method(me, name))
        bound = me if isinstance(me, Ref) else None
        return join_all(
            one(item._replace(bound=bound)) if isinstance(item, Fun) else one(item)
            for item in ordered(member.atoms)
        )

    # Items.

    def item(self, owner: Value, index: Value, state: State) -> Value:
        """Read ``owner[index]``."""
        out = Value(NEVER.atoms, owner.taint)
        name = item_name(index)
        for atom in ordered(owner.atoms):
            if isinstance(atom, Ref):
                out = join(out, self._item(atom, name, state))
            elif isinstance(atom, (Part, Made)):
                out = join(out, one(atom))
        return sure(out)

    def _item(self, atom: Ref, name: str, state: State) -> Value:
        held = state.get((atom.thing, name))
        if held is not None and name != ITEMS:
            return held
        rest = state.get((atom.thing, ITEMS))
        if name == ITEMS:
            return self.items(one(atom), state)
        if rest is not None:
            return rest
        thing = self.things[atom.thing]
        if thing.kind in ("list", "dict"):
            return self._last(atom, name, state) or ANYTHING
        if thing.cls is not None and not self._may_have(thing.cls, "__getitem__"):
            return ANYTHING
        return one(Ref(self.things.child(atom.thing, name).number))

    def _last(self, atom: Ref, name: str, state: State) -> Value | None:
        """A list's item by a negative index."""
        names = [item for item in self.things.names(atom.thing) if item.startswith("[")]
        return state.get((atom.thing, names[-1])) if name == "[-1]" and names else None

    def items(self, owner: Value, state: State) -> Value:
        """Any item of a value: what a loop over it binds."""
        out = Value(NEVER.atoms, owner.taint)
        for atom in ordered(owner.atoms):
            if isinstance(atom, Ref):
                out = join(out, self._items(atom, state))
            elif isinstance(atom, Part):
                out = join(out, one(atom))
        return sure(out)

    def _items(self, atom: Ref, state: State) -> Value:
        thing = self.things[atom.thing]
        held = [
            value
            for name in self.things.names(atom.thing)
            if name == ITEMS or name.startswith("[")
            if (value := state.get((atom.thing, name))) is not None
        ]
        if held:
            return join_all(held)
        if thing.kind in ("list", "dict"):
            return ANYTHING
        if thing.cls is not None and not self._may_have(thing.cls, "__getitem__"):
            return ANYTHING
        return one(Ref(self.things.child(atom.thing, "[*]").number))

    def sequence(self, owner: Value, state: State) -> list[Value] | None:
        """The items of a list or tuple in order, if all are known; None otherwise."""
        if len(owner.atoms) != 1:
            return None
        (atom,) = owner.atoms
        if not isinstance(atom, Ref) or self.things[atom.thing].kind != "list":
            return None
        if state.get((atom.thing, ITEMS)) is not None:
            return None
        out: list[Value] = []
        while (value := state.get((atom.thing, f"[{len(out)}]"))) is not None:
            out.append(value)
        return out

    def made(self, value: Value) -> bool:
        """Whether a value is a tensor made on the spot."""
        return bool(value.atoms) and all(atom == MADE for atom in value.atoms)


def _span(site: Expr, fallback: Span) -> Span:
    return site.at if isinstance(site, Call) else fallback
