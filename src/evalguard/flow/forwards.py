"""A module is called: what is noted of it, and what its result carries."""

from __future__ import annotations

from evalguard.events import Attr, Call, Function, Return, With, show
from evalguard.facts import Forward, FrozenPart, Origin, Purpose
from evalguard.flow.atoms import Atom, Cls, Ctx, Ref, Value
from evalguard.flow.beside import beside_opposed, otherwise_opposed
from evalguard.flow.classes import Known
from evalguard.flow.core import Arguments, Frame, in_folder_of_tests, is_test_file
from evalguard.flow.lifts import Lifted
from evalguard.flow.passes import Around, Frozen, Survey
from evalguard.flow.sampling import counted_in, repeated
from evalguard.flow.state import State
from evalguard.flow.stilling import Stilling
from evalguard.flow.switching import INPUT_GRADIENT, PARTLY_FROZEN
from evalguard.flow.values import ANY_ATOM, MADE, constant, detached, only, ordered, tainted
from evalguard.modes import Grad, Mode, Sensitivity
from evalguard.places import Place
from evalguard.records import replace

COMMAND_LINE = frozenset(("parse_args", "parse_known_args", "argv"))
TESTING = frozenset(("pytest", "unittest"))
MOST_HOLDERS = 100  # looked through for frozen parts


class Forwards(Stilling):
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
        if self._turns_itself(number, state):
            survey = replace(survey, mode=Mode.UNSEEN, mixed=False, origins=frozenset())
        if thing.kind == "unknown" and "torch" not in self.program.units[frame.path].uses:
            return tainted(inputs)
        grad = self._grad_of_call(number, site, state)
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
            purpose=self._purpose(number, survey, args, state, frame)
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
        still = self.stilled(number, survey, set(frozen), state)
        reach = frozenset(self._reach(number, state) if frozen or still else ())
        block = frame.loops[-1].block() if frame.loops else None
        lifts = self.lifted(number, survey, state, frame)
        around = Around(block, survey.parts, lifts, frozenset(state.assume.items()))
        self.recorder.forward(token, number, fed, fact, loop, Frozen(frozen, reach, still), around)
        self.recorder.later(token, self.loops_behind(), survey.mode)
        for value in inputs:
            self.recorder.fed(value.taint)
        result = self._result(token, inputs, grad)
        return Value(frozenset((MADE,)), result.taint) if self._made_up(args) else result

    def _turns_itself(self, number: int, state: State) -> bool:
        """Whether a module's ``forward``, or that of the one it wraps, chooses its mode itself."""
        wrapper = self.things[number].cls is None
        each = [number, *[item.number for item in self._registered(number, state) if wrapper]]
        classes = [cls for item in each if (cls := self.things[item].cls) is not None]
        mine = [atom for cls in classes for atom in self.classes.ancestry(cls)]
        return any(isinstance(atom, Cls) and self.classes[atom.number].turns for atom in mine)

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
                        mode=seen.mode,
                        mixed=seen.mixed,
                        frozen=at,
                        cut=atom.thing in self.recorder.weights.cut,
                        origins=tuple(sorted(seen.origins, key=repr)),
                    )
        return out

    def _grad_of_call(self, number: int, site: Call, state: State) -> Grad:
        """Whether a pass records; a method that can't be seen may turn gradients off itself."""
        func = site.func
        if self._records_nothing(number, state):
            return Grad.OFF
        method = isinstance(func, Attr) and self.knowledge.is_inference_method(func.name)
        held = isinstance(func, Attr) and self.things[number].text == func.name
        return Grad.UNSEEN if method and not held and state.grad == Grad.ON else state.grad

    def _records_nothing(self, number: int, state: State) -> bool:
        """Whether a project class's ``forward`` turns gradients off for all that it returns."""
        fun = self.override(self.things[number], "forward", state)
        if fun is None:
            return False
        known = self.functions[fun.number]
        last = known.function.body[-1] if known.function.body else None
        if known.grad is not None or not isinstance(last, With):
            return known.grad == Grad.OFF
        home = self.frames[known.frame]
        contexts = [only(self.value(node, state.copy(), home)) for node, _ in last.items]
        return isinstance(last.body[-1], Return) and any(map(self.turns_off, contexts))

    def turns_off(self, atom: Atom | None) -> bool:
        """Whether a context manager turns gradients off."""
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

    def _purpose(
        self, number: int, survey: Survey, args: Arguments, state: State, frame: Frame
    ) -> Purpose:
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
        purpose |= self._adapting(number, survey) | self._asked_to_record(state, frame)
        repeated = any(not loop.once for loop in frame.loops)
        if repeated:
            return purpose | Purpose.IN_LOADER_LOOP
        return purpose | (Purpose.ONE_ITEM if frame.loops else Purpose.NONE)

    def _asked_to_record(self, state: State, frame: Frame) -> Purpose:
        """Whether the function under way has a flag choose, and gradients are on."""
        where = state.grad_place
        here = where is not None and frame.known is not None and frame.known.place.holds(where)
        asked = here and state.grad == Grad.ON and where in self.by_argument
        return Purpose.ADAPTS if asked else Purpose.NONE

    def _adapting(self, number: int, survey: Survey) -> Purpose:
        """Whether a module takes gradients when called; one that can't be seen may do as others."""
        cls = self.things[number].cls
        if cls is not None:
            mine = [atom.number for atom in self.classes.ancestry(cls) if isinstance(atom, Cls)]
            grades = any(self.classes[item].grades for item in mine)
            return Purpose.ADAPTS if grades else Purpose.NONE
        if survey.module.sensitive is not Sensitivity.UNKNOWN:
            return Purpose.NONE
        each = [item for item in self.classes if item.grades]
        theirs = any(self.classes.is_module(item.number) for item in each)
        return Purpose.MAY_ADAPT if theirs else Purpose.NONE

    def _again(self, survey: Survey, site: Call, frame: Frame) -> Purpose:
        """Whether what is called in train mode gets the same again and again, here or on the way.

        On the way to a call, or over the same data, that is so if train mode was set for it.
        """
        if Mode.TRAIN not in survey.mode:
            return Purpose.NONE
        here, *before = self._ways(site, frame)
        purpose = self._told_again(*here, site)
        train = [item for item in survey.origins if Mode.TRAIN in item.mode]
        if any(item.how != "switched" for item in train):
            return purpose & ~Purpose.REPEATED
        if any(self._told_again(*way) & Purpose.REPEATED for way in before):
            purpose |= Purpose.REPEATED
        return purpose

    def _ways(self, site: Call, frame: Frame) -> list[tuple[Known | None, Place]]:
        """A call, and those that led to it, each with the function that it stands in."""
        places = [step.place for step in reversed(self.steps(frame.context))]
        ways: list[tuple[Known | None, Place]] = [(frame.known, self.place(frame, site.at))]
        within = [self.functions[number] for number in reversed(self.active)]
        for count, place in enumerate(places, 1):
            known = within[count] if count < len(within) else None
            ways.append((known if known and known.place.holds(place) else None, place))
        return ways

    def _told_again(self, known: Known | None, place: Place, site: Call | None = None) -> Purpose:
        """What the counted loops around a call say of why it is made."""
        found = self.drawn.get(place)
        if found is None:
            home = place.path if known is None else known.place
            if home not in self.counted:
                unit = self.program.units.get(place.path)
                body = known.function.body if known else unit.body if unit else ()
                self.counted[home] = counted_in(body)
            found = self.drawn[place] = repeated(self.counted[home], place.span, site)
        return found

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
        for mode, wanted in ((Mode.TRAIN, Purpose.CHOSEN), (Mode.EVAL, Purpose.SET_APART)):
            mine = [item for item in survey.origins if item.mode == mode]
            places = [item.place for item in mine if item.how == "switched" and item.place]
            told = [wanted in self._beside_switch(place, frame) for place in places]
            if told and all(told) and len(told) == len(mine):
                purpose |= wanted
        return purpose | self._put_by(survey, frame)

    def _put_by(self, survey: Survey, frame: Frame) -> Purpose:
        """Whether the function at hand put a module in eval mode, or another in train mode."""
        places = [item.place for item in survey.origins if item.how == "switched" and item.place]
        if frame.known is None or not places or len(places) < len(survey.origins):
            return Purpose.NONE
        here = {frame.known.place.holds(place) for place in places}
        if survey.mode == Mode.EVAL and here == {True}:
            return Purpose.PUT_IN_EVAL
        back = survey.mode == Mode.TRAIN and here == {False}
        return Purpose.PUT_BACK if back else Purpose.NONE

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
