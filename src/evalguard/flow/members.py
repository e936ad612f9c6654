"""Members of project classes: methods, properties, setters, and what Python looks up by itself."""

from __future__ import annotations

from evalguard.events import Call, Expr, Import
from evalguard.flow.atoms import (
    Atom,
    Cls,
    File,
    Fun,
    Lib,
    Method,
    Partial,
    Ref,
    Sought,
    Super,
    Value,
)
from evalguard.flow.core import NO_ARGUMENTS, Arguments, Frame
from evalguard.flow.freezing import Freezing
from evalguard.flow.showing import show
from evalguard.flow.state import State
from evalguard.flow.values import ANYTHING, constant, join, join_all, lit, one, only, ordered
from evalguard.places import NOWHERE

PARTIAL_METHOD = "partialmethod"
FIELD = "field"
READ = frozenset(("property", "cached"))


class Members(Freezing):
    """Looks members up, and binds them to their object."""

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

    def bound(self, member: Value, atom: Ref, site: Expr, state: State, frame: Frame) -> Value:
        """A member as its object gives it: methods are bound, properties read.

        A class gives what its objects are methods of as the functions that they are.
        """
        out: list[Value] = []
        for item in ordered(member.atoms):
            if isinstance(item, Partial) and item.tag == PARTIAL_METHOD:
                target = self.bound(item.target, atom, site, state, frame)
                out.append(one(item._replace(target=target)))
                continue
            if not isinstance(item, Fun) or item.bound is not None:
                out.append(one(item))
                continue
            known = self.functions[item.number]
            if self.things[atom.thing].kind == "class" and known.role != "class":
                out.append(one(item))
                continue
            fun = self.bound_to(item, atom)
            if known.role not in READ:
                out.append(one(fun))
                continue
            value = self._ask(fun, NO_ARGUMENTS, site, state, frame)
            if known.role == "cached":
                self.assign(atom.thing, known.function.name, value, state)
            out.append(value)
        return join_all(out)

    def bound_to(self, fun: Fun, atom: Ref) -> Fun:
        """A function of a class as a method of an object (or of the class itself)."""
        role = self.functions[fun.number].role
        if role == "static":
            return fun
        cls = self.things[atom.thing].cls
        if role == "class" and cls is not None:
            atom = Ref(self.classes[cls].thing)
        return fun._replace(bound=atom)

    def _ask(self, fun: Fun, args: Arguments, site: Expr, state: State, frame: Frame) -> Value:
        known = self.functions[fun.number]
        place = self.place(frame, site.at) if isinstance(site, Call) else known.place
        return self.call_function(fun, args, place, show(site), state, frame)

    def set_by_property(
        self, atom: Ref, name: str, value: Value, site: Expr, state: State, frame: Frame
    ) -> bool:
        """Run the setter of a property, if an attribute is one."""
        cls = self.things[atom.thing].cls
        member = (
            self.member(cls, name, state) if cls is not None and name in self.set_names else None
        )
        for item in ordered(member.atoms) if member else ():
            setter = self.setters.get(item.number) if isinstance(item, Fun) else None
            if setter is not None:
                self._ask(setter._replace(bound=atom), Arguments((value,)), site, state, frame)
                return True
        return False

    def special_method(
        self, owner: Value, name: str, args: Arguments, site: Expr, state: State, frame: Frame
    ) -> Value:
        """What ``__getitem__`` or ``__iter__`` of the project's classes return; others stay."""
        atoms = [atom for atom in owner.atoms if isinstance(atom, Ref) and self._is_made(atom)]
        if not atoms:
            return owner
        out = Value(owner.atoms.difference(atoms), owner.taint)
        for atom in sorted(atoms):
            cls = self.things[atom.thing].cls
            member = self.member(cls, name, state) if cls is not None else None
            fun = (
                next((item for item in ordered(member.atoms) if isinstance(item, Fun)), None)
                if member
                else None
            )
            if fun is not None:
                out = join(out, self._ask(fun._replace(bound=atom), args, site, state, frame))
            else:
                out = join(out, one(atom))
        return owner if out == owner else out

    def _is_made(self, atom: Ref) -> bool:
        """Whether an atom is an object of a project class."""
        thing = self.things[atom.thing]
        return thing.cls is not None and thing.kind != "class"

    def by_name(self, atom: Ref, name: str, site: Expr, state: State, frame: Frame) -> Value | None:
        """What an object's ``__getattr__`` returns for an attribute; None if it has none."""
        cls = self.things[atom.thing].cls
        if cls is None or self.member(cls, "__getattr__", state) is None:
            return None
        args = Arguments((lit(name),))
        return self.special_method(one(atom), "__getattr__", args, site, state, frame)

    def fields_of(self, cls: int) -> list[str]:
        """What objects of a class without ``__init__`` are built from, the bases' first."""
        atoms = [atom for atom in self.classes.ancestry(cls) if isinstance(atom, Cls)]
        names = [name for atom in reversed(atoms) for name in self.classes[atom.number].cls.fields]
        return list(dict.fromkeys(names))

    def is_tuple(self, cls: int) -> bool:
        """Whether a class is a named tuple."""
        return any(name.endswith(".NamedTuple") for name in self.classes.libraries(cls))

    def introspected(self, atom: Atom, name: str) -> Value | None:
        """``__name__`` of classes and functions, ``__class__`` of objects, ``__dict__``."""
        if name == "__dict__" and isinstance(atom, File):
            return one(atom)
        thing = self.things[atom.thing] if isinstance(atom, Ref) else None
        cls = atom.number if isinstance(atom, Cls) else thing.cls if thing is not None else None
        if name == "__class__" and cls is not None and thing is not None and thing.kind != "class":
            return one(Cls(cls))
        if name not in ("__name__", "__qualname__"):
            return None
        if isinstance(atom, Fun):
            return lit(self.functions[atom.number].function.name)
        return None if cls is None else lit(self.classes[cls].cls.name)

    def by_key(self, owner: Value, key: Value, state: State, frame: Frame) -> Value | None:
        """An item of ``globals()``, of a module's ``__dict__`` or of ``sys.modules``."""
        atom, known = only(owner), constant(key)
        if known is None or not isinstance(known.value, str):
            return one(Sought((atom.path,))) if known is None and isinstance(atom, File) else None
        if isinstance(atom, File):
            return self.file_value(atom.path, known.value, state) or ANYTHING
        if not isinstance(atom, Lib):
            return None
        if atom.name == "sys.modules":
            if known.value in self.program.units:
                return one(File(known.value))
            return self.imported(Import(known.value, 0, None, "", NOWHERE), state, frame)
        whole, _, last = atom.name.rpartition(".")
        return self.of_library(f"{whole}.{known.value}", frame) if last == "__dict__" else None

    def of_class(self, atom: Cls, name: str, state: State) -> Value:
        """Read an attribute of a class."""
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

    def of_super(self, atom: Super, name: str, state: State) -> Value:
        """Read an attribute of ``super()``."""
        me = atom.thing
        cls = me.number if isinstance(me, Cls) else self.things[me.thing].cls
        cls = atom.after if cls is None else cls  # it is one of them at least
        member = self.member(cls, name, state, atom.after)
        if member is None:
            return one(Method(me, name))
        bound = me if isinstance(me, Ref) else Ref(self.classes[cls].thing)
        return join_all(
            one(self.bound_to(item, bound)) if isinstance(item, Fun) else one(item)
            for item in ordered(member.atoms)
        )
