"""What a call brings: a module, its class or a function, or a module's results."""

from __future__ import annotations

from evalguard.flow.atoms import Cls, Fun, Method, Part, Partial, Ref, Value
from evalguard.flow.classes import Known
from evalguard.flow.core import Arguments
from evalguard.flow.parameters import Parameters
from evalguard.flow.state import State

DEEPEST_HELD = 3
HOLDERS = frozenset(("list", "dict", "object", "unknown"))


class Carrying(Parameters):
    """Tells whether walking a function may tell anything, by what it is given."""

    def uses_results(self, fun: Fun, known: Known, args: Arguments, state: State) -> bool:
        """Whether a function may measure a module's results, or an object keep them."""
        if known.bearing.measures and any(value.taint for value in args.values()):
            return True
        return self._keeps(fun, args, state)

    def _keeps(self, fun: Fun, args: Arguments, state: State) -> bool:
        """Whether a method's plain object may keep a result that it is given, or give it back."""
        if fun.bound is None or self.things[fun.bound.thing].kind != "object":
            return False
        number = fun.bound.thing
        held = [state.get((number, name)) for name in self.things.names(number)]
        values = [*args.values(), *[value for value in held if value is not None]]
        return any(self.deep(value, state, 2).taint for value in values)

    def carries(self, fun: Fun, known: Known, args: Arguments, state: State) -> bool:
        """Whether a call brings a module, its class, a function or an object that holds one."""
        level = {fun.bound.thing} if fun.bound is not None else set[int]()
        for value in (*args.values(), *self._closed_over(fun, known, state)):
            if self._brings(value, level):
                return True
        seen: set[int] = set()
        for _ in range(DEEPEST_HELD):
            if any(self._is_module(number) for number in level):
                return True
            below: set[int] = set()
            if any(self._holds_carrier(number, below, state) for number in level - seen):
                return True
            seen |= level
            level = below
        return any(self._is_module(number) for number in level)

    def _is_module(self, number: int) -> bool:
        """Whether an object is a module, as far as can be seen."""
        thing = self.things[number]
        return thing.kind == "module" or thing.shown

    def _brings(self, value: Value, objects: set[int]) -> bool:
        """Whether a value is a class of modules or a function; adds the objects it may be."""
        for atom in value.atoms:
            if isinstance(atom, Ref):
                objects.add(atom.thing)
            elif isinstance(atom, Cls):
                if self.classes.is_module(atom.number):
                    return True
            elif isinstance(atom, (Fun, Part, Partial, Method)):
                return True
        return False

    def _holds_carrier(self, number: int, below: set[int], state: State) -> bool:
        """Whether a container or plain object holds such a value; adds the objects it holds."""
        if self.things[number].kind not in HOLDERS:
            return False
        below.update(self.things.held(number))
        for name in self.things.names(number):
            value = state.get((number, name))
            if value is not None and self._brings(value, below):
                return True
        return False

    def _closed_over(self, fun: Fun, known: Known, state: State) -> list[Value]:
        """What a nested function uses of the function around it."""
        outer = self.frames.get(fun.frame)
        if outer is None or outer.known is None:
            return []
        names = sorted(outer.names.intersection(known.function.uses))
        found = [state.get((outer.thing, name)) for name in names]
        return [value for value in found if value is not None]
