"""Methods that the project does not define: of modules and of containers."""

from __future__ import annotations

from collections.abc import Callable

from evalguard.events import Attr, Call
from evalguard.flow.atoms import Cls, File, Inert, Lit, Method, Part, Ref, Value
from evalguard.flow.attributes import CONTAINER_METHODS
from evalguard.flow.core import Arguments, Frame
from evalguard.flow.misgiven import names_a_mode
from evalguard.flow.showing import show
from evalguard.flow.state import ModeState, State
from evalguard.flow.switching import FROZEN
from evalguard.flow.things import UNSEEN
from evalguard.flow.turning import MethodCall, Turning
from evalguard.flow.values import ANYTHING, constant, join_all, lit, one, only, tainted
from evalguard.flow.variables import ITEMS, item_name, key_of
from evalguard.knowledge import Factory, ModuleMethod
from evalguard.modes import Mode

MANY = frozenset(("children", "row", "parameters"))


class Methods(Turning):
    """Calls methods of modules, lists and dicts."""

    def _tuple(
        self, items: list[Value], kind: str, site: Call, state: State, frame: Frame
    ) -> Value:
        return self.listed(items, kind, site.at, frame, state)

    def _loose(self, items: list[Value], site: Call, state: State, frame: Frame) -> Value:
        """A list of unknown length with any of these items."""
        holder = self.container("items", site.at, frame)
        self.assign(holder.number, ITEMS, join_all(items), state)
        return holder.value

    def method_call(
        self, method: Method, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value:
        """Call a method that the project doesn't define."""
        owner, name = method.owner, method.name
        if isinstance(owner, File):
            key = args.positional[0] if args.positional else ANYTHING
            return self.by_key(one(owner), key, state, frame) or ANYTHING
        if isinstance(owner, Ref) and name == "__init__":
            self.keep_given(owner.thing, args, state)
            self.fill_own(owner.thing, args, state)
        dotted = self.library_method(owner.thing, name) if isinstance(owner, Ref) else ""
        if dotted:
            result = self.library_method_call(dotted, method, args, site, state, frame)
            if result is not None:
                return result
        if isinstance(owner, Cls):
            return self._class_method(owner, name, args, site, state, frame)
        if isinstance(owner, Lit):
            return self._on_text(owner, name, args)
        if isinstance(owner, Ref) and self._is_container(owner, name):
            return self._container_method(owner, name, args, site, state, frame)
        if isinstance(owner, Part) and name in CONTAINER_METHODS:
            return ANYTHING if name == "keys" else one(owner)
        known = self.knowledge.module_method(name)
        if known is None or not isinstance(owner, (Ref, Part, Inert)):
            held = one(owner)
            return self.effect(name, held, args, site, state, frame)
        return self._module_method(owner, known, args, site, state, frame)

    def _on_text(self, owner: Lit, name: str, args: Arguments) -> Value:
        """A method of a string that is known."""
        given = [item.value for item in map(constant, args.values()) if item is not None]
        known = len(given) == len(args.values()) and not args.open
        if not known or not all(isinstance(item, str) for item in given):
            return ANYTHING
        try:
            return lit(str(getattr(str(owner.value), name)(*given)))
        except TypeError:
            return ANYTHING

    def _is_container(self, owner: Ref, name: str) -> bool:
        kind = self.things[owner.thing].kind
        return kind in ("list", "dict") or (kind == "module" and name in CONTAINER_METHODS)

    def _class_method(
        self, owner: Cls, name: str, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value:
        for base in self.classes.libraries(owner.number):
            dotted = f"{base}.{name}"
            factory = self.knowledge.factory(dotted)
            if factory is not None and factory.module:
                return self._loaded(owner, factory, args, site, state, frame)
        return self.effect(name, None, args, site, state, frame)

    def _loaded(
        self, owner: Cls, factory: Factory, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value:
        """An object of a project class that a library makes, with arguments from a file."""
        value = self.instantiate(owner.number, Arguments(open=True), site, state, frame)
        mode = factory.mode_of(*self.constants(args))
        wanted = self.written(mode, "loaded", show(site), self.place(frame, site.at))
        for atom in value.atoms:
            if isinstance(atom, Ref):
                self.things[atom.thing].built = next(iter(wanted.origins))
                if mode == Mode.TRAIN:
                    self._as_built(atom.thing, wanted, state)
                else:
                    self.switch_atom(atom, wanted._replace(mixed=factory.mixed), state, frame)
        return value

    def _as_built(self, number: int, wanted: ModeState, state: State) -> None:
        """A loader that leaves train mode switches nothing: modules are born in it.

        So a part that the constructor itself has loaded, or put in eval mode, stays in it.
        """
        for part in sorted(self._reach(number, state)):
            own = state.mode(part)
            if own is not None and own.mode == Mode.TRAIN and not own.mixed:
                state.modes[part] = wanted

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
            if thing.kind == "unknown" and not self._as_of_module(known, args, thing.shown):
                self._own_switch(owner, known, state, frame)
                return self.effect(known.name, one(owner), args, site, state, frame)
            if not known.shared:
                thing.shown = True
        handler = _EFFECTS.get(known.effect)
        if handler is not None:
            result = handler(self, MethodCall(owner, args, site), state, frame)
            if result is not None:
                return result
        if known.returns == "self":
            return one(owner)
        if known.returns in MANY and isinstance(owner, (Ref, Part)):
            return one(Part(owner.thing, known.returns == "row" and isinstance(owner, Ref)))
        if known.returns == "parameters":
            return one(owner)
        if known.returns == "none":
            return lit(None)
        return tainted([self.deep(value, state) for value in args.values()])

    def _own_switch(self, owner: Ref, known: ModuleMethod, state: State, frame: Frame) -> None:
        """A module's ``eval`` that takes something is its class's own: it may do what it likes."""
        if known.effect == "eval" and self.things[owner.thing].shown:
            self._switch_whole(owner, UNSEEN, state, frame)

    def _as_of_module(self, known: ModuleMethod, args: Arguments, shown: bool) -> bool:
        """Whether a call on something unknown looks like the call of a module's method."""
        if shown and names_a_mode(known.effect, args):
            return True
        if known.effect in ("train", "eval"):
            return len(args.values()) <= (known.effect == "train") and all(
                not (atom := constant(value)) or isinstance(atom.value, bool)
                for value in args.values()
            )
        return True

    def _freezes(self, call: MethodCall, state: State, frame: Frame) -> Value | None:
        owner, args, site = call.owner, call.args, call.site
        flag = constant(args.values()[0]) if args.values() else None
        unknown = isinstance(owner, Ref) and self.things[owner.thing].kind == "unknown"
        if unknown and (flag is None or flag.value):
            self.wants_gradient(state, frame)
        if isinstance(owner, (Ref, Part)):
            frozen = flag is not None and flag.value is False
            if isinstance(owner, Part):
                self.freeze_part(owner.thing, frozen, self.place(frame, site.at), state)
            elif frozen:
                self.freeze(owner.thing, FROZEN, self.place(frame, site.at), state)
            else:
                self.thaw(owner.thing, state)
        return None

    def _applies(self, call: MethodCall, state: State, frame: Frame) -> Value | None:
        owner, args, site = call.owner, call.args, call.site
        if args.positional and isinstance(owner, (Ref, Part)):
            part = Arguments((one(Part(owner.thing)),))
            self.call_value(args.positional[0], part, site, state, frame)
            if isinstance(owner, Ref) and self.override(self.things[owner.thing], "train", state):
                whole = Arguments((one(owner),))  # comes last, and has the last word on its parts
                self.call_value(args.positional[0], whole, site, state, frame)
        return one(owner)

    def _registers(self, call: MethodCall, state: State, frame: Frame) -> Value | None:
        owner, args = call.owner, call.args
        if isinstance(owner, Ref):
            values = args.positional
            name = constant(values[0]) if values else None
            for value in () if self.things[owner.thing].forward_born else values[1:]:
                self.keep(value)
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

    def _loads(self, call: MethodCall, state: State, frame: Frame) -> Value | None:
        self.keep(one(call.owner))
        if isinstance(call.owner, (Ref, Part)):
            reach = self._reach(call.owner.thing, state, whole=True)
            self.recorder.weights.touched(reach, loaded=True)
        return None

    def _hooks(self, call: MethodCall, state: State, frame: Frame) -> Value | None:
        if isinstance(call.owner, (Ref, Part)):
            self.things.hook(call.owner.thing)
        return None

    def _clears(self, call: MethodCall, state: State, frame: Frame) -> Value | None:
        if isinstance(call.owner, (Ref, Part)):
            self.clear(call.owner.thing, state)
        return None

    def _forwards(self, call: MethodCall, state: State, frame: Frame) -> Value | None:
        owner, args, site = call.owner, call.args, call.site
        if isinstance(owner, Ref):
            return self.forward(owner.thing, args, site, state, frame)
        return None

    def _container_method(
        self, owner: Ref, name: str, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value:
        values = args.values()
        if name in ("append", "add", "insert", "setdefault") and isinstance(site.func, Attr):
            self.keep_once(site.func.value, values[-1:], site.at, frame)
        if name == "append" and values:
            self.append(owner, values[0], state)
            return lit(None)
        if name in ("append", "add", "insert", "appendleft", "put"):
            self.put(owner.thing, ITEMS, values[-1] if values else ANYTHING, state)
            return lit(None)
        if name in ("extend", "update"):
            for value in args.positional:
                self._take_in(owner, value, name, state)
            for key, value in args.keywords:
                self.put(owner.thing, f"[{key!r}]", value, state)
            return lit(None)
        if name in ("get", "pop", "setdefault"):
            return self._taken(owner, name, values, state)
        read = _READS.get(name)
        if read is not None:
            return read(self, owner, site, state, frame)
        return self.effect(name, one(owner), args, site, state, frame)

    def _keys(self, owner: Ref, site: Call, state: State, frame: Frame) -> Value:
        return self.keys_of(owner, state, frame)

    def _pairs(self, owner: Ref, site: Call, state: State, frame: Frame) -> Value:
        pairs = [
            self._tuple([key, value], f"pair{index}", site, state, frame)
            for index, (key, value) in enumerate(self._entries(owner, state))
        ]
        return self.listed(pairs, "pairs", site.at, frame, state)

    def _first(self, owner: Ref, site: Call, state: State, frame: Frame) -> Value:
        return self.items(one(owner), state)

    def _copy_of(self, owner: Ref, site: Call, state: State, frame: Frame) -> Value:
        holder = self.emptied(self.things[owner.thing].kind, site.at, frame, state)
        self.take_all(holder, one(owner), state)
        return self.things[holder].value

    def _take_in(self, owner: Ref, value: Value, name: str, state: State) -> None:
        """``update`` keeps the keys, ``extend`` moves the indices."""
        if name == "update":
            self.take_all(owner.thing, value, state)
        else:
            self.put(owner.thing, ITEMS, self.items(value, state), state)

    def _taken(self, owner: Ref, name: str, values: list[Value], state: State) -> Value:
        """An item by its key or index; ``pop`` of a dict takes it out."""
        cell = (owner.thing, item_name(values[0] if values else ANYTHING))
        known = state.get(cell)
        if known is None:
            return self.items(one(owner), state)
        if name == "pop" and cell[1] != ITEMS and self.things[owner.thing].kind == "dict":
            state.fields.pop(cell)
        return known

    def _entries(self, owner: Ref, state: State) -> list[tuple[Value, Value]]:
        """A dict's keys and values; one pair stands for those that aren't known."""
        out = []
        for name in self.things.names(owner.thing):
            value = state.get((owner.thing, name))
            if value is not None and (name == ITEMS or name.startswith("[")):
                out.append((key_of(name), value))
        return out

    def _values(self, owner: Ref, site: Call, state: State, frame: Frame) -> Value:
        if state.get((owner.thing, ITEMS)) is not None:
            return one(owner)
        values = [value for _, value in self._entries(owner, state)]
        return self.listed(values, "values", site.at, frame, state)


_EFFECTS: dict[str, Callable[[Methods, MethodCall, State, Frame], Value | None]] = {
    "train": Methods._train,
    "eval": Methods._eval,
    "freezes": Methods._freezes,
    "applies": Methods._applies,
    "registers": Methods._registers,
    "forwards": Methods._forwards,
    "loads": Methods._loads,
    "clears": Methods._clears,
    "hooks": Methods._hooks,
}

_READS: dict[str, Callable[[Methods, Ref, Call, State, Frame], Value]] = {
    "keys": Methods._keys,
    "values": Methods._values,
    "items": Methods._pairs,
    "popleft": Methods._first,
    "copy": Methods._copy_of,
}
