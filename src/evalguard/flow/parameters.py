"""Parameters: what a call passes for them, or what is known of a caller that can't be seen."""

from __future__ import annotations

from collections.abc import Sequence

from evalguard.events import Attr, Const, Display, Expr, Item, Name, Param
from evalguard.flow.atoms import Atom, Cls, Fun, Lib, Part, Ref, Value
from evalguard.flow.builtin import Builtins
from evalguard.flow.classes import Known
from evalguard.flow.core import Arguments, Frame
from evalguard.flow.state import ModeState, State
from evalguard.flow.values import ANYTHING, constant, one, only
from evalguard.flow.variables import ITEMS
from evalguard.modes import Mode

UNIONS = frozenset(("typing.Union", "typing.Optional"))


class Parameters(Builtins):
    """Binds arguments to parameters."""

    def bind_parameters(
        self, inner: Frame, known: Known, fun: Fun, args: Arguments, state: State
    ) -> None:
        """Bind arguments to parameters; what isn't passed is the default, or unknown."""
        positional = list(args.positional)
        if fun.bound is not None and known.role != "static":
            positional.insert(0, one(fun.bound))
        named = args.named()
        for param in known.function.params:
            value = self._argument(param, positional, named, args, inner, known, state)
            self.assign(inner.thing, param.name, value, state)

    def takes(self, fun: Fun, args: Arguments) -> bool:
        """Whether a function has a parameter for all that is passed, and is passed all it needs."""
        known = self.functions[fun.number]
        given = len(args.positional) + (fun.bound is not None and known.role != "static")
        return args.open or _fits(known.function.params, given, frozenset(args.named()))

    def modules_in(self, args: Arguments) -> list[int]:
        """The modules that a call is given, or parts of."""
        given = [atom for value in args.values() for atom in value.atoms]
        things = [atom.thing for atom in given if isinstance(atom, (Ref, Part))]
        return [number for number in things if self.things[number].kind == "module"]

    def put_in_doubt(self, args: Arguments, left: ModeState, state: State) -> None:
        """What a call is given in train mode may not be in it any more: it left others in eval."""
        reached = [self._reach(number, state) for number in self.modules_in(args)]
        for part in sorted(frozenset[int]().union(*reached)):
            own = self.things.mode(state, part)
            if (left.mode == Mode.EVAL or left.mixed) and own.mode == Mode.TRAIN:
                state.modes[part] = own._replace(mixed=True, assumed=True)

    def like_others(self, callees: Sequence[Atom]) -> list[Atom]:
        """What a module can't be seen to have is told by another's, where both may be meant.

        That one tells all; but if it may switch, both are switched.
        """
        methods = [
            atom
            for atom in callees
            if isinstance(atom, Fun) and atom.bound and self._is_network(atom.bound.thing)
        ]
        told = [self._as_another(atom, methods) for atom in callees]
        return [
            fun or atom
            for atom, fun in zip(callees, told, strict=True)
            if fun is None or self.functions[fun.number].bearing.switches
        ]

    def _as_another(self, atom: Atom, methods: Sequence[Fun]) -> Fun | None:
        """The method that another module has under the name of what this one has unseen."""
        thing = self.things[atom.thing] if isinstance(atom, Ref) else None
        if thing is None or thing.kind != "unknown" or thing.parent is None:
            return None
        if not (self._is_network(thing.parent) or self.things[thing.parent].kind == "unknown"):
            return None
        for fun in methods:
            if self.functions[fun.number].function.name == thing.text:
                return fun._replace(bound=Ref(thing.parent))
        return None

    def _is_network(self, number: int) -> bool:
        return self.things[number].kind == "module"

    def _argument(
        self,
        param: Param,
        positional: list[Value],
        named: dict[str, Value],
        args: Arguments,
        inner: Frame,
        known: Known,
        state: State,
    ) -> Value:
        at = known.function.at
        if param.kind == "args":
            rest, positional[:] = list(positional), []
            return self.listed(rest, "args", at, inner, state)
        if param.kind == "kwargs":
            holder = self.container("dict", at, inner)
            for name, value in named.items():
                self.put(holder.number, f"[{name!r}]", value, state)
            return holder.value
        if param.kind == "plain" and positional:
            named.pop(param.name, None)
            return positional.pop(0)
        if param.name in named:
            return named.pop(param.name)
        if param.default is not None and not args.open:
            home = self.frames.get(known.frame)
            return self.value(param.default, state, home) if home else ANYTHING
        return self._noted_list(param, inner, known, state) or self._parameter(
            param, inner, known, state
        )

    def _noted_list(self, param: Param, inner: Frame, known: Known, state: State) -> Value | None:
        """What an unseen caller passes for a ``List[Net]``: modules of that class."""
        home = self.frames.get(known.frame)
        note = None if home is None else self._noted_item(param.note, state, home)
        if home is None or note is None:
            return None
        atom = only(self.value(note, state, home))
        if not isinstance(atom, Cls) or not self.classes.is_module(atom.number):
            return None
        thing, _ = self.things.make(("noted", inner.thing, param.name), "module")
        thing.cls, thing.text = atom.number, f"{known.function.name}.{param.name}"
        thing.place = known.place
        holder = self.container(f"noted {param.name}", known.function.at, inner)
        self.assign(holder.number, ITEMS, thing.value, state)
        return holder.value

    def _noted_item(self, note: Expr | None, state: State, home: Frame) -> Expr | None:
        """``Net`` of ``List[Net]``, and of ``Union[Net, List[Net]]``."""
        if not isinstance(note, Item):
            return None
        kind = self._library_name(self.value(note.value, state, home))
        if self.knowledge.is_sequence(kind):
            return note.key
        among = note.key.items if isinstance(note.key, Display) else (note.key,)
        found = [self._noted_item(each, state, home) for each in among if kind in UNIONS]
        return next((each for each in found if each is not None), None)

    def _library_name(self, value: Value) -> str:
        atom = only(value)
        return atom.name if isinstance(atom, Lib) else ""

    def _parameter(self, param: Param, inner: Frame, known: Known, state: State) -> Value:
        """What an unseen caller passes."""
        thing, new = self.things.make(("param", inner.context, inner.thing, param.name), "unknown")
        if new:
            thing.text = f"{known.function.name}.{param.name}"
            thing.place = known.place
            thing.shown = self._noted_module(param, known, state)
            thing.off = param.default == Const(0)
        return thing.value

    def _noted_module(self, param: Param, known: Known, state: State) -> bool:
        home = self.frames.get(known.frame)
        if home is None or not isinstance(param.note, (Name, Attr)):
            return False
        kind = self._library_name(self.value(param.note, state, home))
        return self.knowledge.is_module_base(kind) is True


def _fits(params: Sequence[Param], given: int, named: frozenset[str]) -> bool:
    """Whether so many positional arguments, and keywords of these names, fit the parameters."""
    kinds = {param.kind for param in params}
    plain = [param.name for param in params if param.kind == "plain"]
    if given > len(plain) and "args" not in kinds:
        return False
    taken, names = frozenset(plain[:given]), frozenset(param.name for param in params)
    if not named.isdisjoint(taken) or not (named <= names or "kwargs" in kinds):
        return False
    needed = [param for param in params if param.kind in ("plain", "keyword")]
    return all(param.default or param.name in taken | named for param in needed)


def words_of(args: Arguments) -> object:
    """Those arguments of a call that may choose what it makes: constants other than numbers."""
    named = [(name, value) for name, value in args.keywords if constant(value) is not None]
    both = [*enumerate(args.positional), *named]
    known = [(key, constant(value)) for key, value in both]
    return frozenset([
        (key, atom) for key, atom in known
        if atom is not None and (isinstance(atom.value, (str, bool)) or atom.value is None)
    ])  # fmt: skip
