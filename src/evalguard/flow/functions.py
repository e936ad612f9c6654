"""Project functions: entered with the arguments of a call, walked, and left."""

from __future__ import annotations

from typing import Any

from evalguard.events import Define, Function
from evalguard.flow.atoms import (
    Atom,
    Fun,
    Inert,
    Key,
    Managed,
    Ref,
    Value,
)
from evalguard.flow.beside import SWITCHES
from evalguard.flow.carrying import Carrying
from evalguard.flow.classes import Known
from evalguard.flow.core import DEEPEST, NO_NAMES, UNSEEN_CALLER, Arguments, Fork, Frame
from evalguard.flow.lifts import Lift, Lifted
from evalguard.flow.parameters import words_of
from evalguard.flow.passes import Survey, set_apart
from evalguard.flow.returning import works_out
from evalguard.flow.state import State, distinguishing, is_variable, join_states, settle, turned
from evalguard.flow.things import PARAMETER
from evalguard.flow.values import NO_ATOMS, NO_TAINT, join_all, lit, one, tainted
from evalguard.flow.variables import ITEMS
from evalguard.places import Place
from evalguard.records import replace

MAKER = "__init__"
SHORT = 1
FEWEST_WALKS = 4
MOST_WALKS = 24
MOST_WORK = 300


class Functions(Carrying):
    """Walks functions."""

    def function_value(self, function: Any, frame: Frame) -> Value:
        """A lambda or nested function as a value."""
        return one(self.define(function, frame, None))

    def define(self, function: Function, frame: Frame, owner: int | None) -> Fun:
        """Enter a function; the frame that it closes over is kept."""
        key = (frame.path, function.at, function.name)
        number = self.function_numbers.get(key)
        if number is None:
            number = len(self.functions)
            self.function_numbers[key] = number
            known = Known(number, function, frame.path, frame.thing, owner)
            known.bearing = self.program.interest.of(function, frame.path)
            known.matters = self._matters(known)
            self.functions.append(known)
        frame.captured = True
        return Fun(number, frame.thing, None)

    def _matters(self, known: Known) -> bool:
        function = known.function
        return (
            known.bearing.matters
            or len(function.body) <= SHORT
            or any(isinstance(stmt, Define) for stmt in function.body)
        )

    def call_function(
        self, fun: Fun, args: Arguments, place: Place, text: str, state: State, frame: Frame
    ) -> Value:
        """Walk a function with the caller's state."""
        known = self.functions[fun.number]
        if known.role == "manager":
            return one(Managed(fun, args))
        if self._idle_call(fun, known, args, state, frame):
            if known.matters:
                self.tracks.stopped(place, known)
                self._stop_short(known, args, state)
                if known.layers and (layers := known.layers.get(words_of(args))):
                    return Value(layers, NO_TAINT)
            self._stored_unseen(fun, known, state)
            self.may_keep(known.function, args.values())
            return self._passed_over(known, args, place, text, frame, state)
        if self.is_too_deep(fun):
            self.tracks.stopped(place, known)
            self._stored_unseen(fun, known, state)
            return self._stop_short(known, args, state)
        inner = self._enter(fun, known, args, place, text, state, frame)
        before = state.grad, state.grad_place, state.leak
        if known.grad is not None:
            state.grad, state.grad_place = known.grad, known.grad_place
        modes = [(number, state.mode(number)) for number in self.modules_in(args)]
        result = self.walk(inner, known, state)
        if known.grad is not None:
            state.grad, state.grad_place, state.leak = before
        for number, mode in modes:
            known.left = turned(known.left, mode, state.mode(number))
        self._remember(known, args, result, state)
        return result

    def is_too_deep(self, fun: Fun) -> bool:
        """Whether a function isn't walked here, as it is under way, or too much is."""
        under_way = self.active.count(fun.number) > 1
        return under_way or self.fuel <= 0 or len(self.active) > DEEPEST

    def _remember(self, known: Known, args: Arguments, result: Value, state: State) -> None:
        """A function that makes layers which no mode changes is taken to do so again."""
        if known.walks > FEWEST_WALKS or not result.atoms:
            return
        layers = [self._same_in_both(atom, state) for atom in result.atoms]
        inert = frozenset[Atom](layer for layer in layers if layer is not None)
        words = words_of(args)
        known.layers = known.layers or {}
        again = None not in layers and known.layers.get(words, inert)
        known.layers[words] = inert if again else NO_ATOMS

    def _same_in_both(self, atom: Atom, state: State) -> Inert | None:
        if isinstance(atom, Ref) and self.things[atom.thing].kind == "module":
            thing = self.things[atom.thing]
            own = any(self.override(thing, name, state) for name in SWITCHES)
            plain = not own and not self.leaves(atom.thing, state, 0, set())
            return Inert(thing.text, True) if plain else None
        return atom if isinstance(atom, Inert) else None

    def _stop_short(self, known: Known, args: Arguments, state: State) -> Value:
        """A call that isn't followed although it matters.

        It may train on what it is given, or switch it, if it has done so before.
        """
        if known.left is not None and known.number not in self.active:
            self.put_in_doubt(args, known.left, state)
        value = tainted([self.deep(item, state) for item in args.values()])
        if known.bearing.trains:
            self.recorder.unsettle(value.taint)
        return value

    def _stored_unseen(self, fun: Fun, known: Known, state: State) -> None:
        """A method that isn't followed may have set its object's attributes to something else."""
        if fun.bound is not None:
            for name in known.stores:
                self.unsettle(fun.bound.thing, name, state)

    def _idle_call(
        self, fun: Fun, known: Known, args: Arguments, state: State, frame: Frame
    ) -> bool:
        """Whether walking a call would tell nothing, or nothing new: it was walked often enough."""
        if frame.in_forward and not known.bearing.tells:
            seen = known.walks >= FEWEST_WALKS
            return seen or known.owner not in self.with_frozen_parts
        if known.matters and args is UNSEEN_CALLER:
            return False
        most = self.most_walks(known)
        if known.matters and known.walks < (most if known.bearing.tells else FEWEST_WALKS):
            return False
        if known.walks < FEWEST_WALKS and self.uses_results(fun, known, args, state):
            return False
        return known.walks >= most or not self.carries(fun, known, args, state)

    def most_walks(self, known: Known) -> int:
        """How often a function may be walked: the shorter, the more often.

        A module's own ``train`` is walked wherever the module is switched; not to follow it is
        to miss the switch. A property of one statement is as good as the attribute it gives.
        """
        most = MOST_WORK // max(known.size, 1)
        reads = known.role == "property" and known.size == 1
        return max(FEWEST_WALKS, most if known.turns or reads else min(MOST_WALKS, most))

    def _passed_over(
        self, known: Known, args: Arguments, place: Place, text: str, frame: Frame, state: State
    ) -> Value:
        """A call of a function that can't bear on modes or gradients."""
        value = tainted([self.deep(item, state) for item in args.values()])
        if value.taint:
            self.recorder.fed(value.taint, kept=not works_out(known.function))
            return value
        thing, new = self.things.make(("call", frame.context, place), "unknown")
        if new:
            thing.text, thing.place = text, place
            if known.makes_leaf:
                thing.kind, thing.lib = "object", PARAMETER
        self._renew(thing.number, state)
        return thing.value

    def _enter(
        self,
        fun: Fun,
        known: Known,
        args: Arguments,
        place: Place,
        text: str,
        state: State,
        frame: Frame,
    ) -> Frame:
        """A frame for a call, with its parameters bound."""
        context = self.context(frame.context, place, fun.number)
        inner = self.frame_of(fun, known, context)
        if fun.bound is not None and self.things[fun.bound.thing].kind == "module":
            self._lift(inner, fun.bound.thing, place, text, state, frame)
        inner.in_forward = self._in_forward(known, fun, frame)
        self.bind_parameters(inner, known, fun, args, state)
        return inner

    def _in_forward(self, known: Known, fun: Fun, frame: Frame) -> bool:
        if known.function.name in (MAKER, "reset_parameters"):
            return False
        return frame.in_forward

    def _lift(
        self, inner: Frame, module: int, place: Place, text: str, state: State, frame: Frame
    ) -> None:
        owner, _, name = text.rpartition(".")
        if not owner or (inner.known and name != inner.known.function.name):
            owner = text  # the method itself, under a name of its own
        before, again = state.copy(), frame.repeats
        lift = Lift(inner.context, place, owner, module, before, frame.thing, again)
        around = frame.lifts
        inside = around and self.within(module, around[0].module, state)
        inner.lifts = (*around, lift) if inside else (lift,)

    def lifted(self, number: int, survey: Survey, state: State, frame: Frame) -> tuple[Lifted, ...]:
        """The calls of methods around a pass, from the first that was made in its modes."""
        out: list[Lifted] = []
        for lift in frame.lifts:
            if not self.within(number, lift.module, state):
                continue
            if out or self._as_before(number, survey, lift.before, state):
                whole = self.things[lift.module]
                module = replace(
                    survey.module, text=lift.text, type=self.type_of(whole), built=whole.built
                )
                recording = lift.before.grad == state.grad
                tested = self.in_unit_test(lift.place.path, frame)
                apart = set_apart(survey, self.things.mode(lift.before, lift.module))
                out.append(Lifted(lift.place, module, recording, tested, lift.repeated, apart))
        return tuple(out)

    def _as_before(self, number: int, survey: Survey, before: State, state: State) -> bool:
        """Whether nothing has switched a module since."""
        if not state.modes.differences(before.modes):
            return True
        then = self.survey(number, "", before)
        return (then.mode, then.mixed, then.origins) == (survey.mode, survey.mixed, survey.origins)

    def frame_of(self, fun: Fun, known: Known, context: int) -> Frame:
        """An empty frame for a function."""
        thing, _ = self.things.make(("frame", context, fun.number, fun.frame), "frame")
        inner = Frame(
            thing.number,
            known.path,
            context,
            known,
            outer=fun.frame,
            me=fun.bound,
            owner=known.owner,
            names=frozenset(known.function.locals) if known.function.locals else NO_NAMES,
        )
        outer = self.frames.get(fun.frame)
        if known.owner is None and outer is not None:
            inner.me, inner.owner = fun.bound or outer.me, outer.owner
        if outer is not None and known.owner is None:
            inner.lifts = outer.lifts
        self.frames[thing.number] = inner
        return inner

    def walk(self, inner: Frame, known: Known, state: State) -> Value:
        """Walk a function's body; its end becomes the state."""
        known.walked = True
        known.walks += not (self.decorating and known.bearing.tells)
        self.active.append(known.number)
        self.doers.append(inner.me)
        doubts, limit = self.doubts, self.limit
        self.limit = self.limit_for(known.size)
        try:
            ends = self.run(known.function.body, [state.copy()], inner)
        finally:
            self.limit = limit
            self.active.pop()
            self.doers.pop()
            self.doubts = doubts
        outcomes = inner.returns + [(end, lit(None)) for end in ends]
        outcomes = [outcome for outcome in outcomes if not outcome[0].dead]
        state.dead = not outcomes and not known.function.generator
        value = join_all([item for _, item in outcomes])
        if known.function.generator and inner.on_yield is None:
            value = self._generated(inner, known, state, outcomes)
        self._leave(inner, known, [end for end, _ in outcomes], state)
        self._let_go(inner)
        return value

    def _let_go(self, inner: Frame) -> None:
        """Keep of a frame that was left what functions in it close over, if there are any."""
        if inner.captured:
            inner.returns, inner.yields, inner.loops = [], [], []
        else:
            self.frames.pop(inner.thing, None)

    def _generated(
        self, inner: Frame, known: Known, state: State, outcomes: list[tuple[State, Value]]
    ) -> Value:
        holder = self.container("list", known.function.at, inner)
        items = join_all(inner.yields)
        self.things.note(holder.number, ITEMS)
        for end in [state, *[end for end, _ in outcomes]]:
            end.fields[(holder.number, ITEMS)] = items
        return holder.value

    def _leave(self, inner: Frame, known: Known, ends: list[State], state: State) -> None:
        if not inner.captured:
            for end in ends:
                for name in known.function.locals:
                    end.fields.pop((inner.thing, name))
        narrow, assume = state.narrow, state.assume
        for end in ends:
            end.assume = {
                key: holds for key, holds in end.assume.items() if not _inside(key, inner)
            }
        merged = settle(ends)
        if len(merged) > 1:
            key = distinguishing(merged[0], merged[1])
            if key is not None and not inner.entry and self.may_fork(key, state):
                raise Fork(key)
        joined = join_states(merged)
        if joined is None:
            return
        state.adopt(joined)
        state.narrow = narrow
        state.assume = {**state.assume, **assume} if len(ends) == 1 else assume

    def may_fork(self, key: object, state: State) -> bool:
        """Whether a caller's statement may be walked once for each outcome of a condition."""
        return key not in state.assume and len(state.assume) < 6


def _inside(key: Key, frame: Frame) -> bool:
    """Whether a condition is about a variable of a function."""
    return is_variable(key[1]) and key[1][0] == frame.thing
