"""``raise``, ``try`` and ``finally``."""

from __future__ import annotations

from evalguard.events import Block, Raise, Try
from evalguard.flow.core import Frame
from evalguard.flow.defining import Defining
from evalguard.flow.state import State, join_states, settle
from evalguard.flow.values import ANYTHING


class Trying(Defining):
    """Walks what raises, and what catches it.

    An exception that can't be seen is taken to come before a ``try`` block's first statement or
    after its last.
    """

    def _raise(self, stmt: Raise, state: State, frame: Frame) -> list[State]:
        self.value(stmt.value, state, frame)
        if self.raised is not None:
            self.raised.append(state)
        return []

    def _try(self, stmt: Try, state: State, frame: Frame) -> list[State]:
        mark = frame.mark()
        before = state.copy()
        ends, raised = self._attempt(stmt.body, state, frame)
        start = join_states([before, *[end.copy() for end in ends], *raised])
        ends = self.run(stmt.orelse, ends, frame) if stmt.orelse else ends
        for name, body in stmt.handlers:
            assert start is not None
            caught = start.copy()
            if name is not None:
                self.assign(self.home(name, frame), name, ANYTHING, caught)
            ends += self.run(body, [caught], frame)
        if stmt.final:
            ends = self.run(stmt.final, settle(ends), frame)
            for left in frame.left_since(mark):
                self._finally(stmt.final, left, frame)
        if not stmt.handlers and self.raised is not None:
            for left in raised:
                self._finally(stmt.final, left, frame)
            self.raised += raised
        return settle(ends)

    def _attempt(self, block: Block, state: State, frame: Frame) -> tuple[list[State], list[State]]:
        """Walk what may raise: the states in which its end is reached, and those at a ``raise``."""
        outer, self.raised = self.raised, []
        grad = state.grad, state.grad_place, state.locked, state.leak
        try:
            ends = self.run(block, [state], frame)
            raised = self.raised
        finally:
            self.raised = outer
        for left in raised:
            left.grad, left.grad_place, left.locked, left.leak = grad
        return ends, raised

    def _finally(self, block: Block, state: State, frame: Frame) -> None:
        end = join_states(self.run(block, [state.copy()], frame))
        if end is not None:
            state.adopt(end)
