"""Builtins, and methods of containers, modules and what else the project doesn't define."""

from __future__ import annotations

from collections.abc import Callable

from evalguard.events import Call, show
from evalguard.facts import Revealed
from evalguard.flow.attributes import ITEMS, item_name
from evalguard.flow.core import Arguments, Frame
from evalguard.flow.libraries import Libraries
from evalguard.flow.state import ModeState, State
from evalguard.flow.values import (
    ANYTHING,
    Cls,
    Inert,
    Method,
    Part,
    Partial,
    Ref,
    Saved,
    Value,
    constant,
    join_all,
    lit,
    one,
    only,
    ordered,
    tainted,
)
from evalguard.knowledge import ModuleMethod
from evalguard.modes import Mode

SAME_ITEMS = frozenset(("list", "tuple", "set", "sorted", "reversed", "iter", "frozenset", "filter"))
NUMBERS = frozenset(("float", "int", "bool", "round"))
NO_PROOF = frozenset(("add_module", "forward", "apply", "type", "compile", "float", "to", "cpu"))
PARTIAL = "functools.partial"
REVEAL = "reveal_mode"
EXITS = frozenset(("sys.exit", "os._exit"))


class Builtins(Libraries):
    """Calls of builtins and of methods that aren't the project's."""

    def library_or_builtin(
        self, name: str, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value:
        """Call a library name, builtins included."""
        if name == PARTIAL and args.positional:
            return one(Partial(args.positional[0], args.positional[1:], args.keywords))
        if name in EXITS:
            state.dead = True
        if not name.startswith("builtins."):
            return self.library_call(name, args, site, state, frame)
        return self._builtin(name.partition(".")[2], args, site, state, frame)

    def _builtin(
        self, name: str, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value:
        first = args.positional[0] if args.positional else ANYTHING
        if name in SAME_ITEMS:
            source = args.positional[1] if name == "filter" and len(args.positional) > 1 else first
            return source
        if name in NUMBERS:
            self.recorder.measured(self.deep(first, state).taint)
            return ANYTHING if constant(first) is None else self._number(name, first, state)
        if name == "print":
            self.recorder.measured(tainted([self.deep(v, state) for v in args.values()]).taint)
            return lit(None)
        if name in ("exit", "quit"):
            state.dead = True
            return lit(None)
        if name == "len":
            self.recorder.shape(first.taint)
            return ANYTHING
        handler = _BUILTINS.get(name)
        if handler is not None:
            return handler(self, args, site, state, frame)
        return self.effect(f"builtins.{name}", None, args, site, state, frame)

    def _number(self, name: str, value: Value, state: State) -> Value:
        holds, _ = self.truth(value, state)
        return lit(holds) if name == "bool" and holds is not None else value

    def _zip(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        rows = [self.sequence(value, state) for value in args.positional]
        known = [row for row in rows if row is not None]
        if known and len(known) == len(rows) and len({len(row) for row in known}) == 1:
            pairs = [
                self._tuple([row[index] for row in known], f"zip{index}", site, state, frame)
                for index in range(len(known[0]))
            ]
            return self.listed(pairs, "zip", site.at, frame, state)
        items = [self.items(value, state) for value in args.positional]
        return self._loose([self._tuple(items, "zip", site, state, frame)], site, state, frame)

    def _enumerate(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        first = args.positional[0] if args.positional else ANYTHING
        pair = self._tuple([ANYTHING, self.items(first, state)], "enumerate", site, state, frame)
        return self._loose([pair], site, state, frame)

    def _map(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        items = tuple(self.items(value, state) for value in args.positional[1:])
        result = self.call_value(args.positional[0], Arguments(items), site, state, frame)
        return self._loose([result], site, state, frame)

    def _next(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        return self.items(args.positional[0], state) if args.positional else ANYTHING

    def _range(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        return ANYTHING

    def _getattr(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        name = constant(args.positional[1]) if len(args.positional) > 1 else None
        if name is None or not isinstance(name.value, str):
            return ANYTHING
        return self.attribute(args.positional[0], name.value, site, state, frame)

    def _setattr(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        if len(args.positional) == 3:
            name = constant(args.positional[1])
            for atom in args.positional[0].atoms:
                if isinstance(atom, Ref) and name is not None and isinstance(name.value, str):
                    self.assign(atom.thing, name.value, args.positional[2], state)
        return lit(None)

    def _isinstance(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        return ANYTHING

    def _dict(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        holder = self.container("dict", site.at, frame)
        for value in args.positional:
            self.put(holder.number, ITEMS, self.items(value, state), state)
        for name, value in args.keywords:
            self.put(holder.number, f"[{name!r}]", value, state)
        return one(Ref(holder.number))

    def _tuple(
        self, items: list[Value], kind: str, site: Call, state: State, frame: Frame
    ) -> Value:
        return self.listed(items, kind, site.at, frame, state)

    def _loose(self, items: list[Value], site: Call, state: State, frame: Frame) -> Value:
        """A list of unknown length with any of these items."""
        holder = self.container("items", site.at, frame)
        self.assign(holder.number, ITEMS, join_all(items), state)
        return one(Ref(holder.number))

    # reveal_mode.

    def reveal(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        """``reveal_mode(module)``: tell what is believed here."""
        value = args.positional[0] if args.positional else ANYTHING
        text = show(site.args[0]) if site.args else ""
        for atom in ordered(value.atoms):
            if isinstance(atom, (Ref, Part)):
                seen = self.survey(atom.thing, text, state)
                fact = Revealed(
                    self.place(frame, site.at),
                    module=seen.module,
                    mode=seen.mode,
                    mixed=seen.mixed,
                    grad=state.grad,
                )
                self.recorder.revealed(fact)
        return value

    # Methods.

    def method_call(
        self, method: Method, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value:
        """Call a method that the project doesn't define."""
        owner, name = method.owner, method.name
        if isinstance(owner, Cls):
            return self._class_method(owner, name, args, site, state, frame)
        if isinstance(owner, Ref) and self.things[owner.thing].kind in ("list", "dict"):
            return self._container_method(owner, name, args, site, state, frame)
        known = self.knowledge.module_method(name)
        if known is None or not isinstance(owner, (Ref, Part, Inert)):
            held = one(owner)
            return self.effect(name, held, args, site, state, frame)
        return self._module_method(owner, known, args, site, state, frame)

    def _class_method(
        self, owner: Cls, name: str, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value:
        for base in self.classes.libraries(owner.number):
            factory = self.knowledge.factory(f"{base}.{name}")
            if factory is not None and factory.module:
                value = self._factory(factory, args, site, state, frame)
                for atom in value.atoms:
                    if isinstance(atom, Ref):
                        self.things[atom.thing].because = self.classes[owner.number].cls.name
                return value
        return self.effect(name, None, args, site, state, frame)

    def _module_method(
        self,
        owner: Ref | Part | Inert,
        known: ModuleMethod,
        args: Arguments,
        site: Call,
        state: State,
        frame: Frame,
    ) -> Value:
        if isinstance(owner, Ref):
            thing = self.things[owner.thing]
            if thing.kind == "unknown" and not self._as_of_module(known, args):
                return self.effect(known.name, one(owner), args, site, state, frame)
            if known.effect != "train" and known.name not in NO_PROOF:
                thing.shown = True
        handler = _EFFECTS.get(known.effect)
        if handler is not None:
            result = handler(self, owner, known, args, site, state, frame)
            if result is not None:
                return result
        if known.returns == "self":
            return one(owner)
        if known.returns in ("children", "parameters") and isinstance(owner, (Ref, Part)):
            return one(Part(owner.thing))
        if known.returns == "none":
            return lit(None)
        return tainted([self.deep(value, state) for value in args.values()])

    def _as_of_module(self, known: ModuleMethod, args: Arguments) -> bool:
        """Whether a call on something unknown looks like the call of a module's method."""
        if known.effect in ("train", "eval"):
            return len(args.values()) <= (known.effect == "train") and all(
                not (atom := constant(value)) or isinstance(atom.value, bool)
                for value in args.values()
            )
        return True

    def _train(
        self,
        owner: Ref | Part | Inert,
        known: ModuleMethod,
        args: Arguments,
        site: Call,
        state: State,
        frame: Frame,
    ) -> Value | None:
        flag = (*args.positional, *[value for _, value in args.keywords])[:1]
        mode = self.flag_mode(flag[0], state, frame) if flag else ModeState(Mode.TRAIN, frozenset())
        self._set_mode(owner, mode, site, state, frame)
        return None

    def _eval(
        self,
        owner: Ref | Part | Inert,
        known: ModuleMethod,
        args: Arguments,
        site: Call,
        state: State,
        frame: Frame,
    ) -> Value | None:
        if isinstance(owner, Ref):
            override = self.override(self.things[owner.thing], "train", state)
            if override is not None and len(self.functions[override.number].function.params) > 1:
                place = self.place(frame, site.at)
                off = Arguments((lit(False),))
                bound = override._replace(bound=owner)
                self.call_function(bound, off, place, show(site.func), state, frame)
                return one(owner)
        self._set_mode(owner, ModeState(Mode.EVAL, frozenset()), site, state, frame)
        return None

    def flag_mode(self, flag: Value, state: State, frame: Frame) -> ModeState:
        """The mode that ``train(flag)`` sets."""
        saved = only(flag)
        if isinstance(saved, Saved):
            decided = state.assume.get(("training", saved.thing))
            mode = saved.mode if decided is None else Mode.of(decided)
            return ModeState(mode, frozenset())
        holds = self.decide(flag, state, frame)
        return ModeState(Mode.UNSEEN if holds is None else Mode.of(holds), frozenset())

    def _set_mode(
        self,
        owner: Ref | Part | Inert,
        mode: ModeState,
        site: Call,
        state: State,
        frame: Frame,
    ) -> None:
        if isinstance(owner, Inert):
            return
        place = self.place(frame, site.at)
        origin = self.written(mode.mode, "switched", show(site), place)
        if isinstance(owner, Ref):
            self.switch(owner.thing, origin, state, frame, set())
        elif owner.thing in state.narrow:
            self.partial_switch(owner.thing, origin, state)
        else:
            self.switch(owner.thing, origin, state, frame, set())

    def _freezes(
        self,
        owner: Ref | Part | Inert,
        known: ModuleMethod,
        args: Arguments,
        site: Call,
        state: State,
        frame: Frame,
    ) -> Value | None:
        flag = constant(args.values()[0]) if args.values() else None
        if isinstance(owner, Ref) and self.things[owner.thing].kind == "unknown":
            if flag is None or flag.value:
                self.wants_gradient(state, frame)
        if isinstance(owner, (Ref, Part)):
            frozen = flag is not None and flag.value is False
            if frozen:
                self.assign(owner.thing, "#frozen", lit(True), state)
            else:
                state.fields.pop((owner.thing, "#frozen"))
        return None

    def _applies(
        self,
        owner: Ref | Part | Inert,
        known: ModuleMethod,
        args: Arguments,
        site: Call,
        state: State,
        frame: Frame,
    ) -> Value | None:
        if args.positional and isinstance(owner, (Ref, Part)):
            part = Arguments((one(Part(owner.thing)),))
            self.call_value(args.positional[0], part, site, state, frame)
        return one(owner)

    def _registers(
        self,
        owner: Ref | Part | Inert,
        known: ModuleMethod,
        args: Arguments,
        site: Call,
        state: State,
        frame: Frame,
    ) -> Value | None:
        if isinstance(owner, Ref):
            values = args.positional
            name = constant(values[0]) if values else None
            if len(values) == 2 and name is not None and isinstance(name.value, str):
                self.assign(owner.thing, name.value, values[1], state)
            else:
                for value in values:
                    self.put(owner.thing, ITEMS, self._flat(value, state), state)
        return None

    def _flat(self, value: Value, state: State) -> Value:
        atom = only(value)
        if isinstance(atom, Ref) and self.things[atom.thing].kind in ("list", "dict"):
            return self.items(value, state)
        return value

    def _forwards(
        self,
        owner: Ref | Part | Inert,
        known: ModuleMethod,
        args: Arguments,
        site: Call,
        state: State,
        frame: Frame,
    ) -> Value | None:
        if isinstance(owner, Ref):
            return self.forward(owner.thing, args, site, state, frame)
        return None

    # Containers.

    def _container_method(
        self, owner: Ref, name: str, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value:
        values = args.values()
        if name in ("append", "add", "insert", "appendleft", "put"):
            self.put(owner.thing, ITEMS, values[-1] if values else ANYTHING, state)
            return lit(None)
        if name in ("extend", "update"):
            for value in args.positional:
                self.put(owner.thing, ITEMS, self.items(value, state), state)
            for key, value in args.keywords:
                self.put(owner.thing, f"[{key!r}]", value, state)
            return lit(None)
        if name in ("get", "pop", "setdefault"):
            index = values[0] if values else ANYTHING
            known = state.get((owner.thing, item_name(index)))
            return known if known is not None else self.items(one(owner), state)
        if name == "items":
            pairs = [
                self._tuple([key, value], f"pair{index}", site, state, frame)
                for index, (key, value) in enumerate(self._entries(owner, state))
            ]
            return self.listed(pairs, "pairs", site.at, frame, state)
        if name == "values":
            return self._values(owner, site, state, frame)
        if name in ("copy", "popleft"):
            return one(owner)
        return self.effect(name, one(owner), args, site, state, frame)

    def _entries(self, owner: Ref, state: State) -> list[tuple[Value, Value]]:
        """A dict's keys and values; one pair stands for those that aren't known."""
        out = []
        for name in self.things.names(owner.thing):
            value = state.get((owner.thing, name))
            if value is not None and (name == ITEMS or name.startswith("[")):
                key = lit(name[2:-2]) if name.startswith("['") else ANYTHING
                out.append((key, value))
        return out

    def _values(self, owner: Ref, site: Call, state: State, frame: Frame) -> Value:
        if state.get((owner.thing, ITEMS)) is not None:
            return one(owner)
        values = [value for _, value in self._entries(owner, state)]
        return self.listed(values, "values", site.at, frame, state)


_BUILTINS: dict[str, Callable[[Builtins, Arguments, Call, State, Frame], Value]] = {
    "zip": Builtins._zip,
    "enumerate": Builtins._enumerate,
    "map": Builtins._map,
    "next": Builtins._next,
    "range": Builtins._range,
    "getattr": Builtins._getattr,
    "setattr": Builtins._setattr,
    "isinstance": Builtins._isinstance,
    "dict": Builtins._dict,
}
_EFFECTS: dict[str, Callable[..., Value | None]] = {
    "train": Builtins._train,
    "eval": Builtins._eval,
    "freezes": Builtins._freezes,
    "applies": Builtins._applies,
    "registers": Builtins._registers,
    "forwards": Builtins._forwards,
}
