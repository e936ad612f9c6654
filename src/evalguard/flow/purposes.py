"""Why a module is called: what the code around a call says of it."""

from __future__ import annotations

from typing import Final

from evalguard.events import Call, Function
from evalguard.facts import FrozenPart, Purpose
from evalguard.flow.atoms import Cls, Lib
from evalguard.flow.beside import beside_opposed, otherwise_opposed
from evalguard.flow.classes import Known
from evalguard.flow.core import Arguments, Frame, in_folder_of_tests, is_test_file
from evalguard.flow.overrides import TRAINS
from evalguard.flow.passes import Survey
from evalguard.flow.sampling import counted_in, repeated
from evalguard.flow.state import State
from evalguard.flow.stilling import Stilling
from evalguard.flow.switching import INPUT_GRADIENT, PARTLY_FROZEN
from evalguard.flow.values import MADE, constant, only
from evalguard.modes import Grad, Mode, Sensitivity
from evalguard.places import Place

COMMAND_LINE: Final = frozenset(("parse_args", "parse_known_args", "argv"))
TESTING: Final = frozenset(("pytest", "unittest"))
WANTED: Final = (
    (Mode.TRAIN, Purpose.CHOSEN),
    (Mode.TRAIN, Purpose.ASKED),
    (Mode.EVAL, Purpose.SET_APART),
)


class Purposes(Stilling):
    """Tells why modules are called."""

    def purpose(
        self,
        number: int,
        survey: Survey,
        args: Arguments,
        site: Call,
        state: State,
        frame: Frame,
    ) -> Purpose:
        """All that speaks of why a module is called."""
        around = self._at_hand(number, survey, args, state, frame) | self._made_within(number)
        return around | self._again(survey, site, frame) | self._on_purpose(survey, frame)

    def _at_hand(
        self, number: int, survey: Survey, args: Arguments, state: State, frame: Frame
    ) -> Purpose:
        """What the function at hand, its loops and the arguments tell."""
        purpose = Purpose.NONE
        if any(state.get((thing, INPUT_GRADIENT)) is not None for thing in _frames(frame)):
            purpose |= Purpose.INPUT_GRAD
        if self._twofold(number, len(args.values()) > 1):
            purpose |= Purpose.OTHER_RESULT
        if self.made_up(args):
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
        if self._is_transform(number):
            purpose |= Purpose.PREPARES
        if frame.repeats:
            return purpose | Purpose.IN_LOADER_LOOP
        return purpose | (Purpose.ONE_ITEM if frame.loops else Purpose.NONE)

    def _made_within(self, number: int) -> Purpose:
        """Whether a loop under way has made a module, or the one that it is a part of."""
        while (holder := self.things[number].holder) is not None and number not in self.anew:
            number = holder
        made = self.anew.get(number)
        anew = made and any(loop.place in made for loop in self.loops)
        return Purpose.ANEW if anew else Purpose.NONE

    def _asked_to_record(self, state: State, frame: Frame) -> Purpose:
        """Whether the function under way has a flag choose, and gradients are on."""
        where = state.grad_place
        here = where is not None and frame.known is not None and frame.known.place.holds(where)
        asked = here and state.grad == Grad.ON and where in self.by_argument
        return Purpose.ADAPTS if asked else Purpose.NONE

    def _adapting(self, number: int, survey: Survey) -> Purpose:
        """Whether a module takes gradients when called, or a training step.

        One that can't be seen may do as others; a library's layer, or wrapper, takes none itself.
        """
        cls, lib = self.things[number].cls, self.things[number].lib
        if cls is not None:
            mine = [atom.number for atom in self.classes.ancestry(cls) if isinstance(atom, Cls)]
            each = [self.classes[item] for item in mine]
            grades = Purpose.ADAPTS if any(item.grades for item in each) else Purpose.NONE
            learns = any(item.traits.learns for item in each)
            return grades | (Purpose.SAME_STEP if learns else Purpose.NONE)
        if survey.module.sensitive is not Sensitivity.UNKNOWN or self.knowledge.layer(lib):
            return Purpose.NONE
        theirs = any(map(self.classes.is_module, self.classes.grading))
        return Purpose.MAY_ADAPT if theirs else Purpose.NONE

    def _is_transform(self, number: int) -> bool:
        """Whether a module is a library's transform of data, or made of one."""
        thing = self.things[number]
        found = [] if thing.cls is None else self.classes.ancestry(thing.cls)
        names = [thing.lib, *[atom.name for atom in found if isinstance(atom, Lib)]]
        layers = [self.knowledge.layer(name) for name in names if name]
        return any(layer is not None and layer.kind == "transform" for layer in layers)

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

    def tuning(self, number: int, frozen: dict[int, FrozenPart], state: State) -> Purpose:
        """Whether only some of a module is trained: part of each layer, or what knows no mode."""
        if state.get((number, PARTLY_FROZEN)) is not None:
            return Purpose.FINE_TUNED
        rest = self.leaves(number, state, 0, set(frozen)) if frozen else []
        tuned = bool(frozen) and all(leaf.sensitive is not Sensitivity.YES for leaf in rest)
        return Purpose.FINE_TUNED if tuned else Purpose.NONE

    def _on_purpose(self, survey: Survey, frame: Frame) -> Purpose:
        """What the text around the switches tells that gave a module its mode."""
        purpose = Purpose.NONE
        for mode, wanted in WANTED:
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
                if known is not None and TRAINS.isdisjoint(known.function.uses):
                    found |= Purpose.ASKED
            self.beside[key] = found
        return found

    def made_up(self, args: Arguments) -> bool:
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
        return any(item.traits.unlike or (targets and item.traits.twofold) for item in blueprints)


def _frames(frame: Frame) -> tuple[int, ...]:
    """Where a call stands, and the callers of the methods of its module that it stands in."""
    return (frame.thing, *[lift.caller for lift in frame.lifts])
