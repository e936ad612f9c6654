"""Builtins, and methods of containers, modules and what else the project doesn't define."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from evalguard.events import Call, Import, show
from evalguard.facts import Revealed
from evalguard.flow.core import Arguments, Frame
from evalguard.flow.methods import Methods
from evalguard.flow.state import State
from evalguard.flow.values import (
    ANYTHING,
    File,
    Fun,
    Lib,
    Part,
    Partial,
    Ref,
    Value,
    constant,
    join_all,
    lit,
    one,
    only,
    ordered,
    tainted,
)
from evalguard.flow.variables import ITEMS

SAME_ITEMS = frozenset(
    ("list", "tuple", "set", "sorted", "reversed", "iter", "frozenset", "filter")
)
NUMBERS = frozenset(("float", "int", "bool", "round"))
PARTIALS = frozenset(("functools.partial", "functools.partialmethod"))
IMPORT = "importlib.import_module"
REVEAL = "reveal_mode"
EXITS = frozenset(("sys.exit", "os._exit"))


class Builtins(Methods):
    """Calls of builtins and of methods that aren't the project's."""

    def library_or_builtin(
        self, name: str, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value:
        """Call a library name, builtins included."""
        if name in PARTIALS and args.positional:
            tag = name.rpartition(".")[2]
            return one(Partial(args.positional[0], args.positional[1:], args.keywords, tag))
        if name in EXITS:
            state.dead = True
        if name == IMPORT and (stmt := self._import_by_name(args, site)) is not None:
            return self.imported(stmt, state, frame)
        if not name.startswith("builtins."):
            return self.library_call(name, args, site, state, frame)
        return self._builtin(name.partition(".")[2], args, site, state, frame)

    def _import_by_name(self, args: Arguments, site: Call) -> Import | None:
        """``importlib.import_module`` of a name that is known, as a statement."""
        name, package = [constant(value) for value in (*args.values(), ANYTHING, ANYTHING)][:2]
        if name is None or not isinstance(name.value, str):
            return None
        module = name.value.lstrip(".")
        level = len(name.value) - len(module)
        if level and package is not None and str(package.value).replace(".", "").isidentifier():
            within = str(package.value).split(".")
            return Import(
                ".".join([*within[: len(within) - level + 1], module]), 0, None, "", site.at
            )
        return Import(module, level, None, "", site.at)

    def _builtin(self, name: str, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        first = args.positional[0] if args.positional else ANYTHING
        if name in SAME_ITEMS:
            return args.positional[1] if name == "filter" and len(args.positional) > 1 else first
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
            self.keep(args.positional[2])
            for atom in args.positional[0].atoms:
                if isinstance(atom, Ref) and name is not None and isinstance(name.value, str):
                    self.assign(atom.thing, name.value, args.positional[2], state)
        return lit(None)

    def _globals(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        return one(File(frame.path))

    def _vars(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        atom = only(args.positional[0]) if args.positional else None
        if isinstance(atom, File):
            return one(atom)
        return one(Lib(f"{atom.name}.__dict__")) if isinstance(atom, Lib) else ANYTHING

    def _class_of(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        atoms = args.positional[0].atoms if len(args.positional) == 1 else frozenset()
        return join_all([self.introspected(atom, "__class__") or ANYTHING for atom in atoms])

    def _property(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        fun = only(args.positional[0]) if args.positional else None
        if not isinstance(fun, Fun):
            return ANYTHING
        number = self.function_numbers.setdefault(("property", fun.number), len(self.functions))
        if number == len(self.functions):
            self.functions.append(
                replace(self.functions[fun.number], number=number, role="property")
            )
        return one(fun._replace(number=number))

    def _isinstance(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        return ANYTHING

    def _dict(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        holder = self.emptied("dict", site.at, frame, state)
        for value in args.positional:
            atom = only(value)
            if isinstance(atom, Ref) and self.things[atom.thing].kind == "dict":
                self.take_items(holder, atom, state)
            else:
                self.put(holder, ITEMS, self.items(value, state), state)
        for name, value in args.keywords:
            self.put(holder, f"[{name!r}]", value, state)
        return one(Ref(holder))

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
    "property": Builtins._property,
    "globals": Builtins._globals,
    "vars": Builtins._vars,
    "type": Builtins._class_of,
}
