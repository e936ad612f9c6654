"""Variables and items of containers: read, set, unpacked."""

from __future__ import annotations

import builtins
from collections import OrderedDict

from evalguard.flow.atoms import Atom, Cls, Freeze, Lib, Made, Part, Ref, Value
from evalguard.flow.core import Frame
from evalguard.flow.forwards import Forwards
from evalguard.flow.state import State
from evalguard.flow.stilling import MARKS
from evalguard.flow.switching import FROZEN
from evalguard.flow.things import ANY_ITEM, SOME_ITEMS, Thing, is_parameter
from evalguard.flow.values import (
    ANYTHING,
    MADE,
    NEVER,
    constant,
    join,
    join_all,
    library,
    lit,
    one,
    ordered,
    sure,
)
from evalguard.places import Cut, Place, Span

BUILTINS = frozenset(dir(builtins))
ITEMS = "*"
LONGEST = 500  # of longer lists, the items are not told apart by their order
MOST_ALIKE = 4  # lists that a value may be, of which all have the same items
ANY_NAME = "__any__"  # in the tables: a name that isn't known before the program runs


class Variables(Forwards):
    """Reads and writes variables and items."""

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
                return library(f"builtins.{name}")
        return ANYTHING

    def assign(self, home: int, name: str, value: Value, state: State) -> None:
        """Set a variable or attribute."""
        holding = any(isinstance(atom, (Ref, Part)) for atom in value.atoms)
        if home in self.molds.numbers and (holding or name in MARKS):
            self.molds.changed(home)
        state.fields[(home, name)] = value
        if state.assume:
            state.reset((home, name), bool(value.atoms) and all(map(self._object, value.atoms)))
        self.things.note(home, name, holding)
        for atom in value.atoms if holding else ():
            if isinstance(atom, Ref) and is_parameter(self.things[atom.thing].lib):
                self.things.kept(atom.thing, home)

    def _object(self, atom: object) -> bool:
        """Whether an atom is an object: neither None nor anything that isn't known."""
        return isinstance(atom, Ref) and self.things[atom.thing].kind in ("module", "object")

    def freeze(self, number: int, word: str, place: Place, state: State) -> None:
        """An object's parameters, or some of them, are frozen on this path.

        Unfrozen before in the same loop, they are so in turns.
        """
        if self.loops and state.get((number, FROZEN)) == lit(False):
            self.recorder.thawed(number)
        self.ever_frozen.setdefault(number, len(self.things))
        self.assign(number, word, one(Freeze(place, state.path())), state)

    def unfreeze(self, number: int, state: State) -> None:
        """An object's parameters are trained from here on."""
        old = state.get((number, FROZEN))
        if old is not None and any(isinstance(atom, Freeze) for atom in old.atoms):
            self.recorder.thawed(number)
        self.assign(number, FROZEN, lit(False), state)

    def put(self, container: int, name: str, value: Value, state: State) -> None:
        """Put an item into a container; under an unknown key it joins what is there."""
        old = state.get((container, name)) if name == ITEMS else None
        self.assign(container, name, join(old, value) if old else value, state)

    def container(self, kind: str, span: Span, frame: Frame) -> Thing:
        """The list or dict made at a place."""
        thing, _ = self.things.make(
            (kind, frame.context, frame.path, span), "dict" if kind == "dict" else "list"
        )
        thing.text = kind
        return thing

    def emptied(self, kind: str, span: Span, frame: Frame, state: State) -> int:
        """The list or dict made at a place, made anew."""
        thing = self.container(kind, span, frame)
        for name in self.things.names(thing.number):
            state.fields.pop((thing.number, name))
        return thing.number

    def listed(
        self, items: list[Value], kind: str, span: Span, frame: Frame, state: State
    ) -> Value:
        """A new list or tuple of these items."""
        thing = self.container(kind, span, frame)
        state.fields.pop((thing.number, ITEMS))
        for index, value in enumerate(items):
            self.assign(thing.number, f"[{index}]", value, state)
        return thing.value

    def take_all(self, holder: int, source: Value, state: State) -> None:
        """Put the items of a container into another, under their keys where these are known."""
        for atom in ordered(source.atoms):
            if len(source.atoms) == 1 and isinstance(atom, Ref) and self._contains(atom):
                for name in self.things.names(atom.thing):
                    value = state.get((atom.thing, name))
                    if value is not None and (name == ITEMS or name.startswith("[")):
                        self.put(holder, name, value, state)
                return
        self.put(holder, ITEMS, self.items(source, state), state)

    def is_keyed(self, atom: Ref) -> bool:
        """Whether an object is a dict, or a library's module that holds others by name."""
        thing = self.things[atom.thing]
        if thing.kind == "module" and thing.lib:
            return any(name.startswith("['") for name in self.things.names(atom.thing))
        return thing.kind == "dict"

    def keys_of(self, atom: Ref, state: State, frame: Frame) -> Value:
        """A dict's keys, as a list."""
        held = self.held_keys(atom.thing, state)
        holder, _ = self.things.make(("keys", atom.thing, frame.context), "list")
        for name in self.things.names(holder.number):
            state.fields.pop((holder.number, name))
        for index, name in enumerate(held):
            self.assign(holder.number, f"[{index}]", key_of(name), state)
        if state.get((atom.thing, ITEMS)) is not None or not held:
            self.assign(holder.number, ITEMS, ANYTHING, state)
        return holder.value

    def held_keys(self, number: int, state: State) -> dict[str, None]:
        """The names under which a container holds something by a known key, in order."""
        names = [name for name in self.things.names(number) if name.startswith("[")]
        return {name: None for name in names if state.get((number, name)) is not None}

    def held_as(self, number: int, name: str) -> str:
        """The name under which an object keeps an attribute: as an item, if it is a dict."""
        item = self.things[number].kind == "dict" and not hasattr(OrderedDict, name)
        return f"[{name!r}]" if item else name

    def has_method(self, number: int, name: str) -> bool:
        """Whether something of Python's own has a method of this name."""
        kind = self.things[number].kind
        return kind in ("list", "frame", "class") or (kind == "dict" and hasattr(OrderedDict, name))

    def _contains(self, atom: Ref) -> bool:
        return self.things[atom.thing].kind in ("list", "dict")

    def _may_have(self, cls: int, name: str) -> bool:
        """Whether objects of a class may have an attribute that was never seen set."""
        if any(self._opaque_base(base) for base in self.classes.libraries(cls)):
            return True
        atoms = [atom for atom in self.classes.ancestry(cls) if isinstance(atom, Cls)]
        return any(name in self.classes[atom.number].cls.uses for atom in atoms)

    def item(self, owner: Value, index: Value, state: State) -> Value:
        """Read ``owner[index]``."""
        out = Value(NEVER.atoms, owner.taint)
        name = item_name(index)
        for atom in ordered(owner.atoms):
            if isinstance(atom, Ref):
                out = join(out, self._cut_out(atom, index) or self._item(atom, name, state))
            elif isinstance(atom, Part) and (row := self._children(atom, state)):
                out = join(out, self._of_row(atom, row, index, state))
            elif isinstance(atom, (Part, Made, Cls)) or _is_class(atom):
                out = join(out, one(atom))
            elif isinstance(atom, Lib):
                out = join(out, self.library_item(atom, index))
        return sure(out)

    def library_item(self, atom: Lib, key: Value) -> Value:
        """What a library keeps under a name or key: ``models.__dict__[name]``."""
        known = constant(key)
        last = known.value if known is not None and isinstance(known.value, str) else ANY_NAME
        name = f"{atom.name.removesuffix('.__dict__')}.{last}"
        return one(Lib(name)) if self.knowledge.factory(name) is not None else ANYTHING

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
        last = self._from_end(atom, name, state)
        if last is not None:
            return last
        if thing.kind in ("list", "dict"):
            return ANYTHING
        if thing.cls is not None and not self._may_have(thing.cls, "__getitem__"):
            return ANYTHING
        return self.things.child(atom.thing, name).value

    def _cut_out(self, atom: Ref, index: Value) -> Value | None:
        """Some of the layers of a library's network, where it isn't known which there are."""
        thing, known = self.things[atom.thing], constant(index)
        if thing.parts is None or known is None or not isinstance(known.value, Cut):
            return None
        if any(name == ITEMS or name.startswith("[") for name in self.things.names(thing.number)):
            return None
        return self.things.child(thing.number, SOME_ITEMS).value

    def _children(self, atom: Part, state: State) -> list[Value]:
        """The children of a library's network, if they are what is meant and all known."""
        parts = self.things[atom.thing].parts if atom.own else None
        names = [(name, state.get((atom.thing, name))) for name in parts or ()]
        return [
            self.things.child(atom.thing, name).value if held is None else held
            for name, held in names
        ]

    def _of_row(self, atom: Part, row: list[Value], index: Value, state: State) -> Value:
        """Some children of a network, or one of them."""
        known = constant(index)
        if known is not None and isinstance(known.value, Cut):
            start, stop = known.value
            holder, _ = self.things.make(("cut", atom.thing, start, stop), "list")
            for place, value in enumerate(row[start:stop]):
                self.assign(holder.number, f"[{place}]", value, state)
            return holder.value
        if known is not None and isinstance(known.value, int):
            return row[known.value] if -len(row) <= known.value < len(row) else ANYTHING
        return one(Part(atom.thing))

    def _from_end(self, atom: Ref, name: str, state: State) -> Value | None:
        """A list's item by a negative index."""
        length = self.length(atom, state) if name.startswith("[-") else None
        if length is None or not name[2:-1].isdecimal():
            return None
        return state.get((atom.thing, f"[{length - int(name[2:-1])}]"))

    def length(self, atom: Ref, state: State) -> int | None:
        """How many items a list (or a library's module) holds; None if some aren't known."""
        if state.get((atom.thing, ITEMS)) is not None:
            return None
        length = 0
        while state.get((atom.thing, f"[{length}]")) is not None:
            length += 1
        return length

    def append(self, atom: Ref, value: Value, state: State) -> None:
        """Put an item at the end; within a loop whose rounds aren't counted, anywhere."""
        length = self.length(atom, state)
        counted = all(loop.unrolled for loop in self.loops)
        self.put(
            atom.thing, ITEMS if length is None or not counted else f"[{length}]", value, state
        )

    def items(self, owner: Value, state: State) -> Value:
        """Any item of a value: what a loop over it binds."""
        out = Value(NEVER.atoms, owner.taint)
        for atom in ordered(owner.atoms):
            if isinstance(atom, Ref):
                out = join(out, self._items(atom, state))
            elif isinstance(atom, Part):
                out = join(out, one(Part(atom.thing)))
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
        return self.things.child(atom.thing, ANY_ITEM).value

    def sequence(self, owner: Value, state: State) -> list[Value] | None:
        """The items of a list or tuple in order, if all are known; None otherwise.

        It may be one of several that are alike.
        """
        if not 0 < len(owner.atoms) <= MOST_ALIKE:
            return None
        first, *others = [self._listed(atom, state) for atom in owner.atoms]
        return first if all(row == first for row in others) else None

    def _listed(self, atom: Atom, state: State) -> list[Value] | None:
        if not isinstance(atom, Ref):
            return None
        thing = self.things[atom.thing]
        length = self.length(atom, state)
        holder = thing.kind == "module" and thing.lib and length
        if length is None or length > LONGEST or not (thing.kind == "list" or holder):
            return None
        held = [state.get((atom.thing, f"[{index}]")) for index in range(length)]
        return [value for value in held if value is not None]

    def made(self, value: Value) -> bool:
        """Whether a value is a tensor made on the spot."""
        return bool(value.atoms) and all(atom == MADE for atom in value.atoms)


def item_name(value: Value) -> str:
    """The name under which a container keeps the item at an index or key."""
    known = constant(value)
    return ITEMS if known is None or isinstance(known.value, Cut) else f"[{known.value!r}]"


def key_of(name: str) -> Value:
    """The key of an item, by the name under which a container keeps it."""
    key = name[1:-1]
    if key[:1] == key[-1:] == "'":
        return lit(key[1:-1])
    return lit(int(key)) if key.isdecimal() else ANYTHING


def _is_class(atom: Atom) -> bool:
    """Whether a library name is a class by its spelling: ``Generic[T]`` is ``Generic``."""
    return isinstance(atom, Lib) and atom.name.rpartition(".")[2][:1].isupper()
