"""Conditions: whether a value is true, and what is asked of what can't be known."""

from __future__ import annotations

from evalguard.events import Compare
from evalguard.flow.attributes import Attributes
from evalguard.flow.core import Frame
from evalguard.flow.state import State
from evalguard.flow.values import (
    ANY_ATOM,
    ANYTHING,
    Atom,
    Cls,
    Cond,
    File,
    Fun,
    Inert,
    Key,
    Lib,
    Lit,
    Method,
    Partial,
    Ref,
    Saved,
    Value,
    constant,
    detached,
    lit,
    one,
    only,
)

OPPOSITE = {"!=": "==", "is not": "is", "not in": "in"}


class Conditions(Attributes):
    """Tells what is true, and names what may be."""

    def negated(self, value: Value, state: State) -> Value:
        """``not value``."""
        holds, cond = self.truth(value, state)
        if holds is not None:
            return lit(not holds)
        return ANYTHING if cond is None else one(Cond(cond.key, not cond.negated))

    def truth(self, value: Value, state: State) -> tuple[bool | None, Cond | None]:
        """Whether a value is true, if known, or else the condition that it stands for."""
        atom = only(value)
        if isinstance(atom, Lit):
            return bool(atom.value), None
        if isinstance(atom, (Fun, Cls, Lib, Inert, File, Partial)):
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
            told = self._never_none(left, two)
            return self._never_none(right, one_) if told is None else told
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
            self._object(atom) or isinstance(atom, (Fun, Cls, Lib, Inert, Lit, Partial, Method))
            for atom in value.atoms
        )
        none = any(isinstance(atom, Lit) and atom.value is None for atom in value.atoms)
        return False if sure and not none else None

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


def _ordered(op: str, left: object, right: object) -> bool | None:
    if not isinstance(left, (int, float)) or not isinstance(right, (int, float)):
        return None
    results = {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}
    return results.get(op)
