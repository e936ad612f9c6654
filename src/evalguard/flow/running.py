"""Statements: control flow, bindings, scopes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evalguard.events import (
    Assert,
    Attr,
    Bind,
    Block,
    Call,
    Const,
    Define,
    DefineClass,
    Delete,
    Do,
    Expr,
    If,
    Import,
    Jump,
    Loop,
    Name,
    Raise,
    Return,
    Scope,
    Stmt,
    Try,
    With,
    show,
)
from evalguard.facts import GradSwitchIdle, SwitchNotCalled
from evalguard.flow.calling import Calling
from evalguard.flow.classes import Known
from evalguard.flow.core import Arguments, Fork, Frame, LoopPoint
from evalguard.flow.state import State, join_states, settle
from evalguard.flow.values import (
    ANYTHING,
    Cls,
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
    tainted,
)
from evalguard.modes import Grad
from evalguard.places import Span

MOST_ROUNDS = 4
MOST_UNROLLED = 4
SWITCHES = ("train", "eval")


class Running(Calling):
    """Walks statements."""

    def run(self, block: Block, states: list[State], frame: Frame) -> list[State]:
        """Walk statements in order; each state on its own."""
        for stmt in block:
            if not states:
                break
            after: list[State] = []
            for state in states:
                after += self._step(stmt, state, frame)
            after = [state for state in after if not state.dead]
            states = settle(after) if len(after) > 1 else after
        return states

    def _step(self, stmt: Stmt, state: State, frame: Frame) -> list[State]:
        """One statement; where its effect hangs on a condition, once for each outcome."""
        self.fuel -= 1
        handler = _HANDLERS[type(stmt)]
        if type(stmt) not in _MAY_FORK:
            return handler(self, stmt, state, frame)
        before = state.copy()
        mark = len(frame.returns), [_marks(loop) for loop in frame.loops]
        try:
            return handler(self, stmt, state, frame)
        except Fork as fork:
            _reset(frame, mark)
            if fork.key in before.assume or frame.forks >= MOST_ROUNDS:
                return self._unforked(stmt, before, frame)
            frame.forks += 1
            out: list[State] = []
            for holds in (True, False):
                branch = before.copy()
                branch.assume[fork.key] = holds
                out += self._step(stmt, branch, frame)
            frame.forks -= 1
            return out

    def _unforked(self, stmt: Stmt, state: State, frame: Frame) -> list[State]:
        """Walk a statement that may not be forked: its effect is unknown where it would be."""
        forks, frame.forks = frame.forks, MOST_ROUNDS
        try:
            return _HANDLERS[type(stmt)](self, stmt, state, frame)
        except Fork:
            return [state]
        finally:
            frame.forks = forks

    # Simple statements.

    def _bind_stmt(self, stmt: Bind, state: State, frame: Frame) -> list[State]:
        value = self.value(stmt.value, state, frame)
        if frame.in_forward and isinstance(stmt.value, Call):
            self._kept_on_objects(stmt, frame)
        for target in stmt.targets:
            if stmt.augmented:
                old = self.value(target, state, frame)
                value = tainted([self.deep(old, state), self.deep(value, state)])
            self.bind(target, value, state, frame, stmt.at)
        return [state]

    def _kept_on_objects(self, stmt: Bind, frame: Frame) -> None:
        if any(isinstance(target, Attr) for target in stmt.targets):
            assert isinstance(stmt.value, Call)
            self.recorder.kept(self.place(frame, stmt.value.at))

    def _do(self, stmt: Do, state: State, frame: Frame) -> list[State]:
        node = stmt.value
        if isinstance(node, Attr) and node.name in SWITCHES:
            self._not_called(node, stmt.at, state, frame)
            return [state]
        value = self.value(node, state, frame)
        atom = only(value)
        if isinstance(node, Call) and isinstance(atom, Ctx):
            self._idle(atom.name, node, "statement", stmt.at, frame)
        elif isinstance(node, (Name, Attr)) and isinstance(atom, Lib):
            self._idle(atom.name, node, "reference", stmt.at, frame)
        return [state]

    def _not_called(self, node: Attr, span: Span, state: State, frame: Frame) -> None:
        owner = self.value(node.value, state, frame)
        atom = only(owner)
        if atom is not None and not isinstance(atom, (Ref, Lib)) and not self.is_module(atom):
            return
        if isinstance(atom, Ref) and self.things[atom.thing].kind not in ("module", "unknown"):
            return
        number = atom.thing if isinstance(atom, Ref) else None
        module = self.survey(number, show(node.value), state).module if number else None
        fact = SwitchNotCalled(self.place(frame, span), self._name_of(frame), (), name=node.name)
        if module is not None:
            fact = SwitchNotCalled(
                fact.place, fact.function, (), module=module, name=node.name
            )
        self.recorder.note(fact)

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

    def _return(self, stmt: Return, state: State, frame: Frame) -> list[State]:
        value = self.value(stmt.value, state, frame)
        frame.returns.append((state, value))
        return []

    def _raise(self, stmt: Raise, state: State, frame: Frame) -> list[State]:
        self.value(stmt.value, state, frame)
        return []

    def _assert(self, stmt: Assert, state: State, frame: Frame) -> list[State]:
        holds, cond = self.truth(self.value(stmt.test, state, frame), state)
        if holds is False:
            return []
        if holds is None and cond is not None:
            state.assume[cond.key] = not cond.negated
        return [state]

    def _jump(self, stmt: Jump, state: State, frame: Frame) -> list[State]:
        if frame.loops:
            loop = frame.loops[-1]
            (loop.breaks if stmt.kind == "break" else loop.continues).append(state)
        return []

    def _delete(self, stmt: Delete, state: State, frame: Frame) -> list[State]:
        for name in stmt.names:
            state.fields.pop((self.home(name, frame), name))
        return [state]

    def _scope(self, stmt: Scope, state: State, frame: Frame) -> list[State]:
        for name in stmt.names:
            frame.elsewhere[name] = self._outer_home(stmt.kind, name, frame)
        return [state]

    def _outer_home(self, kind: str, name: str, frame: Frame) -> int:
        seen: Frame | None = frame
        while seen is not None and seen.outer is not None:
            seen = self.frames.get(seen.outer)
            if seen is not None and kind == "nonlocal" and name in seen.names:
                return seen.thing
        return seen.thing if seen is not None else frame.thing

    # Branches.

    def _if(self, stmt: If, state: State, frame: Frame) -> list[State]:
        value = self.value(stmt.test, state, frame)
        self.recorder.measured(value.taint)
        holds, cond = self.truth(value, state)
        parts = self.parts_in(stmt.test, value, state, frame)
        if holds is not None and not parts:
            return self.run(stmt.body if holds else stmt.orelse, [state], frame)
        before = state.narrow
        other = state.copy()
        if cond is not None:
            state.assume[cond.key] = not cond.negated
            other.assume[cond.key] = cond.negated
        state.narrow = other.narrow = before | parts
        self._refine(stmt.test, state, other)
        ends = self.run(stmt.body, [state], frame) + self.run(stmt.orelse, [other], frame)
        for end in ends:
            end.narrow = before
        return settle(ends)

    def _refine(self, test: Expr, then: State, other: State) -> None:
        """What else a test tells; conjunctions hold part by part."""

    # Loops.

    def _loop(self, stmt: Loop, state: State, frame: Frame) -> list[State]:
        point = LoopPoint(self.place(frame, _head(stmt)))
        frame.loops.append(point)
        self.loops.append(point)
        try:
            ends = self._rounds(stmt, state, frame, point)
        finally:
            frame.loops.pop()
            self.loops.pop()
        if isinstance(stmt.test, Const) and stmt.test.value:
            return settle(point.breaks)
        ends = self.run(stmt.orelse, settle(ends), frame) if stmt.orelse else ends
        return settle(ends + point.breaks)

    def _rounds(
        self, stmt: Loop, state: State, frame: Frame, point: LoopPoint
    ) -> list[State]:
        if stmt.iterable is not None:
            iterable = self.value(stmt.iterable, state, frame)
            items = self.sequence(iterable, state)
            if items is not None and 0 < len(items) <= MOST_UNROLLED:
                return self._unrolled(stmt, items, state, frame, point)
            return self._repeated(stmt, self.items(iterable, state), state, frame, point)
        return self._repeated(stmt, None, state, frame, point)

    def _unrolled(
        self,
        stmt: Loop,
        items: list[Value],
        state: State,
        frame: Frame,
        point: LoopPoint,
    ) -> list[State]:
        states = [state]
        for item in items:
            for current in states:
                assert stmt.target is not None
                self.bind(stmt.target, item, current, frame, stmt.at)
            states = settle(self.run(stmt.body, states, frame) + point.continues)
            point.continues = []
        return states

    def _repeated(
        self, stmt: Loop, item: Value | None, state: State, frame: Frame, point: LoopPoint
    ) -> list[State]:
        """Rounds until nothing new comes; at least one is taken to happen."""
        states, ends = [state], []
        heads: list[State] = [state.copy()]
        for number in range(1, MOST_ROUNDS + 1):
            point.round = number
            states = self._round(stmt, item, states, frame, point)
            ends += [end.copy() for end in states]
            states = [end for end in states if not any(end.same(head) for head in heads)]
            if not states:
                break
            heads += [end.copy() for end in states]
        return settle(ends)

    def _round(
        self,
        stmt: Loop,
        item: Value | None,
        states: list[State],
        frame: Frame,
        point: LoopPoint,
    ) -> list[State]:
        for current in states:
            if item is not None and stmt.target is not None:
                self.bind(stmt.target, item, current, frame, stmt.at)
            elif stmt.test is not None:
                self._while_test(stmt.test, current, frame)
        ends = self.run(stmt.body, states, frame) + point.continues
        point.continues = []
        return settle(ends)

    def _while_test(self, test: Expr, state: State, frame: Frame) -> None:
        try:
            self.recorder.measured(self.value(test, state, frame).taint)
        except Fork:
            pass

    # try and with.

    def _try(self, stmt: Try, state: State, frame: Frame) -> list[State]:
        mark = len(frame.returns), [_marks(loop) for loop in frame.loops]
        before = state.copy()
        ends = self.run(stmt.body, [state], frame)
        raised = join_states([before, *[end.copy() for end in ends]])
        ends = self.run(stmt.orelse, ends, frame) if stmt.orelse else ends
        for name, body in stmt.handlers:
            assert raised is not None
            start = raised.copy()
            if name is not None:
                self.assign(self.home(name, frame), name, ANYTHING, start)
            ends += self.run(body, [start], frame)
        if stmt.final:
            ends = self.run(stmt.final, settle(ends), frame)
            self._on_leaving(frame, mark, lambda left: self._finally(stmt.final, left, frame))
        return settle(ends)

    def _finally(self, block: Block, state: State, frame: Frame) -> None:
        end = join_states(self.run(block, [state.copy()], frame))
        if end is not None:
            state.adopt(end)

    def _on_leaving(
        self, frame: Frame, mark: tuple[int, list[tuple[int, int]]], change: Callable[[State], None]
    ) -> None:
        """Change the states that left a block by return, break or continue."""
        for state, _ in frame.returns[mark[0] :]:
            change(state)
        for loop, (breaks, continues) in zip(frame.loops, mark[1], strict=False):
            for state in loop.breaks[breaks:] + loop.continues[continues:]:
                change(state)

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
        before = state.grad, state.grad_place, state.locked
        value = self.value(node, state, frame)
        managed = next((atom for atom in value.atoms if isinstance(atom, Managed)), None)
        if managed is not None:
            return self._managed(managed, node, target, rest, stmt, state, frame)
        mark = len(frame.returns), [_marks(loop) for loop in frame.loops]
        self._not_made(value, node, stmt.at, frame)
        entered = self._enter_contexts(value, node, state, frame)
        if target is not None:
            self.bind(target, entered, state, frame, stmt.at)
        ends = self._within(rest, stmt, state, frame)
        exits = [atom for atom in ordered(value.atoms) if isinstance(atom, (Ref, Ctx))]

        def leave(left: State) -> None:
            left.grad, left.grad_place, left.locked = before
            for atom in exits:
                self._exit(atom, node, left, frame)

        for end in ends:
            leave(end)
        self._on_leaving(frame, mark, leave)
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
            if any(atom.name == "torch.inference_mode" for atom in contexts):
                state.locked = joined == Grad.OFF
        for atom in contexts:
            self._enter_mode(atom, node, state, frame)
        return self._entered_objects(value, node, state, frame)

    def _context_grad(self, atom: Ctx, state: State, frame: Frame) -> Grad | None:
        return self.grad_of(atom.name, atom.argument, state, frame)

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
                self.switch_value(one(item), mode.mode, node, state, frame)

    def _dunder(
        self, atom: Ref, name: str, node: Expr, state: State, frame: Frame
    ) -> Value | None:
        cls = self.things[atom.thing].cls
        member = self.member(cls, name, state) if cls is not None else None
        if member is None:
            return None
        for item in ordered(member.atoms):
            if isinstance(item, Fun):
                place = self.place(frame, node.at if isinstance(node, Call) else _NOWHERE)
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
        mark = len(frame.returns), [_marks(loop) for loop in frame.loops]
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

        inner.on_yield = body
        self.walk(inner, known, state)

        def restored(left: State) -> None:
            left.modes, left.grad = state.modes.copy(), state.grad

        self._on_leaving(frame, mark, restored)
        return [state] if not reached or any(reached) else []

    # Definitions and imports.

    def _define(self, stmt: Define, state: State, frame: Frame) -> list[State]:
        function = stmt.function
        owner = frame.owner if self._in_class_body(frame) else None
        value = one(self.define(function, frame, owner))
        for decorator in reversed(function.decorators):
            value = self._decorate(decorator, value, state, frame)
        self.assign(self.home(function.name, frame), function.name, value, state)
        return [state]

    def _in_class_body(self, frame: Frame) -> bool:
        return self.things[frame.thing].kind == "class"

    def _decorate(self, node: Expr, value: Value, state: State, frame: Frame) -> Value:
        fun = only(value)
        if not isinstance(fun, Fun):
            return value
        known = self.functions[fun.number]
        decorator = self.value(node, state, frame)
        atom = only(decorator)
        if isinstance(atom, Lib):
            return self._library_decorator(atom.name, known, node, value, frame)
        if isinstance(atom, Ctx):
            grad = self.grad_of(atom.name, atom.argument, state, frame)
            self._decorate_grad(known, grad, atom.name, node, frame)
            return value
        if isinstance(atom, Fun):
            site = Call(node, (), (), known.function.at)
            wrapped = self.call_value(decorator, Arguments((value,)), site, state, frame)
            return wrapped if any(isinstance(item, Fun) for item in wrapped.atoms) else value
        if isinstance(node, Attr) and node.name in ("setter", "deleter"):
            return self.value(node.value, state, frame)
        return value

    def _library_decorator(
        self, name: str, known: Known, node: Expr, value: Value, frame: Frame
    ) -> Value:
        role = _ROLES.get(name.rpartition(".")[2])
        if role is not None:
            known.role = role
        context = self.knowledge.context(name)
        if context is not None and context.grad:
            self._decorate_grad(known, context.grad_of(), name, node, frame)
        return value

    def _decorate_grad(
        self, known: Known, grad: Grad | None, name: str, node: Expr, frame: Frame
    ) -> None:
        span = node.at if isinstance(node, Call) else known.function.at
        if known.function.is_async:
            self._idle(name, node, "async", span, frame)
            return
        known.grad, known.grad_place = grad, self.place(frame, span)

    def _define_class(self, stmt: DefineClass, state: State, frame: Frame) -> list[State]:
        cls = stmt.cls
        thing, new = self.things.make(("class", frame.path, cls.at, cls.qualname), "class")
        if new:
            blueprint = self.classes.add(cls, frame.path, frame.thing, thing.number)
            thing.cls = blueprint.number
        assert thing.cls is not None
        blueprint = self.classes[thing.cls]
        bases = tuple([self.value(base, state, frame) for base in cls.bases])
        for node in cls.decorators:
            self._class_decorator(node, state, frame)
        self.classes.settle(blueprint, bases)
        inner = Frame(thing.number, frame.path, frame.context, outer=frame.thing)
        inner.owner, inner.names = blueprint.number, frozenset()
        inner.known = frame.known
        frame.captured = True
        self.frames[thing.number] = inner
        self._class_body(cls.body, inner, state)
        self.assign(self.home(cls.name, frame), cls.name, one(Cls(blueprint.number)), state)
        return [state]

    def _class_decorator(self, node: Expr, state: State, frame: Frame) -> None:
        atom = only(self.value(node, state, frame))
        if isinstance(atom, (Ctx, Lib)):
            span = node.at if isinstance(node, Call) else _NOWHERE
            self._idle(atom.name, node, "class", span, frame)

    def _class_body(self, body: Block, inner: Frame, state: State) -> None:
        """Class attributes live on the class; functions in it don't see them."""
        outer = self.frames.get(inner.outer) if inner.outer is not None else None
        names = {name for stmt in body for name in _bound(stmt)}
        inner.names = frozenset(names)
        ends = self.run(body, [state], inner)
        end = join_states(ends)
        if end is not None and end is not state:
            state.adopt(end)
        inner.names = frozenset()
        del outer

    def _import(self, stmt: Import, state: State, frame: Frame) -> list[State]:
        value = self.imported(stmt, state, frame)
        if stmt.name == "*":
            self._import_all(value, state, frame)
        elif stmt.bound:
            self.assign(self.home(stmt.bound, frame), stmt.bound, value, state)
        return [state]

    def imported(self, stmt: Import, state: State, frame: Frame) -> Value:
        """What an import binds; provided by the layer that knows files."""
        raise NotImplementedError

    def _import_all(self, value: Value, state: State, frame: Frame) -> None:
        """Names that a star import brings; provided by the layer that knows files."""
        raise NotImplementedError


def _bound(stmt: Stmt) -> list[str]:
    if isinstance(stmt, Define):
        return [stmt.function.name]
    if isinstance(stmt, DefineClass):
        return [stmt.cls.name]
    if isinstance(stmt, Bind):
        return [target.id for target in stmt.targets if isinstance(target, Name)]
    if isinstance(stmt, If):
        return [name for item in (*stmt.body, *stmt.orelse) for name in _bound(item)]
    if isinstance(stmt, Import):
        return [stmt.bound]
    return []


def _marks(loop: LoopPoint) -> tuple[int, int]:
    return len(loop.breaks), len(loop.continues)


def _reset(frame: Frame, mark: tuple[int, list[tuple[int, int]]]) -> None:
    del frame.returns[mark[0] :]
    for loop, (breaks, continues) in zip(frame.loops, mark[1], strict=False):
        del loop.breaks[breaks:], loop.continues[continues:]


def _head(stmt: Loop) -> Span:
    span = stmt.at
    return Span(span.line, span.column, span.line, span.column + (3 if stmt.iterable else 5))


_NOWHERE = Span(0, 0, 0, 0)
_ROLES = {
    "property": "property",
    "cached_property": "property",
    "staticmethod": "static",
    "classmethod": "class",
    "contextmanager": "manager",
    "asynccontextmanager": "manager",
}
_HANDLERS: dict[type, Callable[[Running, Any, State, Frame], list[State]]] = {
    Bind: Running._bind_stmt,
    Do: Running._do,
    If: Running._if,
    Loop: Running._loop,
    Try: Running._try,
    With: Running._with,
    Return: Running._return,
    Raise: Running._raise,
    Assert: Running._assert,
    Jump: Running._jump,
    Delete: Running._delete,
    Scope: Running._scope,
    Import: Running._import,
    Define: Running._define,
    DefineClass: Running._define_class,
}
_MAY_FORK = frozenset((Bind, Do, If, With, Return, Loop))
