"""Expressions → values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeGuard

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
from evalguard.flow.attributes import Attributes
from evalguard.flow.core import NO_ARGUMENTS, Arguments, Fork, Frame
from evalguard.flow.state import State, join_states
from evalguard.flow.things import Thing
from evalguard.flow.values import (
    ANY_ATOM,
    ANYTHING,
    MADE,
    Atom,
    Cls,
    Cond,
    File,
    Fun,
    Inert,
    Key,
    Lib,
    Lit,
    Part,
    Ref,
    Saved,
    Value,
    constant,
    join,
    join_all,
    lit,
    one,
    only,
    tainted,
)
from evalguard.flow.variables import ITEMS, item_name
from evalguard.places import Span

OPPOSITE = {"!=": "==", "is not": "is", "not in": "in"}
MOST_FORKS = 4
LONGEST_STRING = 120


class Evaluating(Attributes):
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
        if known is not None:
            return known
        found = self.special_method(owner, "__getitem__", Arguments((key,)), node, state, frame)
        return self.item(owner, key, state) if found is owner else found

    def container(self, kind: str, span: Span, frame: Frame) -> Thing:
        """The list or dict made at a place."""
        thing, _ = self.things.make(
            (kind, frame.context, frame.path, span), "dict" if kind == "dict" else "list"
        )
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
        return one(Ref(thing.number))

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
                self.put(thing.number, ITEMS, self.items(value, state), state)
            else:
                name = item_name(self.value(key, state, frame))
                self.put(thing.number, name, value, state)
        return one(Ref(thing.number))

    def iterated(self, node: Expr, state: State, frame: Frame) -> Value:
        """What a loop goes through."""
        value = self.value(node, state, frame)
        return self.special_method(value, "__iter__", NO_ARGUMENTS, node, state, frame)

    def _comprehension(self, node: Comprehension, state: State, frame: Frame) -> Value:
        before = state.narrow
        for clause in node.clauses:
            items = self.items(self.iterated(clause.iterable, state, frame), state)
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
        return one(Ref(holder))

    def _lambda(self, node: Lambda, state: State, frame: Frame) -> Value:
        return self.function_value(node.function, frame)

    def call(self, node: Call, state: State, frame: Frame) -> Value:
        """A call; provided by a higher layer."""
        raise NotImplementedError

    def function_value(self, function: Any, frame: Frame) -> Value:
        """A function or lambda as a value; provided by the layer that knows functions."""
        raise NotImplementedError

    def _choice(self, node: Choice, state: State, frame: Frame) -> Value:
        holds, key = self.truth(self.value(node.test, state, frame), state)
        if holds is not None:
            return self.value(node.then if holds else node.other, state, frame)
        then, other = state.copy(), state.copy()
        if key is not None:
            then.assume[key.key], other.assume[key.key] = not key.negated, key.negated
        values = self.value(node.then, then, frame), self.value(node.other, other, frame)
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

    def _logic(self, node: Logic, state: State, frame: Frame) -> Value:
        if node.op == "not":
            return self._negated(self.value(node.parts[0], state, frame), state)
        stop = node.op == "or"
        values: list[Value] = []
        open_: list[Cond | None] = []
        for part in node.parts:
            value = self.value(part, state, frame)
            holds, cond = self.truth(value, state)
            if holds is stop and not open_:
                return join_all([value]) if not values else value
            if holds is None:
                open_.append(cond)
            if holds is not (not stop):
                values.append(value)
        if not open_:
            return values[-1] if values else lit(not stop)
        if len(open_) == 1 and len(values) == 1 and (cond := open_[0]) is not None:
            return join(one(cond), Value(values[0].atoms if stop else ANY_ATOM, values[0].taint))
        return join_all(values) if stop else tainted(values)

    def _negated(self, value: Value, state: State) -> Value:
        holds, cond = self.truth(value, state)
        if holds is not None:
            return lit(not holds)
        return ANYTHING if cond is None else one(Cond(cond.key, not cond.negated))

    def truth(self, value: Value, state: State) -> tuple[bool | None, Cond | None]:
        """Whether a value is true, if known, or else the condition that it stands for."""
        atom = only(value)
        if isinstance(atom, Lit):
            return bool(atom.value), None
        if isinstance(atom, (Fun, Cls, Lib, Inert, File)):
            return True, None
        cond = self._condition(atom)
        if cond is None:
            return (True, None) if self._object(atom) else (None, None)
        holds = state.decided(cond.key)
        return (None if holds is None else holds != cond.negated), cond

    def _object(self, atom: object) -> bool:
        return isinstance(atom, Ref) and self.things[atom.thing].kind in ("module", "object")

    def _condition(self, atom: object) -> Cond | None:
        if isinstance(atom, Cond):
            return atom
        if isinstance(atom, Saved):
            return Cond(("training", atom.thing), False)
        if isinstance(atom, Ref) and self.things[atom.thing].kind == "unknown":
            return Cond(("true", atom.thing), False)
        return None

    def _compare(self, node: Compare, state: State, frame: Frame) -> Value:
        left = self.value(node.left, state, frame)
        right = self.value(node.right, state, frame)
        taint = self.deep(left, state).taint | self.deep(right, state).taint
        if taint:
            self.recorder.measured(taint)
            return ANYTHING
        op = OPPOSITE.get(node.op, node.op)
        negated = op != node.op
        holds = self._same(op, left, right, state)
        if holds is not None:
            return lit(holds != negated)
        key = self._key(op, left, right, state)
        return ANYTHING if key is None else one(Cond(key, negated))

    def _same(self, op: str, left: Value, right: Value, state: State) -> bool | None:
        one_, two = constant(left), constant(right)
        if op in ("==", "is"):
            if one_ is not None and two is not None:
                return one_.value == two.value
            return self._never_none(left, two) or self._never_none(right, one_)
        if op == "in" and one_ is not None:
            items = self.sequence(right, state)
            known = [constant(item) for item in items] if items is not None else [None]
            if None not in known:
                return any(item is not None and item.value == one_.value for item in known)
        if one_ is not None and two is not None:
            return _ordered(op, one_.value, two.value)
        return None

    def _never_none(self, value: Value, other: Lit | None) -> bool | None:
        """``False`` for the comparison of an object with None."""
        if other is None or other.value is not None or not value.atoms:
            return None
        sure = all(
            self._object(atom) or isinstance(atom, (Fun, Cls, Lib, Inert, Lit))
            for atom in value.atoms
        )
        none = any(isinstance(atom, Lit) and atom.value is None for atom in value.atoms)
        return False if sure and not none else None

    def _key(self, op: str, left: Value, right: Value, state: State) -> Key | None:
        subject, other = only(left), only(right)
        if isinstance(other, Ref) and isinstance(subject, Lit) and op in ("==", "is"):
            subject, other = other, subject
        if not isinstance(subject, Ref) or self.things[subject.thing].kind != "unknown":
            return None
        if isinstance(other, Lit):
            word = "is" if op in ("==", "is") else op
            return (word, subject.thing, other)
        items = self.sequence(right, state) if op == "in" else None
        known = tuple(constant(item) for item in items) if items is not None else (None,)
        return ("in", subject.thing, known) if None not in known else None

    def _mix(self, node: Mix, state: State, frame: Frame) -> Value:
        values = [self.deep(self.value(part, state, frame), state) for part in node.parts]
        result = tainted(values)
        for value in values:
            if value.taint:
                self.recorder.fed(value.taint)
        if values and all(self.made(value) for value in values):
            return Value(frozenset((MADE,)), result.taint)
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

    def is_list(self, atom: Atom) -> TypeGuard[Ref]:
        """Whether an atom is a list, tuple or set."""
        return isinstance(atom, Ref) and self.things[atom.thing].kind == "list"

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

    def parts_in(self, test: Expr, value: Value, state: State, frame: Frame) -> frozenset[int]:
        """The modules whose parts a condition tells apart."""
        found: set[int] = set()
        todo: list[Expr] = [test]
        while todo:
            node = todo.pop()
            if isinstance(node, Name):
                atoms = self.lookup(node.id, state, frame).atoms
                found.update(atom.thing for atom in atoms if isinstance(atom, Part))
            elif isinstance(node, Attr):
                todo.append(node.value)
            elif isinstance(node, Call):
                todo += [node.func, *node.args]
            elif isinstance(node, (Logic, Mix)):
                todo += node.parts
            elif isinstance(node, Compare):
                todo += [node.left, node.right]
            elif isinstance(node, Item):
                todo += [node.value, node.key]
        return frozenset(found)


def _ordered(op: str, left: object, right: object) -> bool | None:
    if not isinstance(left, (int, float)) or not isinstance(right, (int, float)):
        return None
    results = {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}
    return results.get(op)


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
    Compare: Evaluating._compare,
    Mix: Evaluating._mix,
    Joined: Evaluating._joined,
    Star: Evaluating._star,
    Yield: Evaluating._yield,
    Walrus: Evaluating._walrus,
    Call: lambda self, node, state, frame: self.call(node, state, frame),
}
