"""Builtins, and methods of containers, modules and what else the project doesn't define."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import TypeGuard

from evalguard.events import Attr, Call, show
from evalguard.facts import Revealed
from evalguard.flow.core import Arguments, Frame
from evalguard.flow.methods import Methods
from evalguard.flow.state import State
from evalguard.flow.values import (
    ANYTHING,
    Atom,
    Cls,
    Fun,
    Lib,
    Lit,
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
PARTIAL = "functools.partial"
BOUND = "types.MethodType"
REVEAL = "reveal_mode"
MODULE = "torch.nn.Module"


class Builtins(Methods):
    """Calls of builtins and of methods that aren't the project's."""

    def library_or_builtin(
        self, name: str, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value:
        """Call a library name, builtins included."""
        if name == PARTIAL and args.positional:
            return one(Partial(args.positional[0], args.positional[1:], args.keywords))
        if name == BOUND and len(args.positional) > 1:
            return self.made_method(args.positional[0], args.positional[1])
        if self.knowledge.exits(name):
            state.dead = True
            return lit(None)
        if not name.startswith("builtins."):
            return self.library_call(name, args, site, state, frame)
        return self._builtin(name.partition(".")[2], args, site, state, frame)

    def made_method(self, function: Value, owner: Value) -> Value:
        """``MethodType(function, owner)``, or ``function.__get__(owner)``."""
        me = only(owner)
        if not isinstance(me, Ref):
            return function
        return join_all(
            one(atom._replace(bound=me)) if isinstance(atom, Fun) else one(atom)
            for atom in ordered(function.atoms)
        )

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
        known = [constant(value) for value in args.positional]
        bounds = [atom.value for atom in known if atom is not None and isinstance(atom.value, int)]
        if args.open or len(bounds) != len(known) or not 0 < len(bounds) < 4 or bounds[2:] == [0]:
            return ANYTHING
        return lit(range(*bounds))

    def _getattr(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        if len(args.positional) < 2:
            return ANYTHING
        owner, name = args.positional[0], constant(args.positional[1])
        if name is not None and isinstance(name.value, str):
            return self.attribute(owner, name.value, site, state, frame)
        atom = only(owner)
        return self.library_item(atom, ANYTHING) if isinstance(atom, Lib) else ANYTHING

    def _setattr(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        name = constant(args.positional[1]) if len(args.positional) == 3 else None
        if name is not None and isinstance(name.value, str):
            target, (owner, _, value) = Attr(site.args[0], name.value), args.positional
            self.bind_attribute(target, owner, value, state, frame, site.at)
        return lit(None)

    def _isinstance(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        """Whether something is a module, or a constant of a builtin type; nothing else is told."""
        if len(args.positional) != 2:
            return ANYTHING
        kinds = self.sequence(args.positional[1], state) or [args.positional[1]]
        found = {
            _any([self._is_a(atom, only(kind)) for kind in kinds])
            for atom in args.positional[0].atoms
        }
        holds = found.pop() if len(found) == 1 else None
        return ANYTHING if holds is None else lit(holds)

    def _is_a(self, atom: Atom, kind: Atom | None) -> bool | None:
        if isinstance(kind, Cls):
            return False if isinstance(atom, Lit) else None
        name = self.knowledge.canonical(kind.name) if isinstance(kind, Lib) else ""
        if name == MODULE:
            known = isinstance(atom, (Fun, Cls, Lit))
            return True if self.is_module(atom) else False if known else None
        cls = getattr(builtins, name.removeprefix("builtins."), None)
        return isinstance(atom.value, cls) if isinstance(atom, Lit) and _is_type(cls) else None

    def _dict(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        holder = self.container("dict", site.at, frame)
        for value in args.positional:
            self.put(holder.number, ITEMS, self.items(value, state), state)
        for name, value in args.keywords:
            self.put(holder.number, f"[{name!r}]", value, state)
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


def _any(found: list[bool | None]) -> bool | None:
    return True if True in found else None if None in found else False


def _is_type(value: object) -> TypeGuard[type]:
    return isinstance(value, type)


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
