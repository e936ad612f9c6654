"""``Program`` → what is believed at each call of a module in some of its files.

Where the analysis goes by itself, its own beliefs are told. Much of a file tells no rule anything,
so a second walk goes everywhere: into each function of these files, with what callers in view
give, and into forward passes at the calls that run them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress

from evalguard.events import Call, Unit
from evalguard.facts import Forward, Module
from evalguard.flow.analysis import Analysis
from evalguard.flow.atoms import Atom, Fun, Inert, Part, Value
from evalguard.flow.classes import Known
from evalguard.flow.core import UNFINISHED, Arguments, Frame
from evalguard.flow.showing import show
from evalguard.flow.state import State
from evalguard.flow.tracks import Tracks
from evalguard.flow.values import tainted
from evalguard.link import Program
from evalguard.link.blocks import functions
from evalguard.modes import Mode, Sensitivity
from evalguard.places import Place
from evalguard.trace import Trace, Unfollowed, joined, leading_through

DEEPEST_PART = 4
OFTENER = 10  # than by itself, the analysis goes into a function of the files asked for


class Everywhere(Analysis):
    """Also goes into forward passes: with the state of each call, which they leave as it is."""

    def __init__(self, program: Program, paths: Collection[str]) -> None:
        super().__init__(_wider(program, paths))
        self.paths = paths
        self.plain: list[Forward] = []

    def most_walks(self, known: Known) -> int:
        """How often a function may be walked."""
        return super().most_walks(known) * (OFTENER if known.path in self.paths else 1)

    def forward(
        self, number: int, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value:
        """A module is called: note it, and go on inside."""
        before = state.copy()
        result = super().forward(number, args, site, state, frame)
        taint = result.taint
        saved = self.fuel, self.raised
        for fun, given in self._inside(number, args, before, 0):
            self.raised = None
            with suppress(*UNFINISHED):
                place, text = self.place(frame, site.at), show(site.func)
                end = self.call_function(fun, given, place, text, before.copy(), frame)
                taint |= end.taint
        self.fuel, self.raised = saved
        return Value(result.atoms, taint)

    def _inside(
        self, number: int, args: Arguments, state: State, depth: int
    ) -> Iterator[tuple[Fun, Arguments]]:
        """The project's forward passes that run when a module is called, with their arguments."""
        own = self.override(self.things[number], "forward", state)
        if own is not None:
            yield own, Arguments(*args)  # of another identity than that of an unseen caller
        elif self.things[number].cls is None and depth < DEEPEST_PART:
            some = Arguments((tainted([self.deep(value, state) for value in args.values()]),))
            for child in self._registered(number, state):
                yield from self._inside(child.number, some._replace(open=True), state, depth + 1)

    def _call(self, atom: Atom, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        if isinstance(atom, (Inert, Part)):
            self.plain.append(self._plain_call(atom, site, state, frame))
        return super()._call(atom, args, site, state, frame)

    def _walk_postponed(self) -> None:
        """What methods would do in another mode is no belief."""

    def _plain_call(self, atom: Inert | Part, site: Call, state: State, frame: Frame) -> Forward:
        """A call of a layer that no mode changes, or of some part of a module."""
        kind, sensitive = "", Sensitivity.UNKNOWN
        if isinstance(atom, Inert):
            kind, sensitive = atom.name, Sensitivity.NO
        return Forward(
            self.place(frame, site.at),
            frame.known.function.qualname if frame.known else "",
            self.steps(frame.context),
            module=Module(show(site.func), kind, sensitive, shown=True),
            mode=Mode.UNSEEN,
            grad=state.grad,
        )


def trace(program: Program, paths: Collection[str]) -> Trace:
    """Follow a program, and tell what is believed in some of its files.

    Args:
        program: The linked files.
        paths: Those to tell of.

    Returns:
        Their calls of modules and switches, and the calls that weren't followed.
    """
    paths = program.units.keys() & paths
    known, wider = Analysis(program), Everywhere(program, paths)
    known.facts()
    wider.facts()
    passed_over = _bodies(known.tracks, idle=True) - _bodies(wider.tracks)
    first = _by_place(known.recorder.passes(), paths)
    torch = {path for path in paths if _speaks_of_torch(program.units[path])}
    second = _by_place(
        (fact for fact in wider.recorder.passes() if fact.place.path in torch or _is_known(fact)),
        paths,
    )
    rest = _by_place(wider.plain, paths)
    through = leading_through(passed_over)
    for place in first.keys() & second.keys():
        if any(map(through, first[place])):
            del first[place]
    told = {
        place: first[place] if _is_told(place, first, second) else second.get(place) or rest[place]
        for place in (rest | second | first)
    }
    switches = dict.fromkeys((*known.tracks.switches(), *wider.tracks.switches()))
    calls = joined(fact for facts in told.values() for fact in facts)
    shown = sorted(
        (item for item in switches if item.place.path in paths),
        key=lambda item: (item.place, item.module),
    )
    places = [*(call.place for call in calls), *(item.place for item in shown)]
    blocks = _blocks(places, program)
    leading = blocks | _blocks((step.place for call in calls for step in call.calls), program)
    stopped = (*known.tracks.unfollowed(), *wider.tracks.unfollowed())
    unfollowed = {
        Unfollowed(place, function.function.qualname, function.place)
        for place, function in stopped
        if not {place.path, function.path}.isdisjoint(paths)
        and function.place not in passed_over
        and _bears(function, program, leading)
    }
    return Trace(calls, tuple(shown), tuple(sorted(unfollowed)), tuple(sorted(blocks)))


def _bodies(tracks: Tracks, idle: bool = False) -> set[Place]:
    """The functions of which a call wasn't followed; only those that don't bear, if ``idle``."""
    stopped = [known for _, known in tracks.unfollowed()]
    return {known.place for known in stopped if not (idle and known.bearing.matters)}


def _bears(known: Known, program: Program, leading: Collection[Place]) -> bool:
    """Whether a function may tell something: to a rule, or as it leads to what is told."""
    return known.place in leading or program.interest.of(known.function, known.path).matters


def _blocks(places: Iterable[Place], program: Program) -> set[Place]:
    """The innermost functions around some places."""
    return {block for place in set(places) if (block := _around(place, program))}


def _around(place: Place, program: Program) -> Place | None:
    """The innermost function around a place."""
    path = place.path
    found = [Place(path, known.at) for known in functions(program.units[path].body)]
    return max((block for block in found if block.holds(place)), default=None)


def _wider(program: Program, paths: Collection[str]) -> Program:
    """The same, but everything matters in some files, and everything unknown may be a module."""
    units = {
        path: unit._replace(uses=unit.uses | {"torch"}) if path in paths else unit
        for path, unit in program.units.items()
    }
    return program._replace(units=units, interest=program.interest.wider(paths))


def _is_known(fact: Forward) -> bool:
    """Whether anything shows that a module is called."""
    return fact.module.shown or Mode.UNSEEN not in fact.mode


def _speaks_of_torch(unit: Unit) -> bool:
    return "torch" in unit.uses or any(
        stmt.module.partition(".")[0] == "torch" for stmt in unit.imports
    )


def _by_place(passes: Iterable[Forward], paths: Collection[str]) -> dict[Place, list[Forward]]:
    found: dict[Place, list[Forward]] = {}
    for fact in passes:
        if fact.place.path in paths:
            found.setdefault(fact.place, []).append(fact)
    return found


def _is_told(
    place: Place, first: dict[Place, list[Forward]], second: dict[Place, list[Forward]]
) -> bool:
    """Whether the analysis by itself tells of a call.

    If it has begun at the function around it, and knows nothing of the mode, the second walk may
    have come there by a caller.
    """
    begun = all(
        fact.function and not fact.calls and Mode.UNSEEN in fact.mode
        for fact in first.get(place, ())
    )
    return place in first and not (begun and place in second)
