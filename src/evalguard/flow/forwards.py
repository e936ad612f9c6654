"""A module is called: what is noted of it, and what its result carries."""

from __future__ import annotations

from collections.abc import Sequence

from evalguard.events import Attr, Call, Const, Expr, Param, With
from evalguard.facts import Forward, FrozenPart, Origin
from evalguard.flow.atoms import Cls, Lib, Ref, Value
from evalguard.flow.beside import SWITCHES
from evalguard.flow.core import Arguments, Frame
from evalguard.flow.lifts import Lifted
from evalguard.flow.passes import Around, Frozen, Survey
from evalguard.flow.purposes import Purposes
from evalguard.flow.shields import chosen, read_of_self, returned_within, switched
from evalguard.flow.showing import show
from evalguard.flow.state import State
from evalguard.flow.things import Thing
from evalguard.flow.values import ANY_ATOM, MADE, constant, detached, only, ordered, tainted
from evalguard.knowledge import UNKNOWN
from evalguard.link.blocks import statements
from evalguard.link.interest import TURNING
from evalguard.link.mentions import names_in
from evalguard.modes import Grad, Mode, Sensitivity
from evalguard.places import Place
from evalguard.records import replace

WORDS = {Mode.TRAIN: frozenset(("train",)), Mode.EVAL: frozenset(("eval",))}
MOST_HOLDERS = 100  # looked through for frozen parts


class Forwards(Purposes):
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
        survey = self._surveyed(number, text, args, site, state)
        if thing.kind == "unknown" and not self._of_torch(number, state, frame):
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
            purpose=self.purpose(number, survey, args, site, state, frame)
            | self.tuning(number, frozen, state),
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
        self._note_around(token, number, survey)
        for value in inputs:
            self.recorder.fed(value.taint)
        result = self._result(token, inputs, grad)
        return Value(frozenset((MADE,)), result.taint) if self.made_up(args) else result

    def _note_around(self, token: int, number: int, survey: Survey) -> None:
        """Note the step and the rounds in which a module is called, and who listens to it."""
        self.recorder.in_begun(token, number, len(self.loops))
        self.recorder.later(token, self.loops_behind(), survey.mode)
        if self.loops and self.loops[0].round > 1:
            self.recorder.again(token, survey.mode)
        if number in self.things.hooked or not survey.parts.isdisjoint(self.things.hooked):
            self.recorder.hooked(token)

    def _of_torch(self, number: int, state: State, frame: Frame) -> bool:
        """Whether what can't be seen may be a module of PyTorch, by what the file speaks of.

        Of one whose mode was set, the files of those who call this one may speak, too.
        """
        units = self.program.units
        if "torch" in units[frame.path].uses:
            return True
        callers = self.steps(frame.context) if state.mode(number) is not None else ()
        return any("torch" in units[step.place.path].uses for step in callers)

    def _surveyed(
        self, number: int, text: str, args: Arguments, site: Call, state: State
    ) -> Survey:
        """What is known of a module that is called; no mode if its ``forward`` sets another."""
        survey = self.survey(number, text, state)
        if self.maybe_inert is site or number in self.guessed:
            survey = replace(survey, module=replace(survey.module, optional=True))
        if self._turns_itself(number, args, survey.mode, state):
            survey = replace(survey, mode=Mode.UNSEEN, mixed=False, origins=frozenset())
        if survey.module.sensitive is not Sensitivity.NO and (
            self._goes_around(number, args, state) or self._stills_all(number, state)
        ):
            deaf = replace(survey.module, sensitive=Sensitivity.NO, because="", unsure=False)
            survey = replace(survey, module=deaf)
        return survey

    def _goes_around(self, number: int, args: Arguments, state: State) -> bool:
        """Whether ``forward``, by what it is passed, comes to nothing that knows modes."""
        thing = self.things[number]
        fun = self.override(thing, "forward", state)
        function = self.functions[fun.number].function if fun is not None else None
        if function is None or thing.cls is None or self.molds.whole(number):
            return False
        given = _constants(function.params[1:], args)
        if not chosen(function, given):
            return False
        todo, seen = [(function, given)], set[str]()
        while todo:
            names = read_of_self(*todo.pop())
            for name in sorted(names - seen) if names is not None else ("training",):
                method, value = self.override(thing, name, state), state.get((number, name))
                if method is not None:
                    todo.append((self.functions[method.number].function, {}))
                elif value is None or self._knows_modes(value, state):
                    return False
                seen.add(name)
        return True

    def _knows_modes(self, value: Value, state: State) -> bool:
        """Whether something among these may do something else in train mode than in eval mode."""
        return any(
            self.leaves(atom.thing, state, 0, set())
            for atom in value.atoms
            if isinstance(atom, Ref) and self.is_module(atom)
        )

    def _turns_itself(self, number: int, args: Arguments, mode: Mode, state: State) -> bool:
        """Whether a module's ``forward``, or that of the one it wraps, goes on in another mode."""
        wrapper = self.things[number].cls is None
        each = [self.things[number], *(self._registered(number, state) if wrapper else ())]
        found = frozenset[str]().union(*[self._switched_by(item, args, state) for item in each])
        return bool(found) and found != WORDS.get(mode)

    def _switched_by(self, thing: Thing, args: Arguments, state: State) -> frozenset[str]:
        """The switches that a module's own ``forward`` comes to."""
        ancestry = self.classes.ancestry(thing.cls) if thing.cls is not None else []
        mine = [self.classes[atom.number] for atom in ancestry if isinstance(atom, Cls)]
        if not any(blueprint.traits.turns for blueprint in mine):
            return frozenset()
        fun = self.override(thing, "forward", state)
        function = self.functions[fun.number].function if fun is not None else None
        return switched(function, _constants(function.params[1:], args)) if function else SWITCHES

    def _stills_all(self, number: int, state: State) -> bool:
        """Whether a module's ``forward`` puts all of its parts that know modes in eval mode."""
        cls = self.things[number].cls
        mine = self.classes.ancestry(cls) if cls is not None else []
        names = [
            name
            for atom in mine
            if isinstance(atom, Cls)
            for name in self.classes[atom.number].traits.stills
        ]
        if not names:
            return False
        held = [state.get((number, name)) for name in names]
        atoms = [atom for value in held if value is not None for atom in value.atoms]
        still = {atom.thing for atom in atoms if isinstance(atom, Ref)}
        rest = [part for part in self._registered(number, state) if part.number not in still]
        own, _ = self.own_sensitivity(self.things[number], state)
        return own is Sensitivity.NO and not any(
            self.leaves(part.number, state, 0, set()) for part in rest
        )

    def _may_be(self, number: int, other: int, state: State) -> bool:
        """Whether switching an object may have switched a module that is called.

        It didn't if both are known from where they were made, and neither is a part of the other:
        then the same line of their code has switched each of them. A copy was made where the first
        one was, and has its mode.
        """
        one, two = self.things[number], self.things[other]
        if one.built is two.built:
            return True
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
        """The frozen parts of a module and of its parts, down to those that are frozen whole.

        Where some of its layers were put in eval mode, that may be some of theirs.
        """
        out = self._frozen_parts(number, state)
        todo = [] if parts.isdisjoint(self.ever_frozen) else self._registered(number, state)
        seen = {number}
        while todo and len(seen) < MOST_HOLDERS:
            item = todo.pop(0).number
            if item not in seen and item not in out:
                out |= self._frozen_parts(item, state)
                todo += self._registered(item, state)
            seen.add(item)
        if out and self.things.mode(state, number).mixed:
            return {part: replace(told, mixed=True) for part, told in out.items()}
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
                        cut=atom.thing in self.recorder.weights.cut,
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
        """Whether a class's ``forward`` turns gradients off for all that it returns."""
        fun = self.override(self.things[number], "forward", state)
        if fun is None:
            made = self.knowledge.factory(self.things[number].lib)
            return made is not None and made.grad == Grad.OFF
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
        return any(self.grad_within(node, state, home) == Grad.OFF for node in items)

    def grad_within(self, node: Expr, state: State, home: Frame) -> Grad | None:
        """What a context manager does to gradients, by its text: it isn't entered.

        None if it leaves them alone, UNSEEN if what it does hangs on something.
        """
        if not isinstance(node, Call):
            return None if names_in(node).isdisjoint(TURNING) else Grad.UNSEEN
        atom = only(self.value(node.func, state.copy(), home))
        known = self.knowledge.context(atom.name) if isinstance(atom, Lib) else None
        if known is None:
            return None
        keywords = {name or "**": _written(given) for name, given in node.keywords}
        return known.grad_of([_written(given) for given in node.args], keywords)

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


def _written(node: Expr) -> object:
    """The constant that an argument is."""
    return node.value if isinstance(node, Const) else UNKNOWN


def _constants(params: Sequence[Param], args: Arguments) -> dict[str, object]:
    """The parameters that get a constant in a call, or have one by default, and which."""
    names = [param.name for param in params]
    rest = next((place for place, param in enumerate(params) if param.kind == "args"), len(names))
    by_place = () if args.open else args.positional[:rest]
    named = {**dict(zip(names[:rest], by_place, strict=False)), **args.named()}
    passed = {name: known.value for name, value in named.items() if (known := constant(value))}
    if args.open:
        return passed
    defaults = {
        param.name: param.default.value
        for param in params
        if isinstance(param.default, Const) and param.name not in named
    }
    return {**passed, **defaults}
