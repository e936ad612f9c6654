"""Loops: whether another round would bring anything new; and what a stop of the program leaves."""

from __future__ import annotations

from evalguard.events import Block, Jump, Loop
from evalguard.flow.atoms import Atom, Lit, Ref, Unknown, Value
from evalguard.flow.choices import Choices
from evalguard.flow.core import Frame, LoopPoint
from evalguard.flow.state import State
from evalguard.flow.values import constant, lit
from evalguard.flow.variables import ITEMS
from evalguard.link.mentions import names_in
from evalguard.modes import Mode
from evalguard.places import Place


class Rounds(Choices):
    """Compares the states at a loop's head."""

    def settled(self, end: State, head: State) -> bool:
        """Whether a round that begins like this was walked before, as far as it matters.

        What a round makes or sets first isn't carried into the next, and numbers and objects
        that nothing is known of aren't followed.
        """
        if end.assume != head.assume or not end.behaves_like(head) or _evals(end, head):
            return False
        return not any(
            new is not None and old is not None and self._tells(cell[1], new, old)
            for cell, new, old in end.fields.differences(head.fields)
        )

    def cut_short(self, rest: Block, states: list[State], frame: Frame) -> None:
        """The program stops: nobody knows what the rest would have made of the values it reads."""
        cells = [(self.home(name, frame), name) for name in sorted(names_in(rest))]
        for value in [state.get(cell) for state in states for cell in cells]:
            if value is not None:
                self.recorder.unsettle(value.taint)

    def still_in_eval(self, loop: LoopPoint, states: list[State]) -> set[Place | None]:
        """Where eval mode was set in earlier rounds of a loop that it is still in at its head."""
        return {
            place
            for place, switched in loop.switched.items()
            for number in switched
            for state in states
            if Mode.EVAL in self.things.mode(state, number).mode
        }

    def _tells(self, name: str, new: Value, old: Value) -> bool:
        """Whether a value has come by a module or function, or hangs on another pass."""
        if not new.taint <= old.taint:
            return True
        return name != ITEMS and any(self._telling(atom) for atom in new.atoms - old.atoms)

    def _telling(self, atom: Atom) -> bool:
        if isinstance(atom, Ref):
            return self.things[atom.thing].kind != "unknown"
        if isinstance(atom, Lit):
            return not isinstance(atom.value, (int, float)) or isinstance(atom.value, bool)
        return not isinstance(atom, Unknown)


def no_round(iterable: Value) -> bool:
    """Whether a ``range`` is known to be empty."""
    known = constant(iterable)
    return known is not None and isinstance(known.value, range) and not known.value


def one_round(iterable: Value) -> list[Value] | None:
    """The item of a ``range`` that has just one."""
    known = constant(iterable)
    if known is None or not isinstance(known.value, range):
        return None
    first = known.value[:2]
    return [lit(first[0])] if len(first) == 1 else None


def runs_once(stmt: Loop) -> bool:
    """Whether a loop's body ends in a ``break``: one item is looked at, and that is all."""
    last = stmt.body[-1] if stmt.body else None
    return isinstance(last, Jump) and last.kind == "break"


def _evals(end: State, head: State) -> bool:
    """Whether something is in eval mode by another switch than before."""
    return any(
        new is not None
        and old is not None
        and any(Mode.EVAL in origin.mode for origin in new.origins - old.origins)
        for _, new, old in end.modes.differences(head.modes)
    )
