"""Statements: control flow, bindings, scopes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
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
    Item,
    Jump,
    Loop,
    Name,
    Raise,
    Return,
    Scope,
    Stmt,
    Try,
    With,
)
from evalguard.facts import SwitchNotCalled
from evalguard.flow.atoms import Ctx, Key, Lib, Ref, Value
from evalguard.flow.beside import SWITCHES
from evalguard.flow.conditions import asks_training
from evalguard.flow.core import FILE_FLOOR, Exhausted, Fork, Frame, LoopPoint
from evalguard.flow.counting import LAST, counted, counter, finished, going_on
from evalguard.flow.guards import comes_each_time
from evalguard.flow.leftovers import left_over
from evalguard.flow.rounds import Rounds, no_round, one_round, runs_once
from evalguard.flow.showing import show
from evalguard.flow.state import Modes, State, flagged, settle
from evalguard.flow.values import ABOVE_ZERO, detached, one, only, ordered, tainted
from evalguard.flow.variables import ITEMS
from evalguard.places import Span

ASKED = ("training", "asked")
MOST_ROUNDS = 4


class Running(Rounds):
    """Walks statements."""

    def run(self, block: Block, states: list[State], frame: Frame) -> list[State]:
        """Walk statements in order; each state on its own."""
        for number, stmt in enumerate(block, 1):
            if not states:
                break
            after: list[State] = []
            for state in states:
                after += self._step(stmt, state, frame)
            states = [state for state in after if not state.dead]
            if after and not states:
                self.cut_short(block[number:], after, frame)
            states = settle(states) if len(states) > 1 else states
        return states

    def _step(self, stmt: Stmt, state: State, frame: Frame) -> list[State]:
        """One statement; where its effect hangs on a condition, once for each outcome."""
        self.fuel -= 1
        if self.fuel < self.limit:
            raise Exhausted
        handler = _HANDLERS[type(stmt)]
        if type(stmt) not in _MAY_FORK:
            return handler(self, stmt, state, frame)
        before = state.copy()
        mark = frame.mark()
        try:
            return handler(self, stmt, state, frame)
        except Fork as fork:
            frame.reset(mark)
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
        value = self.picked(value, state, frame)
        for target in stmt.targets:
            if stmt.augmented:
                old = self.value(target, state, frame)
                value = self._added(old, value, state)
            if frame.in_forward:
                self._filled(target, state, frame)
            self.weights_set(target, stmt.value, state, frame)
            self.bind(target, value, state, frame, stmt.at)
        if frame.in_forward and self._made_anew(stmt, frame):
            self.recorder.anew(self.place(frame, stmt.at))
        return [state]

    def _filled(self, target: Expr, state: State, frame: Frame) -> None:
        """``layer.weight = ...``: who sets its weights knows that the layer has no others."""
        while isinstance(target, (Attr, Item)):
            target = target.value
            if isinstance(target, (Name, Attr)):
                self.keep(self.value(target, state, frame))

    def _made_anew(self, stmt: Bind, frame: Frame) -> bool:
        """Whether ``self.layer = ...`` replaces the layer at each forward pass."""
        function = frame.known.function if frame.known else None
        held = any(isinstance(target, Attr) for target in stmt.targets)
        anew = function is not None and function.name == "forward" and held
        return anew and function is not None and comes_each_time(function, stmt)

    def _added(self, old: Value, value: Value, state: State) -> Value:
        """``old += value``: a list (or a ``ModuleList``) takes in the other's items."""
        held = [atom for atom in ordered(old.atoms) if isinstance(atom, Ref)]
        lists = [atom for atom in held if self.things[atom.thing].kind in ("list", "module")]
        for atom in lists:
            self.put(atom.thing, ITEMS, self.items(value, state), state)
        return old if lists else tainted([self.deep(old, state), self.deep(value, state)])

    def _kept_on_objects(self, stmt: Bind, frame: Frame) -> None:
        if isinstance(stmt.value, Call) and any(isinstance(each, Attr) for each in stmt.targets):
            self.recorder.kept(self.place(frame, stmt.value.at))

    def _do(self, stmt: Do, state: State, frame: Frame) -> list[State]:
        node = stmt.value
        if isinstance(node, Attr) and node.name in SWITCHES:
            self._not_called(node, stmt.at, state, frame)
            return [state]
        value = self.value(node, state, frame)
        site = self.place(frame, node.at) if isinstance(node, Call) else None
        self.recorder.for_effect(value.taint, site, frame.repeats)
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
            fact = SwitchNotCalled(fact.place, fact.function, (), module=module, name=node.name)
        self.recorder.note(fact)

    def _return(self, stmt: Return, state: State, frame: Frame) -> list[State]:
        value = self.value(stmt.value, state, frame)
        frame.returns.append((state, value))
        return []

    def _assert(self, stmt: Assert, state: State, frame: Frame) -> list[State]:
        holds, cond = self.tested(stmt.test, self.value(stmt.test, state, frame), state, frame)
        if holds is False:
            return []
        if holds is None and cond is not None:
            self.suppose(cond, True, state)
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
        holds, cond = self.tested(stmt.test, value, state, frame)
        parts = self.parts_in(stmt.test, value, state, frame)
        chosen = self.chosen(stmt, cond, state, frame)
        if holds is not None and not parts:
            ends = self.run(stmt.body if holds else stmt.orelse, [state], frame)
            return self.by_choice(chosen, ends, frame)
        before = state.narrow
        other = state.copy()
        if cond is not None:
            self.suppose(cond, True, state)
            self.suppose(cond, False, other)
            self.unmade(stmt, cond, state, other)
        state.narrow = self.narrowed(stmt.test, True, parts, state, frame)
        other.narrow = self.narrowed(stmt.test, False, parts, other, frame)
        if _mentions_training(frame) and asks_training(stmt.test):
            state.assume[ASKED] = True
        self._assume(stmt.test, True, state, frame)
        self._assume(stmt.test, False, other, frame)
        begun = state.modes.copy(), other.modes.copy()
        left = len(frame.returns)
        self.doubts += 1
        outside = frame.branch(detached(value).taint)
        try:
            then = self.run(stmt.body, [state], frame)
            orelse = self._by_flag(then, self.run(stmt.orelse, [other], frame), begun)
            ends = then + self.put_back(only(value), then, orelse)
        finally:
            frame.join(outside)
            self.doubts -= 1
        self.doubts += len(frame.returns) > left  # until the function's end
        for end in ends:
            end.narrow = before
        return settle(self.by_choice(chosen, ends, frame))

    def _by_flag(
        self, then: list[State], orelse: list[State], begun: tuple[Modes, Modes]
    ) -> list[State]:
        """Where one branch switches to train and the other to eval, the test is what decides."""
        if len(then) != 1 or len(orelse) != 1:
            return orelse
        for thing, mine, theirs in then[0].modes.differences(orelse[0].modes):
            turned = mine != begun[0].get(thing) and theirs != begun[1].get(thing)
            if mine and theirs and mine.mode != theirs.mode and turned:
                then[0].modes[thing] = flagged(mine)
                orelse[0].modes[thing] = flagged(theirs)
        return orelse

    # Loops.

    def _loop(self, stmt: Loop, state: State, frame: Frame) -> list[State]:
        point = LoopPoint(self.place(frame, _head(stmt)), runs_once(stmt), counter(stmt))
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

    def _rounds(self, stmt: Loop, state: State, frame: Frame, point: LoopPoint) -> list[State]:
        if stmt.iterable is not None:
            iterable = self.iterated(stmt.iterable, state, frame)
            if no_round(iterable):
                return [state]
            items = self.sequence(iterable, state) or one_round(iterable)
            if items is not None and 0 < len(items) <= self.most_unrolled(items, state):
                return self._unrolled(stmt, items, state, frame, point)
            return self._repeated(stmt, self.items(iterable, state), state, frame, point)
        return self._repeated(stmt, None, state, frame, point)

    def _unrolled(
        self, stmt: Loop, items: list[Value], state: State, frame: Frame, point: LoopPoint
    ) -> list[State]:
        states = [state]
        for item in items:
            point.unrolled += 1
            for current in states:
                self._leave_behind(stmt, current, frame)
                assert stmt.target is not None
                self.bind(stmt.target, item, current, frame, stmt.at)
            states = settle(self.run(stmt.body, states, frame) + point.continues)
            point.continues = []
        return states

    def _repeated(
        self, stmt: Loop, item: Value | None, state: State, frame: Frame, point: LoopPoint
    ) -> list[State]:
        """Rounds until nothing new comes; at least one is taken to happen."""
        states, ends, last = [state], [], self._last_round(point, frame)
        heads: list[State] = [state.copy()]
        for number in range(1, MOST_ROUNDS + 1):
            point.round = number
            states = self._round(stmt, item, states, frame, point)
            ends += [end.copy() for end in states]
            states = going_on(last, states) if last else states
            states = [end for end in states if not any(self.settled(end, head) for head in heads)]
            if not states:
                break
            if self.fuel <= (0 if self.active else FILE_FLOOR):
                break
            heads += [end.copy() for end in states]
        return settle(finished(last, ends) if last else ends)

    def _last_round(self, point: LoopPoint, frame: Frame) -> Key | None:
        """What stands for a loop's last round, if something counts them."""
        name = point.counter.name if point.counter else ""
        return (LAST, (self.home(name, frame), name)) if name else None

    def _round(
        self,
        stmt: Loop,
        item: Value | None,
        states: list[State],
        frame: Frame,
        point: LoopPoint,
    ) -> list[State]:
        if point.round > 1:
            point.carried = self.still_in_eval(point, states)
        later = counted(stmt) if point.round > 1 else None
        for current in states:
            self._leave_behind(stmt, current, frame)
            if item is not None and stmt.target is not None:
                self.bind(stmt.target, item, current, frame, stmt.at)
                if later is not None:
                    self.bind(later, one(ABOVE_ZERO), current, frame, stmt.at)
            elif stmt.test is not None:
                self._while_test(stmt.test, current, frame)
        ends = self.run(stmt.body, states, frame) + point.continues
        point.continues = []
        return settle(ends)

    def _leave_behind(self, stmt: Loop, state: State, frame: Frame) -> None:
        """Forget which passes an earlier round's values depend on, where this one can't read it."""
        place = self.place(frame, stmt.at)
        names = self.leftovers.get(place)
        if names is None:
            names = self.leftovers[place] = left_over(stmt)
        for name in names:
            cell = self.home(name, frame), name
            value = state.fields.get(cell)
            if value is not None and value.taint:
                state.fields.pop(cell)

    def _while_test(self, test: Expr, state: State, frame: Frame) -> None:
        with suppress(Fork):
            self.recorder.measured(self.value(test, state, frame).taint)


def _mentions_training(frame: Frame) -> bool:
    return frame.known is None or "training" in frame.known.function.uses


def _head(stmt: Loop) -> Span:
    span = stmt.at
    return Span(span.line, span.column, span.line, span.column + (3 if stmt.iterable else 5))


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
