"""A module is called: what is noted of it, and what its result carries."""

from __future__ import annotations

from collections.abc import Sequence

from evalguard.events import Attr, Call, Const, Function, Name, Param, With, show
from evalguard.facts import Forward, FrozenPart, Origin, Purpose
from evalguard.flow.atoms import Atom, Cls, Ctx, Ref, Value
from evalguard.flow.beside import beside_opposed, otherwise_opposed
from evalguard.flow.classes import Known
from evalguard.flow.core import Arguments, Frame, in_folder_of_tests, is_test_file
from evalguard.flow.lifts import Lifted
from evalguard.flow.overrides import TRAINS
from evalguard.flow.passes import Around, Frozen, Survey
from evalguard.flow.sampling import drawn_anew
from evalguard.flow.shields import returned_within
from evalguard.flow.state import State
from evalguard.flow.switching import INPUT_GRADIENT, PARTLY_FROZEN, Switching
from evalguard.flow.values import ANY_ATOM, MADE, constant, detached, only, ordered, tainted
from evalguard.link.blocks import statements
from evalguard.modes import Grad, Mode, Sensitivity
from evalguard.places import Place

COMMAND_LINE = frozenset(("parse_args", "parse_known_args", "argv"))
TESTING = frozenset(("pytest", "unittest"))
_WANTED = (
    (Mode.TRAIN, Purpose.CHOSEN),
    (Mode.TRAIN, Purpose.ASKED),
    (Mode.EVAL, Purpose.SET_APART),
)
MOST_HOLDERS = 100  # looked through for frozen parts


class Forwards(Switching):
    """Notes forward calls."""

    def forward(
        self, number: int, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value:
        """A module is called: note it, and mark the result."""
        place, text = self.place(frame, site.at), self._named(number, site)
        thing = self.things[number]
        if thing.kind == "unknown" and thing.parent is None and state.mode(number) is not None:
            thing.shown = True
        inputs = [self.deep(value, state) for value in args.values()]
        survey = self.survey(number, text, state)
        if thing.kind == "unknown" and "torch" not in self.program.units[frame.path].uses:
            return tainted(inputs)
        grad = self._grad_of_call(number, args, site, state)
        path, items = state.path(), tuple(loop.unrolled for loop in self.loops)
        token = self.recorder.token(frame.context, place, path, items)
        frozen = self._frozen_within(number, survey.parts, state)
        fact = Forward(
            place,
            frame.known.function.qualname if frame.known else "",
            self.steps(frame.context),
            module=survey.module,
            mode=survey.mode,
            mixed=survey.mixed,
            assumed=survey.assumed,
            origins=tuple(survey.origins),
            grad=grad,
            grad_place=state.grad_place,
            purpose=self._purpose(number, args, state, frame)
            | self._tuning(number, frozen, state)
            | self._again(survey, site, frame)
            | self._on_purpose(survey, frame),
            caller_unseen=self.chains[frame.context].parent == 0,
            switcher=self._switcher(survey.origins, frame),
            turns=self.turns_of(survey.origins),
        )
        both = Mode.TRAIN | Mode.EVAL in survey.mode
        loop = self.loop_of(survey.origins, both, lambda other: self._may_be(number, other, state))
        fed = frozenset[int]().union(*[value.taint for value in inputs])
        reach = frozenset(self._reach(number, state)) if frozen else frozenset[int]()
        block = frame.loops[-1].block() if frame.loops else None
        lifts = self.lifted(number, survey, state, frame)
        around = Around(block, survey.parts, lifts, frozenset(state.assume.items()))
        self.recorder.forward(token, number, fed, fact, loop, Frozen(frozen, reach), around)
        self.recorder.later(token, self.loops_behind(), survey.mode)
        for value in inputs:
            self.recorder.fed(value.taint)
        result = self._result(token, inputs, grad)
        return Value(frozenset((MADE,)), result.taint) if self._made_up(args) else result

    def _may_be(self, number: int, other: int, state: State) -> bool:
        """Whether switching an object may have switched a module that is called.

        It didn't if both are known from where they were made, and neither is a part of the other:
        then the same line of their code has switched each of them.
        """
        one, two = self.things[number], self.things[other]
        if one.built is None or two.built is None or not one.kind == two.kind == "module":
            return True
        return self.within(number, other, state) or self.within(other, number, state)

    def lifted(self, number: int, survey: Survey, state: State, frame: Frame) -> tuple[Lifted, ...]:
        """The calls of methods around a pass; provided by the layer that knows functions."""
        raise NotImplementedError

    def _switcher(self, origins: frozenset[Origin], frame: Frame) -> Place | None:
        """The call by which the function that set a mode came here; None if it is this one."""
        places = [origin.place for origin in origins if origin.place is not None]
        if not places or len(places) < len(origins):
            return None
        calls = [None, *[step.place for step in reversed(self.steps(frame.context))]]
        for number, call in zip(reversed(self.active), calls, strict=False):
            known = self.functions[number]
            if all(known.place.holds(place) for place in places):
                return call
        return None

    def _frozen_within(
        self, number: int, parts: frozenset[int], state: State
    ) -> dict[int, FrozenPart]:
        """The frozen parts of a module and of its parts, down to those that are frozen whole."""
        out = self._frozen_parts(number, state)
        todo = [] if parts.isdisjoint(self.ever_frozen) else self._registered(number, state)
        seen = {number}
        while todo and len(seen) < MOST_HOLDERS:
            item = todo.pop(0).number
            if item not in seen and item not in out:
                out |= self._frozen_parts(item, state)
                todo += self._registered(item, state)
            seen.add(item)
        return out

    def _frozen_parts(self, number: int, state: State) -> dict[int, FrozenPart]:
        """The frozen parts of a module, the module itself aside, and their modes."""
        out: dict[int, FrozenPart] = {}
        thing = self.things[number]
        owner = self.classes[thing.cls].cls.name if thing.cls is not None else thing.text
        home = self.classes[thing.cls].path if thing.cls is not None else ""
        if self.molds.whole(number):
            return out
        for name in self.things.holding(number):
            value = state.get((number, name))
            for atom in ordered(value.atoms) if value else ():
                if isinstance(atom, Ref) and (at := self._frozen_at(atom.thing, state)):
                    if thing.cls is not None:
                        self.with_frozen_parts.add(thing.cls)
                    text = f"self{name}" if name.startswith("[") else f"self.{name}"
                    seen = self.survey(atom.thing, text, state)
                    out[atom.thing] = FrozenPart(
                        at,
                        module=seen.module,
                        owner=owner,
                        home=home,
                        mode=seen.mode,
                        mixed=seen.mixed,
                        frozen=at,
                        origins=tuple(sorted(seen.origins, key=repr)),
                    )
        return out

    def _grad_of_call(self, number: int, args: Arguments, site: Call, state: State) -> Grad:
        """Whether a pass records; a method that can't be seen may turn gradients off itself."""
        func = site.func
        if self._records_nothing(number, args, state):
            return Grad.OFF
        method = isinstance(func, Attr) and self.knowledge.is_inference_method(func.name)
        held = isinstance(func, Attr) and self.things[number].text == func.name
        return Grad.UNSEEN if method and not held and state.grad == Grad.ON else state.grad

    def _records_nothing(self, number: int, args: Arguments, state: State) -> bool:
        """Whether a project class's ``forward`` turns gradients off for all that it returns."""
        fun = self.override(self.things[number], "forward", state)
        if fun is None:
            return False
        known = self.functions[fun.number]
        if known.grad is not None:
            return known.grad == Grad.OFF
        if not any(isinstance(stmt, With) for stmt in statements(known.function.body)):
            return False
        home = self.frames[known.frame]
        around = returned_within(known.function, _constants(known.function.params[1:], args))
        return bool(around) and all(self._off_within(each, state, home) for each in around)

    def _off_within(self, around: tuple[With, ...], state: State, home: Frame) -> bool:
        items = [node for stmt in around for node, _ in stmt.items]
        contexts = [only(self.value(node, state.copy(), home)) for node in items]
        return any(map(self._turns_off, contexts))

    def _turns_off(self, atom: Atom | None) -> bool:
        known = self.knowledge.context(atom.name) if isinstance(atom, Ctx) else None
        return known is not None and known.grad_of() == Grad.OFF

    def _named(self, number: int, site: Call) -> str:
        """How the code names a module at its call: ``net`` in ``net.generate(...)``."""
        func = site.func
        if isinstance(func, Attr) and self.things[number].text != func.name:
            method = func.name == "forward" or self.knowledge.is_inference_method(func.name)
            return show(func.value) if method else show(func)
        return show(func)

    def _result(self, token: int, inputs: list[Value], grad: Grad) -> Value:
        cut = grad == Grad.OFF
        taint = frozenset((-token if cut else token,))
        for value in inputs:
            taint |= (detached(value) if cut else value).taint
        return Value(ANY_ATOM, taint)

    def _purpose(self, number: int, args: Arguments, state: State, frame: Frame) -> Purpose:
        purpose = Purpose.NONE
        if any(state.get((thing, INPUT_GRADIENT)) is not None for thing in _frames(frame)):
            purpose |= Purpose.INPUT_GRAD
        if self._twofold(number, len(args.values()) > 1):
            purpose |= Purpose.OTHER_RESULT
        if self._made_up(args):
            purpose |= Purpose.DUMMY
            if frame.loops and frame.known and self._reads_clock(frame.known.function):
                purpose |= Purpose.TIMED
        names = self.function_names(frame)
        owner = "" if frame.owner is None else self._doer(frame.owner)
        speaks = self.speaks
        if names and (speaks("evaluation", names[0]) or speaks("evaluation", owner)):
            purpose |= Purpose.EVALUATION
        if self.in_unit_test(frame.path, frame):
            purpose |= Purpose.UNIT_TEST
        if any(speaks("stochastic", name) or speaks("statistics", name) for name in names):
            purpose |= Purpose.STOCHASTIC
        repeated = any(not loop.once for loop in frame.loops)
        return purpose | (Purpose.IN_LOADER_LOOP if repeated else Purpose.NONE)

    def _again(self, survey: Survey, site: Call, frame: Frame) -> Purpose:
        """Whether what is called in train mode gets the same input again and again."""
        if not frame.loops or frame.known is None or Mode.TRAIN not in survey.mode:
            return Purpose.NONE
        if not site.args or not isinstance(site.args[0], Name):
            return Purpose.NONE
        place = self.place(frame, site.at)
        again = self.drawn.get(place)
        if again is None:
            again = self.drawn[place] = drawn_anew(frame.known.function, site)
        return Purpose.AGAIN if again else Purpose.NONE

    def _tuning(self, number: int, frozen: dict[int, FrozenPart], state: State) -> Purpose:
        """Whether only some of a module is trained: part of each layer, or what knows no mode."""
        if state.get((number, PARTLY_FROZEN)) is not None:
            return Purpose.FINE_TUNED
        rest = self.leaves(number, state, 0, set(frozen)) if frozen else []
        tuned = bool(frozen) and all(leaf.sensitive is not Sensitivity.YES for leaf in rest)
        return Purpose.FINE_TUNED if tuned else Purpose.NONE

    def _on_purpose(self, survey: Survey, frame: Frame) -> Purpose:
        """What the text around the switches tells that gave a module its mode."""
        purpose = Purpose.NONE
        for mode, wanted in _WANTED:
            mine = [item for item in survey.origins if item.mode == mode]
            places = [item.place for item in mine if item.how == "switched" and item.place]
            told = [wanted in self._beside_switch(place, frame) for place in places]
            if told and all(told) and len(told) == len(mine):
                purpose |= wanted
        return purpose

    def _beside_switch(self, place: Place, frame: Frame) -> Purpose:
        """Whether the other branch, or the statement beside a switch, does the opposite."""
        holds = [item for item in self.active if self.functions[item].place.holds(place)]
        known = self.functions[holds[-1]] if holds else None
        key = (place, known is not None and known is frame.known)
        found = self.beside.get(key)
        if found is None:
            unit = self.program.units.get(place.path)
            body = known.function.body if known is not None else unit.body if unit else ()
            found = Purpose.NONE
            if beside_opposed(body, place.span):
                found |= Purpose.SET_APART
            if key[1] and otherwise_opposed(body, place.span):
                found |= Purpose.CHOSEN
                if known is not None and TRAINS.isdisjoint(known.function.uses):
                    found |= Purpose.ASKED
            self.beside[key] = found
        return found

    def _made_up(self, args: Arguments) -> bool:
        """Whether a call is given nothing but constants and tensors made on the spot."""
        values = [value for value in args.values() if constant(value) is None]
        return bool(values) and all(only(value) == MADE for value in values)

    def _reads_clock(self, function: Function) -> bool:
        """Whether a function takes the time, or says that it does."""
        return any(self.speaks("timing", name) for name in (function.name, *function.uses))

    def _doer(self, number: int) -> str:
        """The name of a class that does something; a module's name tells what it is."""
        return "" if self.classes.is_module(number) else self.classes[number].cls.name

    def in_unit_test(self, path: str, frame: Frame) -> bool:
        """Whether a test function of this file is under way."""
        outermost = self.functions[self.active[0]] if self.active else None
        if outermost is None or not outermost.function.name.lower().startswith("test"):
            return False
        if path != outermost.path or not is_test_file(path):
            return False
        return in_folder_of_tests(path) or not self._is_started(outermost, frame)

    def _is_started(self, known: Known, frame: Frame) -> bool:
        """Whether a function that is called in view tests a network with data, not some code."""
        calls = self.steps(frame.context)
        used = self.program.units[known.path].uses
        if len(calls) < len(self.active) or not used.isdisjoint(TESTING):
            return False
        needed = [param for param in known.function.params if param.default is None]
        given = len(needed) > (known.owner is not None)
        elsewhere = calls[0].place.path != known.path
        return given or elsewhere or not used.isdisjoint(COMMAND_LINE)

    def _twofold(self, number: int, targets: bool) -> bool:
        """Whether a module returns something else in train mode, such as losses by targets."""
        thing = self.things[number]
        if thing.cls is None:
            return thing.detector and targets
        mine = [atom for atom in self.classes.ancestry(thing.cls) if isinstance(atom, Cls)]
        blueprints = [self.classes[atom.number] for atom in mine]
        return any(item.unlike or (targets and item.twofold) for item in blueprints)


def _frames(frame: Frame) -> tuple[int, ...]:
    """Where a call stands, and the callers of the methods of its module that it stands in."""
    return (frame.thing, *[lift.caller for lift in frame.lifts])


def _constants(params: Sequence[Param], args: Arguments) -> dict[str, object]:
    """The parameters that get a constant in a call, or have one by default, and which."""
    if args.open or any(param.kind == "args" for param in params):
        return {}
    names = [param.name for param in params]
    named = {**dict(zip(names, args.positional, strict=False)), **args.named()}
    passed = {name: known.value for name, value in named.items() if (known := constant(value))}
    defaults = {
        param.name: param.default.value
        for param in params
        if isinstance(param.default, Const) and param.name not in named
    }
    return {**passed, **defaults}
