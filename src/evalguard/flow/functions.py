"""Project functions: entered with the arguments of a call, walked, and left."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from evalguard.events import Attr, Const, Define, Function, Item, Name, Param
from evalguard.flow.builtin import Builtins
from evalguard.flow.classes import Known
from evalguard.flow.core import DEEPEST, Arguments, Fork, Frame
from evalguard.flow.lifts import Lift, Lifted
from evalguard.flow.passes import Survey
from evalguard.flow.state import State, distinguishing, join_states, settle
from evalguard.flow.values import (
    ANYTHING,
    Atom,
    Cls,
    Fun,
    Lib,
    Managed,
    Method,
    Part,
    Partial,
    Ref,
    Value,
    join_all,
    lit,
    one,
    only,
    tainted,
)
from evalguard.flow.variables import ITEMS
from evalguard.places import Place

OFTEN = 6
SHORT = 3
TOO_OFTEN = 24


class Functions(Builtins):
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
            known.matters = self._matters(function)
            known.starts = self.program.interest.starts(function, frame.path)
            known.tells = known.starts or self.program.interest.makes(function)
            self.functions.append(known)
        frame.captured = True
        return Fun(number, frame.thing, None)

    def _matters(self, function: Function) -> bool:
        return (
            not function.uses.isdisjoint(self.program.interest.follow)
            or function.name == "__init__"
            or "cls" in function.uses
            or len(function.body) <= SHORT
            or any(map(self.knowledge.steps, function.uses))
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
                self._stop_short(known, args, state)
            return self._passed_over(args, place, text, frame, state)
        if self.fuel <= 0 or self.active.count(fun.number) > 1 or len(self.active) > DEEPEST:
            return self._stop_short(known, args, state)
        inner = self._enter(fun, known, args, place, text, state, frame)
        before = state.grad, state.grad_place
        if known.grad is not None:
            state.grad, state.grad_place = known.grad, known.grad_place
        result = self.walk(inner, known, state)
        if known.grad is not None:
            state.grad, state.grad_place = before
        return result

    def _stop_short(self, known: Known, args: Arguments, state: State) -> Value:
        """A call that isn't followed although it matters: it may train on what it is given."""
        value = tainted([self.deep(item, state) for item in args.values()])
        if not known.function.uses.isdisjoint(self.program.interest.training):
            self.recorder.unsettle(value.taint)
        return value

    def _idle_call(
        self, fun: Fun, known: Known, args: Arguments, state: State, frame: Frame
    ) -> bool:
        """Whether walking a call would tell nothing, or nothing new: it was walked often enough."""
        if frame.in_forward and not known.tells:
            return True
        if known.matters and known.walks < (TOO_OFTEN if known.tells else OFTEN):
            return False
        if known.walks < OFTEN and self._keeps(fun, args, state):
            return False
        return known.walks >= TOO_OFTEN or not self._carries(fun, args, state)

    def _keeps(self, fun: Fun, args: Arguments, state: State) -> bool:
        """Whether a method's plain object may keep a result that it is given, or give it back."""
        if fun.bound is None or self.things[fun.bound.thing].kind != "object":
            return False
        number = fun.bound.thing
        held = [state.get((number, name)) for name in self.things.names(number)]
        values = [*args.values(), *[value for value in held if value is not None]]
        return any(self.deep(value, state, 1).taint for value in values)

    def _carries(self, fun: Fun, args: Arguments, state: State) -> bool:
        """Whether a call is given a module, its class, a function or an object that holds one."""
        atoms = [atom for value in args.values() for atom in value.atoms]
        if fun.bound is not None:
            atoms.append(fun.bound)
        return any(self._carrier(atom, state, 2) for atom in atoms)

    def _carrier(self, atom: Atom, state: State, depth: int) -> bool:
        if isinstance(atom, (Fun, Part, Partial, Method)):
            return True
        if isinstance(atom, Cls):
            return self.classes.is_module(atom.number)
        if not isinstance(atom, Ref):
            return False
        thing = self.things[atom.thing]
        if thing.kind == "module" or thing.shown:
            return True
        if not depth or thing.kind not in ("list", "dict", "object", "unknown"):
            return False
        names = self.things.names(thing.number)
        held = [state.get((thing.number, name)) for name in names]
        inner: list[Atom] = [item for value in held if value for item in value.atoms]
        inner += [Ref(part) for part in self.things.held(thing.number)]
        return any(self._carrier(item, state, depth - 1) for item in inner)

    def _passed_over(
        self, args: Arguments, place: Place, text: str, frame: Frame, state: State
    ) -> Value:
        """A call of a function that can't bear on modes or gradients."""
        value = tainted([self.deep(item, state) for item in args.values()])
        self.recorder.fed(value.taint)
        if value.taint:
            return value
        thing, new = self.things.make(("call", frame.context, place), "unknown")
        if new:
            thing.text, thing.place = text, place
        self._renew(thing.number, state)
        return one(Ref(thing.number))

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
        if known.function.name in ("__init__", "reset_parameters"):
            return False
        return frame.in_forward

    def _lift(
        self, inner: Frame, module: int, place: Place, text: str, state: State, frame: Frame
    ) -> None:
        owner = text.rpartition(".")[0] or text
        lift = Lift(inner.context, place, owner, module, state.copy())
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
                tested = self.in_unit_test(lift.place.path)
                out.append(Lifted(lift.place, module, recording, tested))
        return tuple(out)

    def _as_before(self, number: int, survey: Survey, before: State, state: State) -> bool:
        """Whether nothing has switched a module since."""
        if next(state.modes.differences(before.modes), None) is None:
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
            names=known.function.locals,
        )
        outer = self.frames.get(fun.frame)
        if known.owner is None and outer is not None:
            inner.me, inner.owner = fun.bound or outer.me, outer.owner
        if outer is not None and known.owner is None:
            inner.lifts = outer.lifts
        self.frames[thing.number] = inner
        return inner

    def bind_parameters(
        self, inner: Frame, known: Known, fun: Fun, args: Arguments, state: State
    ) -> None:
        """Bind arguments to parameters; what isn't passed is the default, or unknown."""
        positional = list(args.positional)
        if fun.bound is not None and known.role != "static":
            positional.insert(0, one(fun.bound))
        named = args.named()
        for param in known.function.params:
            value = self._argument(param, positional, named, args, inner, known, state)
            self.assign(inner.thing, param.name, value, state)

    def _argument(
        self,
        param: Param,
        positional: list[Value],
        named: dict[str, Value],
        args: Arguments,
        inner: Frame,
        known: Known,
        state: State,
    ) -> Value:
        at = known.function.at
        if param.kind == "args":
            rest, positional[:] = list(positional), []
            return self.listed(rest, "args", at, inner, state)
        if param.kind == "kwargs":
            holder = self.container("dict", at, inner)
            for name, value in named.items():
                self.put(holder.number, f"[{name!r}]", value, state)
            return one(Ref(holder.number))
        if param.kind == "plain" and positional:
            named.pop(param.name, None)
            return positional.pop(0)
        if param.name in named:
            return named.pop(param.name)
        if param.default is not None and not args.open:
            home = self.frames.get(known.frame)
            return self.value(param.default, state, home) if home else ANYTHING
        return self._noted_list(param, inner, known, state) or self._parameter(
            param, inner, known, state
        )

    def _noted_list(self, param: Param, inner: Frame, known: Known, state: State) -> Value | None:
        """What an unseen caller passes for a ``List[Net]``: modules of that class."""
        home = self.frames.get(known.frame)
        note = param.note
        if home is None or not isinstance(note, Item):
            return None
        kind = self._library_name(self.value(note.value, state, home))
        if not self.knowledge.is_sequence(kind):
            return None
        atom = only(self.value(note.key, state, home))
        if not isinstance(atom, Cls) or not self.classes.is_module(atom.number):
            return None
        thing, _ = self.things.make(("noted", inner.thing, param.name), "module")
        thing.cls, thing.text = atom.number, f"{known.function.name}.{param.name}"
        thing.place = Place(known.path, known.function.at)
        holder = self.container(f"noted {param.name}", known.function.at, inner)
        self.assign(holder.number, ITEMS, one(Ref(thing.number)), state)
        return one(Ref(holder.number))

    def _library_name(self, value: Value) -> str:
        atom = only(value)
        return atom.name if isinstance(atom, Lib) else ""

    def _parameter(self, param: Param, inner: Frame, known: Known, state: State) -> Value:
        """What an unseen caller passes."""
        thing, new = self.things.make(("param", inner.context, inner.thing, param.name), "unknown")
        if new:
            thing.text = f"{known.function.name}.{param.name}"
            thing.place = Place(known.path, known.function.at)
            thing.shown = self._noted_module(param, known, state)
            thing.off = param.default == Const(0) and known.function.name != "__init__"
        return one(Ref(thing.number))

    def _noted_module(self, param: Param, known: Known, state: State) -> bool:
        home = self.frames.get(known.frame)
        if home is None or not isinstance(param.note, (Name, Attr)):
            return False
        kind = self._library_name(self.value(param.note, state, home))
        return self.knowledge.is_module_base(kind) is True

    def walk(self, inner: Frame, known: Known, state: State) -> Value:
        """Walk a function's body; its end becomes the state."""
        known.walked = True
        known.walks += 1
        self.active.append(known.number)
        try:
            ends = self.run(known.function.body, [state.copy()], inner)
        finally:
            self.active.pop()
        outcomes = inner.returns + [(end, lit(None)) for end in ends]
        outcomes = [outcome for outcome in outcomes if not outcome[0].dead]
        state.dead = not outcomes and not known.function.generator
        value = join_all([item for _, item in outcomes])
        if known.function.generator and inner.on_yield is None:
            value = self._generated(inner, known, state, outcomes)
        self._leave(inner, known, [end for end, _ in outcomes], state)
        return value

    def _generated(
        self, inner: Frame, known: Known, state: State, outcomes: list[tuple[State, Value]]
    ) -> Value:
        holder = self.container("list", known.function.at, inner)
        items = join_all(inner.yields)
        self.things.note(holder.number, ITEMS)
        for end in [state, *[end for end, _ in outcomes]]:
            end.fields[(holder.number, ITEMS)] = items
        return one(Ref(holder.number))

    def _leave(self, inner: Frame, known: Known, ends: list[State], state: State) -> None:
        if not inner.captured:
            for end in ends:
                for name in known.function.locals:
                    end.fields.pop((inner.thing, name))
        narrow, assume = state.narrow, state.assume
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
