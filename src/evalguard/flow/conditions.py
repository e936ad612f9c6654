"""Conditions: whether they hold, as far as that is known, and what they stand for if not."""

from __future__ import annotations

from typing import TypeGuard

from evalguard.events import Attr, Call, Compare, Display, Expr, Item, Logic, Mix, Name
from evalguard.flow.atoms import (
    Atom,
    Cell,
    Cls,
    Cond,
    File,
    Fun,
    Inert,
    Key,
    Lib,
    Lit,
    Method,
    Part,
    Partial,
    Ref,
    Saved,
    Unknown,
    Value,
)
from evalguard.flow.attributes import Attributes
from evalguard.flow.core import Frame
from evalguard.flow.counting import LAST, above_zero, asks_last
from evalguard.flow.naming import Picked, asked
from evalguard.flow.state import State, is_variable
from evalguard.flow.values import (
    ABOVE_ZERO,
    ANY_ATOM,
    ANYTHING,
    NONE,
    constant,
    detached,
    join,
    join_all,
    lit,
    one,
    only,
    tainted,
)

OPPOSITE = {"!=": "==", "is not": "is", "not in": "in", "not last": LAST}


class Conditions(Attributes):
    """Decides conditions."""

    def _logic(self, node: Logic, state: State, frame: Frame) -> Value:
        if node.op == "not":
            part = node.parts[0]
            return _opposite(*self.tested(part, self.value(part, state, frame), state, frame))
        stop = node.op == "or"
        values: list[Value] = []
        open_: list[Cond | None] = []
        for part in node.parts:
            value = self.value(part, state, frame)
            holds, cond = self.tested(part, value, state, frame)
            if holds is stop and not open_:
                return join_all([value]) if not values else value
            if holds is stop and stop and all(map(_is_plain, (value, *values))):
                return Value(lit(True).atoms, tainted((*values, value)).taint)
            if holds is False and not stop:
                return Value(lit(False).atoms, tainted(values).taint)
            if holds is None:
                open_.append(cond)
            if holds is not (not stop):
                values.append(value)
        if not open_:
            return values[-1] if values else lit(not stop)
        if len(open_) == 1 and len(values) == 1 and (cond := open_[0]) is not None:
            return join(one(cond), Value(values[0].atoms if stop else ANY_ATOM, values[0].taint))
        return join_all(values) if stop else tainted(values)

    def tested(
        self, node: Expr, value: Value, state: State, frame: Frame
    ) -> tuple[bool | None, Cond | None]:
        """Whether a test holds; else its condition: of a variable it lasts till that is set."""
        holds, cond = self.truth(value, state)
        if holds is not None or cond is not None or value.taint:
            return holds, cond
        cond = self._of_cell(self._cell(node, state, frame), value)
        known = state.decided(cond.key) if cond is not None else None
        return (None if known is None or cond is None else known != cond.negated), cond

    def _of_cell(self, cell: Cell | None, value: Value) -> Cond | None:
        """The condition that a variable is true, or an optional object there."""
        if cell is None:
            return None
        rest = value.atoms - {NONE}
        if len(rest) < len(value.atoms) and all(self._object(atom) for atom in rest):
            return Cond(("is", cell, NONE), True)
        plain = all(isinstance(atom, (Lit, Unknown)) for atom in rest)
        return Cond(("true", cell), False) if plain else None

    def _cell(self, node: Expr, state: State, frame: Frame) -> Cell | None:
        """The variable or attribute that an expression names, if it is set."""
        if isinstance(node, Name):
            cell = self.home(node.id, frame), node.id
        elif isinstance(node, Attr):
            inner = self._cell(node.value, state, frame)
            held = state.get(inner) if inner is not None else None
            owner = only(held) if held is not None else None
            if not isinstance(owner, Ref):
                return None
            cell = owner.thing, node.name
        else:
            return None
        return cell if state.get(cell) is not None else None

    def truth(self, value: Value, state: State) -> tuple[bool | None, Cond | None]:
        """Whether a value is true, if known, or else the condition that it stands for."""
        atom = only(value)
        if isinstance(atom, Lit):
            return bool(atom.value), None
        if isinstance(atom, (Fun, Cls, Lib, Inert, File, Partial)) or atom == ABOVE_ZERO:
            return True, None
        cond = self._condition(self._as_value(atom))
        if cond is None:
            return (True, None) if self._object(atom) else (None, None)
        holds = state.decided(cond.key)
        return (None if holds is None else holds != cond.negated), cond

    def _as_value(self, atom: Atom | None) -> Atom | None:
        """``args.eval`` of something unknown is no method where a condition asks for it."""
        if isinstance(atom, Method) and isinstance(atom.owner, Ref):
            owner = self.things[atom.owner.thing]
            if owner.kind == "unknown" and not owner.shown:
                return Ref(self.things.child(owner.number, atom.name).number)
        return atom

    def _condition(self, atom: object) -> Cond | None:
        if isinstance(atom, Cond):
            return atom
        if isinstance(atom, Saved):
            return Cond(("training", atom.thing), False)
        if isinstance(atom, Ref) and self.things[atom.thing].kind == "unknown":
            return Cond(("true", atom.thing), False)
        return None

    def compare(self, node: Compare, state: State, frame: Frame) -> Value:
        """One comparison."""
        left = self.value(node.left, state, frame)
        right = self.value(node.right, state, frame)
        taint = self.deep(left, state).taint | self.deep(right, state).taint
        if taint:
            self.recorder.measured(taint)
            return detached(Value(ANY_ATOM, taint))
        op = OPPOSITE.get(node.op, node.op)
        negated = op != node.op
        if op == LAST:
            return self._last(node, negated, state, frame)
        holds = self._same(op, left, right, state)
        if holds is not None:
            return lit(holds != negated)
        key = self._key(op, left, right, state)
        if key is None and (other := constant(right)) is not None:
            cell = self._cell(node.left, state, frame)
            key = ("is" if op == "==" else op, cell, other) if cell is not None else None
            holds = state.decided(key) if key is not None else None
        if holds is not None:
            return lit(holds != negated)
        return ANYTHING if key is None else one(Cond(key, negated))

    def _last(self, node: Compare, negated: bool, state: State, frame: Frame) -> Value:
        """Whether the round under way is the last one of its loop."""
        if not any(asks_last(node, loop.counter) for loop in frame.loops):
            return ANYTHING
        assert isinstance(node.left, Name)
        cond = Cond((LAST, (self.home(node.left.id, frame), node.left.id)), negated)
        holds = state.decided(cond.key)
        return one(cond) if holds is None else lit(holds != negated)

    def _same(self, op: str, left: Value, right: Value, state: State) -> bool | None:
        one_, two = constant(left), constant(right)
        if two is not None and only(left) == ABOVE_ZERO:
            return above_zero(op, two.value)
        if op in ("==", "is"):
            mine, theirs = _constants(left), _constants(right)
            if mine and theirs:
                found = {item == other for item in mine for other in theirs}
                return found.pop() if len(found) == 1 else None
            told = self._never_none(left, two)
            told = self._never_none(right, one_) if told is None else told
            return self._same_rows(left, right, state) if told is None else told
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
            self._object(atom)
            or self._of_items(atom)
            or isinstance(atom, (Fun, Cls, Lib, Inert, Lit, Partial, Method))
            for atom in value.atoms
        )
        none = any(isinstance(atom, Lit) and atom.value is None for atom in value.atoms)
        return False if sure and not none else None

    def _of_items(self, atom: Atom) -> bool:
        return isinstance(atom, Ref) and self.things[atom.thing].kind in ("list", "dict")

    def _same_rows(self, left: Value, right: Value, state: State) -> bool | None:
        """Whether two values are equal of which one at least is a tuple of constants, if known."""
        rows = [self._row(value, state) for value in (left, right)]
        known = [constant(value) is not None for value in (left, right)]
        if None not in rows:
            return rows[0] == rows[1]
        return False if None in rows and any(known) and rows != [None, None] else None

    def _row(self, value: Value, state: State) -> list[object] | None:
        atom = only(value)
        items = self.sequence(value, state) if atom is not None and self.is_list(atom) else None
        known = [constant(item) for item in items] if items else [None]
        return None if None in known else [atom.value for atom in known if atom is not None]

    def _key(self, op: str, left: Value, right: Value, state: State) -> Key | None:
        subject, other = self._as_value(only(left)), self._as_value(only(right))
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

    def is_list(self, atom: Atom) -> TypeGuard[Ref]:
        """Whether an atom is a list, tuple or set."""
        return isinstance(atom, Ref) and self.things[atom.thing].kind == "list"

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
                todo += [node.left, node.right, *_counted(node, frame)]
            elif isinstance(node, Item):
                todo += [node.value, node.key]
        return frozenset(found)

    def narrowed(
        self, test: Expr, holds: bool, parts: frozenset[int], state: State, frame: Frame
    ) -> frozenset[object]:
        """What only some parts are meant of, where a test holds, or doesn't.

        A second test of the same object picks less than the first, which is more than is told.
        """
        again = [Picked(number, "", False, True) for number in parts if number in state.narrow]
        return state.narrow | parts | self._by_names(test, holds, state, frame) | frozenset(again)

    def _by_names(self, test: Expr, holds: bool, state: State, frame: Frame) -> frozenset[Picked]:
        """The parameters that are meant where a test of their names holds, or doesn't."""
        told = asked(test)
        if told is None or not isinstance(told.subject, Name):
            return frozenset()
        atoms = self.lookup(told.subject.id, state, frame).atoms
        meant = told.holds == holds
        picked = [
            Picked(x.thing, told.word, told.begins, meant, told.layer)
            for x in atoms
            if isinstance(x, Part)
        ]
        return frozenset(picked)

    def _assume(self, test: Expr, holds: bool, state: State, frame: Frame) -> None:
        """What a test tells of its parts: an ``and`` that holds, an ``or`` that doesn't."""
        if isinstance(test, Logic):
            if test.op == "not":
                self._assume(test.parts[0], not holds, state, frame)
            elif holds == (test.op == "and"):
                for part in test.parts:
                    self._assume(part, holds, state, frame)
        elif isinstance(test, (Name, Attr)):
            _, cond = self.tested(test, self.value(test, state, frame), state, frame)
            if cond is not None:
                self.suppose(cond, holds, state)
            elif isinstance(test, Attr) and test.name == "training":
                self._told_by_mode(self.value(test.value, state, frame), holds, state)

    def _told_by_mode(self, owner: Value, holds: bool, state: State) -> None:
        """What ``training`` tells of who was asked, if that is but one object."""
        asked = [atom for atom in owner.atoms if isinstance(atom, Ref)]
        if len(asked) == 1:
            self.tells_training(("training", asked[0].thing), holds, state)

    def suppose(self, cond: Cond, holds: bool, state: State) -> None:
        """Go on where a condition holds, or where it doesn't."""
        holds = holds != cond.negated
        state.suppose(cond.key, holds)
        self.tells_training(cond.key, holds, state)
        if cond.key[0] == "is" and cond.key[2] == NONE and is_variable(cond.key[1]):
            _only_none(cond.key[1], holds, state)


def _only_none(cell: Cell, holds: bool, state: State) -> None:
    """Where a variable is known to be None, it is nothing else; else it is the rest."""
    value = state.get(cell)
    if value is not None and NONE in value.atoms:
        rest = frozenset((NONE,)) if holds else value.atoms - {NONE}
        state.fields[cell] = Value(rest, value.taint) if rest else value


def _counted(node: Compare, frame: Frame) -> list[Expr]:
    """What the number stands for of which a test asks whether it is among others."""
    counters = [loop.counter for loop in frame.loops] if node.op in ("in", "not in") else []
    named = [known for known in counters if known and node.left == Name(known.name)]
    beside = [known.beside for known in named if known.beside is not None]
    return [x for item in beside for x in (item.items if isinstance(item, Display) else (item,))]


def _opposite(holds: bool | None, cond: Cond | None) -> Value:
    if holds is not None:
        return lit(not holds)
    return ANYTHING if cond is None else one(Cond(cond.key, not cond.negated))


def _is_plain(value: Value) -> bool:
    """Whether a value is no object: that it is true is all there is to it."""
    return all(isinstance(atom, (Lit, Cond, Unknown)) for atom in value.atoms)


def _constants(value: Value) -> list[object]:
    """What a value may be, if it can only be constants; else nothing."""
    known = [atom.value for atom in value.atoms if isinstance(atom, Lit)]
    return known if len(known) == len(value.atoms) else []


def _ordered(op: str, left: object, right: object) -> bool | None:
    if isinstance(left, str) and isinstance(right, str) and op == "in":
        return left in right
    if not isinstance(left, (int, float)) or not isinstance(right, (int, float)):
        return None
    results = {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}
    return results.get(op)


def asks_training(test: Expr) -> bool:
    """Whether a test asks some module's ``training``, be it among other things."""
    todo: list[object] = [test]
    while todo:
        node = todo.pop()
        if isinstance(node, Attr) and node.name == "training":
            return True
        if isinstance(node, tuple):
            todo += node
    return False
