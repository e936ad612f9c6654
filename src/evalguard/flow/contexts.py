"""``with``: context managers of libraries, of the project, and of both kinds of generators."""

from __future__ import annotations

from evalguard.events import (
    Call,
    Expr,
    With,
    show,
)
from evalguard.facts import GradSwitchIdle
from evalguard.flow.calling import Calling
from evalguard.flow.core import Arguments, Frame
from evalguard.flow.state import State, join_states
from evalguard.flow.values import (
    ANYTHING,
    Ctx,
    Fun,
    Lib,
    Managed,
    Ref,
    Value,
    constant,
    one,
    only,
    ordered,
)
from evalguard.modes import Grad
from evalguard.places import NOWHERE, Span


class Contexts(Calling):
    """Enters and leaves context managers."""

    def _name_of(self, frame: Frame) -> str:
        return frame.known.function.qualname if frame.known else ""

    def _idle(self, name: str, node: Expr, how: str, span: Span, frame: Frame) -> None:
        """Note a spelling of ``no_grad`` that does nothing."""
        known = self.knowledge.context(name)
        if known is None or known.immediate or known.grad in ("", "on"):
            return
        place = self.place(frame, span)
        self.recorder.note(
            GradSwitchIdle(place, self._name_of(frame), (), text=show(node), how=how)
        )

    def _with(self, stmt: With, state: State, frame: Frame) -> list[State]:
        return self._within(list(stmt.items), stmt, state, frame)

    def _within(
        self,
        items: list[tuple[Expr, Expr | None]],
        stmt: With,
        state: State,
        frame: Frame,
    ) -> list[State]:
        if not items:
            return self.run(stmt.body, [state], frame)
        (node, target), rest = items[0], items[1:]
        before = state.grad, state.grad_place, state.locked, state.leak
        value = self.value(node, state, frame)
        managed = next((atom for atom in value.atoms if isinstance(atom, Managed)), None)
        if managed is not None:
            return self._managed(managed, node, target, rest, stmt, state, frame)
        mark = frame.mark()
        state.leak = before[3]
        self._not_made(value, node, stmt.at, frame)
        entered = self._enter_contexts(value, node, state, frame)
        if target is not None:
            self.bind(target, entered, state, frame, stmt.at)
        ends = self._within(rest, stmt, state, frame)
        exits = [atom for atom in ordered(value.atoms) if isinstance(atom, (Ref, Ctx))]

        def leave(left: State) -> None:
            left.grad, left.grad_place, left.locked, left.leak = before
            for atom in exits:
                self._exit(atom, node, left, frame)

        for end in ends:
            leave(end)
        for left in frame.left_since(mark):
            leave(left)
        return ends

    def _not_made(self, value: Value, node: Expr, span: Span, frame: Frame) -> None:
        """``with torch.no_grad:``, the call forgotten."""
        atom = only(value)
        if not isinstance(atom, Lib) or isinstance(node, Call):
            return
        self._idle(atom.name, node, "uncalled", span, frame)

    def _enter_contexts(self, value: Value, node: Expr, state: State, frame: Frame) -> Value:
        contexts = [atom for atom in ordered(value.atoms) if isinstance(atom, Ctx)]
        grads = [self._context_grad(atom, state, frame) for atom in contexts]
        known = [grad for grad in grads if grad is not None]
        if known:
            joined = known[0] if len(known) == len(grads) else known[0] | state.grad
            for grad in known[1:]:
                joined |= grad
            site = node if isinstance(node, Call) else None
            if not state.locked:
                self.enter_grad(joined, site, state, frame)
            if any(self._locks(atom) for atom in contexts):
                state.locked = joined == Grad.OFF
        for atom in contexts:
            self._enter_mode(atom, node, state, frame)
        return self._entered_objects(value, node, state, frame)

    def _context_grad(self, atom: Ctx, state: State, frame: Frame) -> Grad | None:
        return self.grad_of(atom.name, atom.argument, state, frame)

    def _locks(self, atom: Ctx) -> bool:
        known = self.knowledge.context(atom.name)
        return known is not None and known.locks

    def _enter_mode(self, atom: Ctx, node: Expr, state: State, frame: Frame) -> None:
        known = self.knowledge.context(atom.name)
        if known is None or not known.mode or atom.subject is None or not isinstance(node, Call):
            return
        for item in atom.subject.atoms:
            if isinstance(item, Ref):
                saved = self.training_of(item.thing, state)
                self.assign(item.thing, "#saved", saved, state)
        flag = constant(atom.argument) if atom.argument is not None else None
        constants = [] if flag is None else [flag.value]
        named = {known.argument.name: constants[0]} if constants and known.argument else {}
        mode = known.mode_of((), named)
        if mode is not None:
            self.switch_value(atom.subject, mode, node, state, frame)

    def _entered_objects(self, value: Value, node: Expr, state: State, frame: Frame) -> Value:
        entered = value
        for atom in ordered(value.atoms):
            if isinstance(atom, Ref):
                result = self._dunder(atom, "__enter__", node, state, frame)
                entered = result if result is not None else entered
        return entered

    def _exit(self, atom: Ref | Ctx, node: Expr, state: State, frame: Frame) -> None:
        if isinstance(atom, Ref):
            self._dunder(atom, "__exit__", node, state, frame)
            return
        known = self.knowledge.context(atom.name)
        if known is None or not known.mode or not known.restores or atom.subject is None:
            return
        for item in atom.subject.atoms:
            saved = state.get((item.thing, "#saved")) if isinstance(item, Ref) else None
            if isinstance(item, Ref) and saved is not None and isinstance(node, Call):
                mode = self.flag_mode(saved, state, frame)
                self.switch_value(one(item), mode, node, state, frame)

    def _dunder(self, atom: Ref, name: str, node: Expr, state: State, frame: Frame) -> Value | None:
        cls = self.things[atom.thing].cls
        member = self.member(cls, name, state) if cls is not None else None
        if member is None:
            return None
        for item in ordered(member.atoms):
            if isinstance(item, Fun):
                place = self.place(frame, node.at if isinstance(node, Call) else NOWHERE)
                return self.call_function(
                    item._replace(bound=atom), Arguments(), place, name, state, frame
                )
        return None

    def _managed(
        self,
        managed: Managed,
        node: Expr,
        target: Expr | None,
        rest: list[tuple[Expr, Expr | None]],
        stmt: With,
        state: State,
        frame: Frame,
    ) -> list[State]:
        """A ``@contextmanager`` of the project: its body runs around ours, at the ``yield``."""
        mark = frame.mark()
        known = self.functions[managed.fun.number]
        span = node.at if isinstance(node, Call) else stmt.at
        place = self.place(frame, span)
        inner = self._enter(managed.fun, known, managed.args, place, show(node), state, frame)
        reached: list[bool] = []

        def body(value: Value, current: State) -> Value:
            if target is not None:
                self.bind(target, value, current, frame, stmt.at)
            ends = self._within(rest, stmt, current.copy(), frame)
            reached.append(bool(ends))
            left = [left for left, _ in frame.returns[mark.returns :]]
            end = join_states([item.copy() for item in ends or left])
            if end is not None:
                current.adopt(end)
            return ANYTHING

        inner.on_yield = body
        self.walk(inner, known, state)

        for left in frame.left_since(mark):
            left.modes, left.grad = state.modes.copy(), state.grad
        return [state] if not reached or any(reached) else []
