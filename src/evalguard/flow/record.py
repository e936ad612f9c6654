"""What happened, collected while the program is walked, and turned into facts at the end.

Every forward call has a token; values that depend on it carry the token, so that a backward pass,
a metric or a ``return`` later on tells what the call was for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from evalguard.facts import (
    Backward,
    BuiltInForward,
    Fact,
    Forward,
    FrozenPart,
    GradModeLeft,
    HiddenModules,
    Origin,
    Purpose,
    Revealed,
    TrainingAssigned,
)
from evalguard.flow.lifts import Placing, both
from evalguard.flow.newborn import mark_trials
from evalguard.flow.passes import (
    Around,
    Frozen,
    Pass,
    Path,
    at_switcher,
    chosen_eval,
    drawn,
    elsewhere,
    finished,
    leave,
    seen_again,
    steps,
    switched_elsewhere,
    unlike,
)
from evalguard.flow.thawing import Weights, frozen_parts
from evalguard.flow.together import against, mark_alike, mark_losses
from evalguard.flow.within import in_steps
from evalguard.modes import Grad, Intent, Mode
from evalguard.places import Place
from evalguard.records import replace


class Recorder:
    """Collects forward calls and other facts."""

    def __init__(self) -> None:
        self._tokens: dict[tuple[int, Place, Path, tuple[int, ...]], int] = {}
        self._passes: dict[int, Pass] = {}
        self._facts: dict[tuple[object, ...], Fact] = {}
        self._pending: list[Pass] = []
        self._step_taken = False
        self._begun: dict[int, int] = {}
        self._since: list[int] = []  # the calls of modules whose step has begun
        self._entry = 0
        self._graded: set[Place] = set()
        self.weights = Weights()
        self._evaled: set[int] = set()
        self._adapting: set[tuple[int, int, str]] = set()

    def graded(self, calls: Iterable[Place]) -> None:
        """Gradients are taken inside of these calls."""
        self._graded.update(calls)

    def thawed(self, thing: int) -> None:
        """A module that was frozen is unfrozen again."""
        self.weights.thawed.add((thing, self._entry))

    def evaled(self, thing: int) -> None:
        """Somebody puts a module in eval mode."""
        self._evaled.add(thing)

    def token(self, context: int, place: Place, path: Path, items: tuple[int, ...]) -> int:
        """The number of a forward call, by call chain, place, path and items of unrolled loops."""
        key = (context, place, path, items)
        return self._tokens.setdefault(key, len(self._tokens) + 1)

    def forward(
        self,
        token: int,
        thing: int,
        inputs: frozenset[int],
        fact: Forward,
        loop: Place | None,
        frozen: Frozen,
        around: Around,
    ) -> None:
        """Note a forward call of an object; seen again, the beliefs are joined.

        Args:
            token: The call's number.
            thing: The object's number.
            inputs: The forward calls that its arguments depend on.
            fact: What is believed this time.
            loop: The loop in which the eval mode that it meets was set, if any.
            frozen: The module's frozen parts.
            around: The loop and the calls around it.
        """
        known = self._passes.get(token)
        if known is None:
            fact = replace(fact, loop=loop)
            origins, fed, entry = set(fact.origins), set(inputs), self._entry
            self._passes[token] = Pass(thing, fact, origins, fed, frozen, *around, entry=entry)
            return
        known.inputs |= inputs
        known.parts |= around.parts
        known.lifts = both(known.lifts, around.lifts)
        known.assumed &= around.assumed
        seen_again(known, thing, fact, loop)

    def begin(self) -> None:
        """Another entry point is walked: no backward pass is behind it."""
        self._pending, self._step_taken, self._begun, self._since = [], False, {}, []
        self._entry += 1

    def pending(self) -> set[int]:
        """The modules whose calls have gradients that no step was taken by yet."""
        return {item.thing for item in self._pending}

    def stepped(self, things: frozenset[int] | None) -> None:
        """An optimizer steps: on the passes since the last backward that it has parameters of.

        ``things`` are the modules whose parameters it has; None if that can't be seen.
        """
        self._step_taken = True
        for item in self._pending:
            item.stepped |= steps(item, things, self._passes)
            item.owned |= things is not None and item.thing in things
            if item.trained is not None:
                item.trained = None if things is None else item.trained | things
            if not things or not things.isdisjoint(item.frozen.reach):
                item.partly_stepped = True

    def cleared(self, things: set[int], depth: int | None) -> None:
        """The gradients of these modules are thrown away: no step will be taken by them.

        An optimizer that does so ``depth`` loops deep begins one, if it hasn't just taken one.
        """
        taken = any(item.owned and item.thing in things for item in self._pending)
        self._pending = [item for item in self._pending if item.thing not in things]
        if depth is not None and not taken:
            self._begun.update(dict.fromkeys(things, depth))
            self._since = [it for it in self._since if self._passes[it].thing not in things]

    def in_begun(self, token: int, thing: int, depth: int) -> None:
        """A step of the module that is called may have begun before."""
        if self._begun.get(thing) == depth:
            self._passes[token].begun = True
            self._since.append(token)

    def note(self, fact: Fact) -> None:
        """Note any other fact; the last word on a place and chain counts."""
        self._facts[(type(fact), fact.place, fact.calls)] = fact

    def later(self, token: int, behind: list[Place], mode: Mode) -> None:
        """Note the mode of a later round of the loop that has brought another mode."""
        known = self._passes[token]
        if known.fact.loop in behind:
            known.fact = replace(known.fact, later=known.fact.later | mode)

    def again(self, token: int, mode: Mode) -> None:
        """Note the mode of a later round of the outermost loop."""
        known = self._passes[token]
        known.fact = replace(known.fact, again=known.fact.again | mode)

    def kept(self, place: Place | None) -> None:
        """A module made inside a forward pass is kept, and what the same function made for it."""
        made = {key: fact for key, fact in self._facts.items() if isinstance(fact, BuiltInForward)}
        makers = {(fact.place.path, fact.function) for fact in made.values() if fact.place == place}
        for key, fact in made.items():
            if (fact.place.path, fact.function) in makers:
                self._facts[key] = replace(fact, kept=True)

    def anew(self, place: Place) -> None:
        """What a statement makes is kept only until it is reached again."""
        for key, fact in self._facts.items():
            if isinstance(fact, BuiltInForward) and place.holds(fact.place):
                self._facts[key] = replace(fact, kept=False)

    def assigned(self, fact: TrainingAssigned) -> None:
        """``training`` is assigned from outside."""
        self._facts[(TrainingAssigned, fact.place)] = fact

    def covered(self, place: Place) -> None:
        """A switch follows an assignment of ``training`` before it could do harm."""
        fact = self._facts.get((TrainingAssigned, place))
        if isinstance(fact, TrainingAssigned):
            self._facts[(TrainingAssigned, place)] = replace(fact, covered=True)

    def leaked(self, fact: GradModeLeft) -> None:
        """A gradient mode is left behind; that training runs into it says most."""
        known = self._facts.get((GradModeLeft, fact.place))
        if isinstance(known, GradModeLeft):
            library, training = known.library or fact.library, known.training or fact.training
            fact = replace(known, library=library, training=training)
        self._facts[(GradModeLeft, fact.place)] = fact

    def hidden(self, fact: HiddenModules) -> None:
        """Modules in a container; of several classes that do it in one place, one is enough."""
        known = self._facts.setdefault((HiddenModules, fact.place), fact)
        if isinstance(known, HiddenModules) and (known.registered or known.switched):
            self._facts[(HiddenModules, fact.place)] = fact

    def revealed(self, fact: Revealed) -> None:
        """``reveal_mode`` is reached; reached again, the beliefs are joined."""
        old = self._facts.get((Revealed, fact.place))
        if isinstance(old, Revealed):
            fact = replace(
                fact,
                mode=fact.mode | old.mode,
                mixed=fact.mixed or old.mixed,
                grad=fact.grad | old.grad,
            )
        self._facts[(Revealed, fact.place)] = fact

    def backward(self, taint: Iterable[int], place: Place) -> None:
        """A backward pass runs on a value."""
        for token in self._since:
            self._passes[token].ended = True
        self._begun, self._since = {}, []
        if self._step_taken:
            self._pending, self._step_taken = [], False
        for token in taint:
            known = self._passes.get(abs(token))
            if known is not None and token > 0:
                known.backward = known.backward or place
                self._pending.append(known)
            elif known is not None:
                known.target = known.target or place

    def ran_backward(self, fact: Backward, taint: Iterable[int], owners: set[int]) -> None:
        """Note a backward pass on a value; run again in the same calls, the beliefs are joined.

        Args:
            fact: What is believed this time.
            taint: The forward calls behind the value.
            owners: Whose method it is; of one of the modules called, it is an inverse.
        """
        behind = self._known(taint)
        if any(item.thing in owners for item in behind):
            return
        off = [
            item.fact.grad == Grad.OFF and item.fact.grad_place == fact.grad_place
            for item in behind
        ]
        if fact.graph == Grad.OFF and not (behind and all(off)):
            fact = replace(fact, graph=Grad.ON if behind else Grad.UNSEEN)
        key = (Backward, fact.place, fact.calls)
        old = self._facts.get(key)
        before = old.graph if isinstance(old, Backward) else fact.graph
        places = tuple(sorted({item.fact.place for item in behind}))
        self._facts[key] = replace(fact, graph=fact.graph | before, forwards=places)

    def measured(self, taint: Iterable[int]) -> None:
        """A value is turned into plain numbers."""
        for known in self._known(taint):
            known.measured = True

    def added_up(self, taint: frozenset[int]) -> None:
        """All values of what one pass gave are added up, as losses are."""
        known = self._known(taint)
        if len(taint) == 1 and known and not known[0].fed:
            known[0].added = True

    def shape(self, taint: Iterable[int]) -> None:
        """Only a value's shape is asked for."""
        for known in self._known(taint):
            known.shape = True

    def fed(self, taint: Iterable[int], kept: bool = False) -> None:
        """A value goes into another computation.

        Args:
            taint: The passes that the value depends on.
            kept: Whether there is more to it than what comes out of it: it may be written, shown
                or stored there.
        """
        for known in self._known(taint):
            known.fed = True
            known.kept = known.kept or kept

    def for_effect(self, taint: Iterable[int], site: Place | None, repeated: bool) -> None:
        """A computation (a call, if ``site`` is) is a statement: it isn't made for its outcome."""
        for known in self._known(taint):
            leave(known, site, repeated)

    def escaped(self, taint: Iterable[int]) -> None:
        """A value leaves what can be seen."""
        for known in self._known(taint):
            known.escaped = True

    def hooked(self, token: int) -> None:
        """A hook gets what a call computes on the way."""
        self._passes[token].hooked = True

    def unsettle(self, taint: Iterable[int]) -> None:
        """What becomes of a value wasn't followed to the end: the walk stopped short."""
        for known in self._known(taint):
            known.unsettled = True

    def count(self) -> int:
        """How many forward calls there are; their tokens count up from 1."""
        return len(self._tokens)

    def wanted(self, taint: Iterable[int], calls: list[tuple[int, str]], learns: bool) -> None:
        """Gradients of a value are asked for in these calls of functions, and not stepped on.

        ``learns``: they are those of parameters.
        """
        for known in self._known(taint):
            known.learns = known.learns or learns
            known.fact = replace(known.fact, purpose=known.fact.purpose | Purpose.INPUT_GRAD)
            self._adapting.update((known.thing, *call) for call in calls)

    def _known(self, taint: Iterable[int]) -> list[Pass]:
        return [known for token in taint if (known := self._passes.get(abs(token)))]

    def passes(self) -> list[Forward]:
        """The forward calls as they were seen, each where it stands."""
        self._mark_adapting()
        self.weights.settle(self._passes.values())
        trained = {item.thing for item in self._passes.values() if item.stepped}
        for item in self._passes.values():
            item.loaded = item.thing in self.weights.loaded
            if item.chosen and item.thing in self._evaled:
                item.fact = replace(item.fact, module=replace(item.fact.module, unsure=True))
            if (item.backward or item.target) and (item.thing, item.entry) in self.weights.thawed:
                item.fact = replace(item.fact, module=replace(item.fact.module, frozen=False))
        rivals = against(self._passes, trained)
        beside = in_steps(self._passes)
        mark_alike(self._passes.values())
        mark_losses(self._passes.values())
        mark_trials(self._passes.values(), self.weights.handled, trained)
        return [
            finished(item, token in beside, item.thing in trained, token in rivals)
            for token, item in self._passes.items()
        ]

    def facts(self) -> tuple[Fact, ...]:
        """Everything that happened, in a fixed order."""
        forwards = self.passes()
        steps: dict[Place, set[Origin]] = {}
        for fact in forwards:
            if fact.intent is Intent.TRAINING:
                steps.setdefault(fact.place, set()).update(fact.origins)
        forwards = [
            elsewhere(replace(fact, trains=True), steps[fact.place])
            if fact.place in steps
            else fact
            for fact in forwards
        ]
        forwards = [drawn(fact, steps.values()) for fact in forwards]
        evaled = {fact.place for fact in forwards if chosen_eval(fact)}
        forwards = [unlike(fact, steps.values(), evaled) for fact in forwards]
        others = self._facts.values()
        noted = [fact for fact in others if isinstance(fact, FrozenPart)]
        frozen = frozen_parts(self._passes.values(), forwards, self.weights, noted)
        facts: list[Fact] = [fact for fact in others if not isinstance(fact, FrozenPart)]
        return tuple(sorted([*self._placed(forwards, steps), *frozen, *facts], key=_order))

    def _mark_adapting(self) -> None:
        """Mark passes where the function that makes them takes gradients of their module."""
        for (context, *_), token in self._tokens.items():
            item = self._passes.get(token)
            if item and (item.thing, context, item.fact.function) in self._adapting:
                item.fact = replace(item.fact, purpose=item.fact.purpose | Purpose.ADAPTS)

    def _placed(self, forwards: list[Forward], steps: Mapping[Place, set[Origin]]) -> list[Forward]:
        """The passes at the places that answer for them."""
        each = list(zip(forwards, [item.lifts for item in self._passes.values()], strict=True))
        placing = Placing(each, self._graded)
        return [
            at_switcher(fact)
            if fact.place in steps
            and switched_elsewhere(fact)
            and fact.switcher not in self._graded
            else placing.placed(fact, around)
            for fact, around in each
        ]


def _order(fact: Fact) -> tuple[object, ...]:
    return (fact.place, type(fact).__name__, len(fact.calls), fact.calls)
