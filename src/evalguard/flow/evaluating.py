"""Expressions → values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evalguard.events import (
    Attr,
    Call,
    Choice,
    Compare,
    Comprehension,
    Const,
    Display,
    Expr,
    Item,
    Joined,
    Lambda,
    Logic,
    Mapping,
    Mix,
    Name,
    Star,
    Walrus,
    Yield,
)
from evalguard.flow.atoms import (
    Atom,
    Cls,
    Cond,
    Fun,
    Lit,
    Method,
    Partial,
    Ref,
    Saved,
    Value,
)
from evalguard.flow.attributes import PARTS
from evalguard.flow.conditions import Conditions
from evalguard.flow.core import NO_ARGUMENTS, Arguments, Fork, Frame
from evalguard.flow.state import State, join_states
from evalguard.flow.values import (
    ANY_ATOM,
    ANYTHING,
    MADE,
    constant,
    join,
    lit,
    one,
    only,
    tainted,
)
from evalguard.flow.variables import ITEMS, item_name

MOST_FORKS = 4
MOST_UNROLLED = 4
MOST_MIXED = 8
LONGEST_STRING = 120


class Evaluating(Conditions):
    """Evaluates expressions."""

    def value(self, node: Expr, state: State, frame: Frame) -> Value:
        """What an expression may stand for; its calls take effect on the state."""
        return _HANDLERS[type(node)](self, node, state, frame)

    def _name(self, node: Name, state: State, frame: Frame) -> Value:
        return self.lookup(node.id, state, frame)

    def _const(self, node: Const, state: State, frame: Frame) -> Value:
        return lit(node.value)

    def _attr(self, node: Attr, state: State, frame: Frame) -> Value:
        owner = self.value(node.value, state, frame)
        return self.attribute(owner, node.name, node, state, frame)

    def _item_of(self, node: Item, state: State, frame: Frame) -> Value:
        owner = self.value(node.value, state, frame)
        key = self.value(node.key, state, frame)
        known = self.by_key(owner, key, state, frame)
        if known is None and isinstance(node.value, Attr) and node.value.name == PARTS:
            known = self._part_named(node.value, key, state, frame)
        if known is not None:
            return known
        found = self.special_method(owner, "__getitem__", Arguments((key,)), node, state, frame)
        return self.item(owner, key, state) if found is owner else found

    def _part_named(self, node: Attr, key: Value, state: State, frame: Frame) -> Value | None:
        """The part that a module keeps under a name in its ``_modules``, if the name is known."""
        known = constant(key)
        if known is None or not isinstance(known.value, str):
            return None
        owner = self.value(node.value, state, frame)
        if known.value.isdecimal():
            return self.item(owner, lit(int(known.value)), state)
        return self.attribute(owner, known.value, node, state, frame)

    def _display(self, node: Display, state: State, frame: Frame) -> Value:
        if not any(isinstance(item, Star) for item in node.items):
            items = [self.value(item, state, frame) for item in node.items]
            return self.listed(items, node.kind, node.at, frame, state)
        out: list[Value] = []
        rest = ANYTHING
        for item in node.items:
            value = self.value(item, state, frame)
            known = self.sequence(value, state) if isinstance(item, Star) else [value]
            if known is None:
                rest = join(rest, self.items(value, state))
            else:
                out += known
        result = self.listed(out, node.kind, node.at, frame, state)
        if rest is not ANYTHING:
            self.put(self.container(node.kind, node.at, frame).number, ITEMS, rest, state)
        return result

    def _mapping(self, node: Mapping, state: State, frame: Frame) -> Value:
        thing = self.container("dict", node.at, frame)
        state.fields.pop((thing.number, ITEMS))
        for key, item in node.items:
            value = self.value(item, state, frame)
            if key is None:
                self.take_all(thing.number, value, state)
            else:
                name = item_name(self.value(key, state, frame))
                self.put(thing.number, name, value, state)
        return thing.value

    def iterated(self, node: Expr, state: State, frame: Frame) -> Value:
        """What a loop goes through."""
        value = self.value(node, state, frame)
        atom = only(value)
        if isinstance(atom, Ref) and self.is_keyed(atom):
            return self.keys_of(atom, state, frame)
        return self.special_method(value, "__iter__", NO_ARGUMENTS, node, state, frame)

    def _comprehension(self, node: Comprehension, state: State, frame: Frame) -> Value:
        iterable = self.iterated(node.clauses[0].iterable, state, frame)
        if len(node.clauses) == 1 and not node.clauses[0].conditions:
            known = self.sequence(iterable, state)
            if known and self._one_by_one(known, state):
                return self._item_by_item(node, known, state, frame)
        before = state.narrow
        for index, clause in enumerate(node.clauses):
            if index:
                iterable = self.iterated(clause.iterable, state, frame)
            items = self.items(iterable, state)
            self.bind(clause.target, items, state, frame, node.at)
            for condition in clause.conditions:
                value = self.value(condition, state, frame)
                state.narrow |= self.parts_in(condition, value, state, frame)
        if node.key is not None:
            self.value(node.key, state, frame)
        value = self.value(node.value, state, frame)
        state.narrow = before
        kind = "dict" if node.kind == "dict" else "list"
        holder = self.emptied(kind, node.at, frame, state)
        self.assign(holder, ITEMS, value, state)
        return self.things[holder].value

    def _one_by_one(self, known: list[Value], state: State) -> bool:
        """Whether to go through known items singly: few, or modules among other things.

        The latter are what somebody prepares: a model, its optimizer, its loaders.
        """
        if len(known) <= MOST_UNROLLED:
            return any(self._any_in(value, state, self._tells_apart) for value in known)
        modules = [self._any_in(value, state, self.is_module) for value in known]
        return len(known) <= MOST_MIXED and any(modules) and not all(modules)

    def most_unrolled(self, items: list[Value], state: State) -> int:
        """How many known items a loop is walked for, one by one: more if they name modules."""
        if MOST_UNROLLED < len(items) <= MOST_MIXED:
            pairs = [self.sequence(item, state) or [] for item in items]
            named = all(pair and constant(pair[0]) is not None for pair in pairs)
            if named and all(self._any_in(item, state, self.is_module) for item in items):
                return MOST_MIXED
        return MOST_UNROLLED

    def _any_in(self, value: Value, state: State, told: Callable[[Atom], bool]) -> bool:
        """Whether something holds of a value, or of an item if it is a pair or the like."""
        for atom in value.atoms:
            pair = self.sequence(one(atom), state) if isinstance(atom, Ref) else None
            if told(atom) or any(self._any_in(item, state, told) for item in pair or ()):
                return True
        return False

    def _tells_apart(self, atom: Atom) -> bool:
        """Whether it matters which of several items this is: a name, a module, a function."""
        return isinstance(atom, (Lit, Fun, Cls, Partial, Method)) or self.is_module(atom)

    def _item_by_item(
        self, node: Comprehension, items: list[Value], state: State, frame: Frame
    ) -> Value:
        """A comprehension over few known items: each has its own key or index."""
        made: list[tuple[str, Value]] = []
        for index, item in enumerate(items):
            self.bind(node.clauses[0].target, item, state, frame, node.at)
            key = lit(index) if node.key is None else self.value(node.key, state, frame)
            made.append((item_name(key), self.value(node.value, state, frame)))
        kind = "dict" if node.kind == "dict" else "list"
        holder = self.emptied(kind, node.at, frame, state)
        for name, value in made:
            self.put(holder, name, value, state)
        return self.things[holder].value

    def _lambda(self, node: Lambda, state: State, frame: Frame) -> Value:
        return self.function_value(node.function, frame)

    def call(self, node: Call, state: State, frame: Frame) -> Value:
        """A call; provided by a higher layer."""
        raise NotImplementedError

    def function_value(self, function: Any, frame: Frame) -> Value:
        """A function or lambda as a value; provided by the layer that knows functions."""
        raise NotImplementedError

    def _choice(self, node: Choice, state: State, frame: Frame) -> Value:
        value = self.value(node.test, state, frame)
        holds, key = self.tested(node.test, value, state, frame)
        if holds is not None:
            return self.value(node.then if holds else node.other, state, frame)
        then, other = state.copy(), state.copy()
        if key is not None:
            then.assume[key.key], other.assume[key.key] = not key.negated, key.negated
        self.doubts += 1
        try:
            values = self.value(node.then, then, frame), self.value(node.other, other, frame)
        finally:
            self.doubts -= 1
        self.rejoin(state, [then, other], key, frame)
        return join(*values)

    def rejoin(self, state: State, branches: list[State], cond: Cond | None, frame: Frame) -> None:
        """Join branches within an expression; ask for a fork where they differ for a reason."""
        differ = not branches[0].behaves_like(branches[1])
        if differ and cond is not None and frame.forks < MOST_FORKS:
            raise Fork(cond.key)
        joined = join_states(branches)
        if joined is not None:
            state.adopt(joined)

    def _mix(self, node: Mix, state: State, frame: Frame) -> Value:
        values = [self.deep(self.value(part, state, frame), state) for part in node.parts]
        result = tainted(values)
        for value in values:
            if value.taint:
                self.recorder.fed(value.taint)
        if self._made_of(values):
            return Value(frozenset((MADE,)), result.taint)
        saved = [atom for value in values for atom in value.atoms if isinstance(atom, Saved)]
        if saved:
            return Value(ANY_ATOM.union(saved), result.taint)
        lists = [atom for value in values for atom in value.atoms if self.is_list(atom)]
        return Value(frozenset(lists), result.taint) if lists else result

    def _joined(self, node: Joined, state: State, frame: Frame) -> Value:
        values = [self.value(part, state, frame) for part in node.parts]
        known = [constant(value) for value in values]
        text = "".join([str(item.value) for item in known if item is not None])
        if None not in known and len(text) <= LONGEST_STRING:
            return lit(text)
        result = tainted([self.deep(value, state) for value in values])
        self.recorder.fed(result.taint)
        return result

    def _made_of(self, values: list[Value]) -> bool:
        """Whether an operator's parts are tensors made on the spot, and numbers."""
        others = [value for value in values if constant(value) is None]
        return bool(others) and all(self.made(value) for value in others)

    def _star(self, node: Star, state: State, frame: Frame) -> Value:
        return self.value(node.value, state, frame)

    def _yield(self, node: Yield, state: State, frame: Frame) -> Value:
        value = self.value(node.value, state, frame)
        if frame.on_yield is not None:
            return frame.on_yield(value, state)
        frame.yields.append(self.items(value, state) if node.many else value)
        return ANYTHING

    def _walrus(self, node: Walrus, state: State, frame: Frame) -> Value:
        value = self.value(node.value, state, frame)
        self.assign(self.home(node.name, frame), node.name, value, state)
        return value


_HANDLERS: dict[type, Callable[[Evaluating, Any, State, Frame], Value]] = {
    Name: Evaluating._name,
    Const: Evaluating._const,
    Attr: Evaluating._attr,
    Item: Evaluating._item_of,
    Display: Evaluating._display,
    Mapping: Evaluating._mapping,
    Comprehension: Evaluating._comprehension,
    Lambda: Evaluating._lambda,
    Choice: Evaluating._choice,
    Logic: Evaluating._logic,
    Compare: Evaluating.compare,
    Mix: Evaluating._mix,
    Joined: Evaluating._joined,
    Star: Evaluating._star,
    Yield: Evaluating._yield,
    Walrus: Evaluating._walrus,
    Call: lambda self, node, state, frame: self.call(node, state, frame),
}
