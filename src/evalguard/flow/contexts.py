"""``with``: context managers of libraries, of the project, and of both kinds of generators."""

from __future__ import annotations

from collections.abc import Callable

from evalguard.events import (
    Attr,
    Call,
    Expr,
    Name,
    With,
)
from evalguard.facts import GradSwitchIdle
from evalguard.flow.atoms import Atom, Ctx, Fun, Lib, Managed, Method, Ref, Unknown, Value
from evalguard.flow.calling import Calling
from evalguard.flow.classes import Known
from evalguard.flow.core import Arguments, Frame
from evalguard.flow.showing import show
from evalguard.flow.state import ModeState, State, join_states
from evalguard.flow.values import ANYTHING, constant, join_all, one, only, ordered
from evalguard.link import Program
from evalguard.modes import Grad, Mode
from evalguard.places import Span
from evalguard.records import NamedTuple

LENT = ModeState(Mode.UNSEEN, frozenset())


class Pushed(NamedTuple):
    """What ``enter_context`` has entered: what to leave, where, and the modes to go back to."""

    exits: tuple[Ref | Ctx, ...]
    node: Expr
    at: Span
    before: dict[int, ModeState | None]


class Contexts(Calling):
    """Enters and leaves context managers."""

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self._stacks: list[list[Pushed]] = []

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
        managed = next((atom for atom in ordered(value.atoms) if isinstance(atom, Managed)), None)
        if managed is not None:
            return self._managed(managed, node, target, rest, stmt, state, frame)
        mark, thrown = frame.mark(), len(self.raised or ())
        self._not_made(value, node, stmt.at, frame)
        entered = self._enter_contexts(value, node, stmt.at, state, frame)
        turned = (state.grad, state.grad_place, state.locked) != before[:3]
        turns_back = turned or any(self._turns_back(atom, state) for atom in value.atoms)
        if turns_back:
            state.leak = before[3]
        lent = self._lend(value, node, state, frame)
        pushed: list[Pushed] = []
        self._stacks.append(pushed)
        if target is not None:
            self.bind(target, entered, state, frame, stmt.at)
        try:
            ends = self._within(rest, stmt, state, frame)
        finally:
            self._stacks.pop()
        exits = [atom for atom in ordered(value.atoms) if isinstance(atom, (Ref, Ctx))]
        for left in [*ends, *frame.left_since(mark), *(self.raised or ())[thrown:]]:
            if turns_back or pushed:
                left.grad, left.grad_place, left.locked, left.leak = before
            self._give_back(lent, left)
            for entry in [Pushed(tuple(exits), node, stmt.at, {}), *pushed][::-1]:
                self._pop(entry, left, frame)
        return ends

    def _turns_back(self, atom: Atom, state: State) -> bool:
        """Whether gradients are as before once a context is left: by a known one, or one unseen."""
        if isinstance(atom, Ctx):
            known = self.knowledge.context(atom.name)
            return known is None or known.grad != ""
        return not isinstance(atom, Ref) or self._own(atom, "__exit__", state) is None

    def _give_back(self, lent: dict[int, ModeState | None], left: State) -> None:
        for number, known in lent.items():
            if known is not None and left.mode(number) == LENT:
                left.modes[number] = known

    def method_call(
        self, method: Method, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value:
        """Call a method that the project doesn't define, ``ExitStack.enter_context`` among them."""
        if isinstance(method.owner, Ctx) and method.name.startswith("__"):
            return self._by_hand(method.owner, method.name, site, state, frame)
        if isinstance(method.owner, Ctx) and args.positional and self._stacks:
            return self._push(args.positional[0], site, state, frame)
        return super().method_call(method, args, site, state, frame)

    def _by_hand(self, context: Ctx, name: str, site: Call, state: State, frame: Frame) -> Value:
        """``no_grad().__enter__()``: what is entered so, stays until ``__exit__()``."""
        if name == "__enter__":
            self._enter_contexts(one(context), site, site.at, state, frame)
            off = self._context_grad(context, state, frame) == Grad.OFF
            state.leak = self.place(frame, site.at) if off else state.leak
        elif self._context_grad(context, state, frame) is not None:
            state.grad, state.grad_place, state.locked, state.leak = Grad.ON, None, False, None
        return ANYTHING

    def _nameless(
        self, callee: Value, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value:
        """A call of something unknown; or ``no_grad()(function)``, a decorator by its call."""
        contexts = [atom for atom in ordered(callee.atoms) if isinstance(atom, Ctx)]
        given = args.positional[0] if len(args.positional) == 1 else ANYTHING
        funs = [atom for atom in ordered(given.atoms) if isinstance(atom, Fun)]
        if not contexts or len(contexts) < len(callee.atoms) or len(funs) < len(given.atoms):
            return super()._nameless(callee, args, site, state, frame)
        grads = {self._context_grad(context, state, frame) for context in contexts}
        grad = grads.pop() if len(grads) == 1 else None
        for fun in funs if grad is not None else ():
            known = self.functions[fun.number]
            known.grad, known.grad_place = grad, self.place(frame, site.at)
        return given

    def _push(self, value: Value, site: Call, state: State, frame: Frame) -> Value:
        """Enter a context manager that the innermost ``with`` leaves at its end."""
        managed = next((atom for atom in ordered(value.atoms) if isinstance(atom, Managed)), None)
        if managed is not None:
            return self._push_managed(managed, site, state, frame)
        exits = [atom for atom in ordered(value.atoms) if isinstance(atom, (Ref, Ctx))]
        self._stacks[-1].append(Pushed(tuple(exits), site, site.at, {}))
        entered = self._enter_contexts(value, site, site.at, state, frame)
        return ANYTHING if any(isinstance(atom, Ctx) for atom in entered.atoms) else entered

    def _push_managed(self, managed: Managed, site: Call, state: State, frame: Frame) -> Value:
        """A ``@contextmanager``: as far as its ``yield``. What it switches, it is to restore."""
        if self.is_too_deep(managed.fun):
            return ANYTHING
        known, scratch = self.functions[managed.fun.number], state.copy()
        place, text = self.place(frame, site.at), show(site.func)
        inner = self._enter(managed.fun, known, managed.args, place, text, scratch, frame)
        reached: list[State] = []
        values: list[Value] = []

        def note(value: Value, current: State) -> Value:
            values.append(value)
            reached.append(current.copy())
            return ANYTHING

        self._walk_to_yield(inner, known, scratch, note)
        end = join_states(reached)
        if end is not None:
            before = {thing: old for thing, _, old in end.modes.differences(state.modes)}
            self._stacks[-1].append(Pushed((), site, site.at, before))
            state.adopt(end)
        return join_all(values)

    def _walk_to_yield(
        self,
        inner: Frame,
        known: Known,
        state: State,
        on_yield: Callable[[Value, State], Value],
    ) -> None:
        """Walk a generator's body, with something else to do where it yields."""
        inner.on_yield = on_yield
        try:
            self.walk(inner, known, state)
        finally:
            inner.on_yield = None  # it holds the analysis, which holds the frame

    def _pop(self, entry: Pushed, left: State, frame: Frame) -> None:
        for number, known in entry.before.items():
            if known is not None:
                left.modes[number] = known
        for atom in entry.exits:
            self._exit(atom, entry.node, entry.at, left, frame)

    def _lend(
        self, value: Value, node: Expr, state: State, frame: Frame
    ) -> dict[int, ModeState | None]:
        """Modules handed to a context manager that can't be seen: inside, anything goes.

        Returns:
            Their modes before.
        """
        if not isinstance(node, Call) or not all(self._opaque(atom) for atom in value.atoms):
            return {}
        plain = [arg for arg in node.args if isinstance(arg, (Name, Attr))]
        values = [self.value(arg, state, frame) for arg in plain]
        given = [atom for item in values for atom in item.atoms if isinstance(atom, Ref)]
        modules = [atom.thing for atom in given if self.things[atom.thing].kind == "module"]
        reach = {part for number in modules for part in self._reach(number, state)}
        lent = {number: state.mode(number) for number in sorted(reach)}
        for number in modules:
            self.switch(number, LENT, state, frame, set())
        return lent

    def _opaque(self, atom: Atom) -> bool:
        """Whether an atom is what a call that can't be seen has returned."""
        if isinstance(atom, Ref):
            return self.things[atom.thing].kind == "unknown"
        return isinstance(atom, Unknown)

    def _not_made(self, value: Value, node: Expr, span: Span, frame: Frame) -> None:
        """``with torch.no_grad:``, the call forgotten."""
        atom = only(value)
        if not isinstance(atom, Lib) or isinstance(node, Call):
            return
        self._idle(atom.name, node, "uncalled", span, frame)

    def _enter_contexts(
        self, value: Value, node: Expr, at: Span, state: State, frame: Frame
    ) -> Value:
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
        return self._entered_objects(value, at, state, frame)

    def _context_grad(self, atom: Ctx, state: State, frame: Frame) -> Grad | None:
        return self.grad_of(atom.name, atom.argument, state, frame)

    def _locks(self, atom: Ctx) -> bool:
        known = self.knowledge.context(atom.name)
        return known is not None and known.locks

    def _enter_mode(self, atom: Ctx, node: Expr, state: State, frame: Frame) -> None:
        known = self.knowledge.context(atom.name)
        if known is None or not known.mode or atom.subject is None or not isinstance(node, Call):
            return
        for item in ordered(atom.subject.atoms):
            if isinstance(item, Ref):
                saved = self.training_of(item.thing, state)
                self.assign(item.thing, "#saved", saved, state)
        flag = constant(atom.argument) if atom.argument is not None else None
        constants = [] if flag is None else [flag.value]
        named = {known.argument.name: constants[0]} if constants and known.argument else {}
        mode = known.mode_of((), named)
        if mode is not None:
            self.switch_value(atom.subject, mode, node, state, frame)

    def _entered_objects(self, value: Value, at: Span, state: State, frame: Frame) -> Value:
        entered = value
        for atom in ordered(value.atoms):
            if isinstance(atom, Ref):
                result = self._dunder(atom, "__enter__", at, state, frame)
                entered = result if result is not None else entered
        return entered

    def _exit(self, atom: Ref | Ctx, node: Expr, at: Span, state: State, frame: Frame) -> None:
        if isinstance(atom, Ref):
            self._dunder(atom, "__exit__", at, state, frame)
            return
        known = self.knowledge.context(atom.name)
        if known is None or not known.mode or not known.restores or atom.subject is None:
            return
        for item in ordered(atom.subject.atoms):
            saved = state.get((item.thing, "#saved")) if isinstance(item, Ref) else None
            if isinstance(item, Ref) and saved is not None and isinstance(node, Call):
                mode = self.flag_mode(saved, state, frame)
                self.switch_value(one(item), mode, node, state, frame)

    def _dunder(self, atom: Ref, name: str, at: Span, state: State, frame: Frame) -> Value | None:
        member = self._own(atom, name, state)
        for item in ordered(member.atoms) if member is not None else ():
            if isinstance(item, Fun):
                method, place = item._replace(bound=atom), self.place(frame, at)
                return self.call_function(method, Arguments(), place, name, state, frame)
        return None

    def _own(self, atom: Ref, name: str, state: State) -> Value | None:
        """A special method that an object's class defines, be it for ``async with``."""
        cls = self.things[atom.thing].cls
        if cls is None:
            return None
        return self.member(cls, name, state) or self.member(cls, f"__a{name[2:]}", state)

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
        if self.is_too_deep(managed.fun):
            if target is not None:
                self.bind(target, ANYTHING, state, frame, stmt.at)
            return self._within(rest, stmt, state, frame)
        mark, thrown = frame.mark(), len(self.raised or ())
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
            left = [left for left, _ in frame.returns[mark[0] :]]
            end = join_states([item.copy() for item in ends or left])
            if end is not None:
                current.adopt(end)
            return ANYTHING

        self._walk_to_yield(inner, known, state, body)
        for left in [*frame.left_since(mark), *(self.raised or ())[thrown:]]:
            left.modes, left.grad = state.modes.copy(), state.grad
        return [state] if not reached or any(reached) else []
