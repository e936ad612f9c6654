"""The ground of the analysis: its tables, frames, call chains and budget.

The analysis is one class built in layers, each a file that uses those below it; the architecture
page lists them in order. A layer calls upwards only through methods that a lower one declares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from evalguard.events import Block, Call, Expr, Import
from evalguard.facts import Origin, Purpose, Step
from evalguard.flow.atoms import Fun, Key, Ref, Value
from evalguard.flow.classes import Classes, Known
from evalguard.flow.counting import Counter
from evalguard.flow.lifts import Lift
from evalguard.flow.molds import Molds
from evalguard.flow.record import Recorder
from evalguard.flow.state import ModeState, State, World
from evalguard.flow.things import Things
from evalguard.flow.tracks import Tracks
from evalguard.link import Program
from evalguard.modes import Mode
from evalguard.places import Place, Span
from evalguard.records import NamedTuple, dataclass, field

FUEL = 4_000  # statements walked for a file's own code
ENTRY_FUEL = 2_000  # and for a function that no visible code calls
FILE_FLOOR = -16_000  # below it, loops of a file's own code don't go around again; nor others
MOST_STEPS = 5_000  # in excess of PER_STATEMENT for each statement of what is walked
PER_STATEMENT = 10
NO_LIMIT = -(10**12)
DEEPEST = 24
NO_NAMES: Final[frozenset[str]] = frozenset()


class Fork(Exception):
    """A statement must be walked once for each outcome of a condition."""

    def __init__(self, key: Key) -> None:
        super().__init__(key)
        self.key = key


class Exhausted(Exception):
    """A walk that takes far more steps than there are statements in what is walked."""


UNFINISHED = (Fork, Exhausted, RecursionError)  # what may end the walk of an entry point early


class Arguments(NamedTuple):
    """Evaluated arguments; ``open`` if a ``*`` or ``**`` hides some."""

    positional: tuple[Value, ...] = ()
    keywords: tuple[tuple[str, Value], ...] = ()
    open: bool = False

    def values(self) -> list[Value]:
        """All of them."""
        return [*self.positional, *[value for _, value in self.keywords]]

    def named(self) -> dict[str, Value]:
        """The keyword arguments."""
        return dict(self.keywords)


NO_ARGUMENTS = Arguments()
UNSEEN_CALLER = Arguments((), (), True)


TESTS = frozenset(("test", "tests", "testing"))


def is_test_file(path: str) -> bool:
    """Whether a file holds unit tests, by its name or folder."""
    name = path.replace("\\", "/").rpartition("/")[2]
    return name.startswith("test") or name.endswith("_test.py") or in_folder_of_tests(path)


def in_folder_of_tests(path: str) -> bool:
    """Whether a file is in a folder of unit tests, by its name."""
    return not TESTS.isdisjoint(path.replace("\\", "/").split("/")[:-1])


@dataclass(slots=True)
class LoopPoint:
    """A loop under way: its place, the round, and the states that left it.

    ``unrolled`` counts the items of a short list that is gone through one by one; ``branch`` the
    conditions that the present place stands under. ``evals`` tells where eval mode was set in
    it so far, and by which calls that place was reached, ``switched`` of which objects, the
    outermost; ``carried``: those of which the present round began in eval mode. ``once``: no
    second round can come. ``counter``: what counts its rounds.
    """

    place: Place
    once: bool = False
    counter: Counter | None = None
    round: int = 1
    unrolled: int = 0
    branch: int = 0
    evals: dict[Place | None, tuple[Step, ...]] = field(default_factory=dict)
    switched: dict[Place | None, set[int]] = field(default_factory=dict)
    carried: set[Place | None] = field(default_factory=set)
    breaks: list[State] = field(default_factory=list)
    continues: list[State] = field(default_factory=list)

    def block(self) -> tuple[Place, bool]:
        """The loop, and whether the present place is reached in its every round."""
        return self.place, not self.branch


Mark = tuple[int, tuple[tuple[int, int], ...]]  # how many states left, by return and from each loop


@dataclass(slots=True)
class Frame:
    """One activation: of a function, a class body or a file.

    ``thing`` holds its variables. ``lifts`` are the calls of a module's methods around it,
    outermost first. An ``entry`` has no caller whose statement could be forked. ``chosen`` are the
    forward calls that decide, by a comparison, whether the present place is reached.
    """

    thing: int
    path: str
    context: int
    known: Known | None = None
    outer: int | None = None
    me: Ref | None = None
    owner: int | None = None
    names: frozenset[str] = NO_NAMES
    elsewhere: dict[str, int] = field(default_factory=dict)
    returns: list[tuple[State, Value]] = field(default_factory=list)
    yields: list[Value] = field(default_factory=list)
    loops: list[LoopPoint] = field(default_factory=list)
    on_yield: Callable[[Value, State], Value] | None = None
    lifts: tuple[Lift, ...] = ()
    chosen: frozenset[int] = frozenset()
    in_forward: bool = False
    captured: bool = False
    forks: int = 0
    entry: bool = False

    def branch(self, chosen: frozenset[int]) -> frozenset[int]:
        """From here on, a place is reached only under a condition; until ``join``.

        Args:
            chosen: The forward calls that the condition depends on.

        Returns:
            Those that the present place depends on.
        """
        before = self.chosen
        self.chosen = before | chosen
        if self.loops:
            self.loops[-1].branch += 1
        return before

    def join(self, before: frozenset[int]) -> None:
        """The end of a branch."""
        self.chosen = before
        if self.loops:
            self.loops[-1].branch -= 1

    @property
    def repeats(self) -> bool:
        """Whether a loop is under way that isn't left in its first round."""
        return any(not loop.once for loop in self.loops)

    def mark(self) -> Mark:
        """How many states have left so far; see ``reset`` and ``left_since``."""
        loops = [(len(loop.breaks), len(loop.continues)) for loop in self.loops]
        return len(self.returns), tuple(loops)

    def reset(self, mark: Mark) -> None:
        """Forget the states that left since a mark."""
        returns, loops = mark
        del self.returns[returns:]
        for loop, (breaks, continues) in zip(self.loops, loops, strict=False):
            del loop.breaks[breaks:], loop.continues[continues:]

    def left_since(self, mark: Mark) -> list[State]:
        """The states that left by return, break or continue since a mark."""
        returns, loops = mark
        out = [state for state, _ in self.returns[returns:]]
        for loop, (breaks, continues) in zip(self.loops, loops, strict=False):
            out += loop.breaks[breaks:] + loop.continues[continues:]
        return out


@dataclass(slots=True)
class Chain:
    """One call on the way from an entry point."""

    parent: int
    step: Step | None
    function: int


class Core:
    """Tables shared by all layers."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.knowledge = program.knowledge
        self.flagged = program.knowledge.functional_names()
        self.library_methods = program.knowledge.method_names()
        self.things = Things()
        self.molds = Molds(self.things)
        self.world = World(self.things.inherited, self.molds)
        self.classes = Classes(program.knowledge, program.interest)
        self.functions: list[Known] = []
        self.function_numbers: dict[object, int] = {}
        self.frames: dict[int, Frame] = {}
        self.recorder = Recorder()
        self.drawn: dict[Place, Purpose] = {}
        self.counted: dict[Place | str, list[object]] = {}
        self.by_argument: set[Place | None] = set()  # where a flag chose the gradient mode
        self.beside: dict[tuple[Place, bool], Purpose] = {}
        self.leftovers: dict[Place, tuple[str, ...]] = {}
        self.tracks = Tracks()
        self.anew: dict[int, tuple[Place, ...]] = {}  # modules, and the loops they were made in
        self.chains: list[Chain] = [Chain(0, None, -1)]
        self._contexts: dict[tuple[int, Place, int], int] = {}
        self.loops: list[LoopPoint] = []
        self.active: list[int] = []
        self.doers: list[Ref | None] = []  # what the active functions are bound to
        self.decorating = False  # the present place is reached from a decorator's line
        self.fuel = FUEL
        self.limit = NO_LIMIT  # of the fuel: no walk goes on below it
        self.doubts = 0  # the undecided branches that the present place stands in
        self.files_under_way: set[str] = set()
        self.outside: set[int] = set()
        self.with_frozen_parts: set[int] = set()
        self.ever_frozen: dict[int, int] = {}  # and how many objects there were
        self.maybe_inert: Call | None = None  # may call what has no mode
        self.guessed: set[int] = set()  # objects that may be of another kind
        self.optimizers: dict[int, frozenset[int]] = {}
        self.optimized: dict[int, list[Place | None]] = {}  # made in a forward pass
        self.raised: list[State] | None = None
        self.setters: dict[int, Fun] = {}
        self.set_names: set[str] = set()
        self._speaks: dict[tuple[str, str], bool] = {}

    def limit_for(self, size: int) -> int:
        """The limit of a walk of this many statements: no more than they reasonably take."""
        return min(self.fuel, 0) - MOST_STEPS - PER_STATEMENT * size

    def context(self, parent: int, place: Place, function: int) -> int:
        """The number of a call chain that is one call longer."""
        key = (parent, place, function)
        number = self._contexts.get(key)
        if number is None:
            number = len(self.chains)
            self._contexts[key] = number
            name = self.functions[function].function.qualname if function >= 0 else ""
            self.chains.append(Chain(parent, Step(name, place), function))
        return number

    def steps(self, context: int) -> tuple[Step, ...]:
        """The calls of a chain, outermost first."""
        out: list[Step] = []
        while context:
            chain = self.chains[context]
            if chain.step is not None:
                out.append(chain.step)
            context = chain.parent
        return tuple(reversed(out))

    def function_names(self, frame: Frame) -> list[str]:
        """The names of the functions under way, innermost first."""
        names = [self.functions[number].function.name for number in reversed(self.active)]
        return names or ([frame.known.function.name] if frame.known else [])

    def speaks(self, kind: str, name: str) -> bool:
        """Whether a name speaks of a purpose; remembered, as names come up again and again."""
        key = (kind, name)
        known = self._speaks.get(key)
        if known is None:
            known = self._speaks[key] = self.knowledge.speaks_of(kind, name)
        return known

    def place(self, frame: Frame, span: Span) -> Place:
        """A span as a place of the frame's file."""
        return Place(frame.path, span)

    def loops_behind(self) -> list[Place]:
        """The loops that are past their first round, innermost first."""
        return [loop.place for loop in reversed(self.loops) if loop.round > 1]

    def loop_of(
        self, origins: Iterable[Origin], first: bool, related: Callable[[int], bool]
    ) -> Place | None:
        """The innermost loop in which eval mode was set by one of these.

        Args:
            origins: What a module's mode comes from.
            first: Whether it counts, too, if it was set in this round.
            related: Whether a switch of this object may have been one of the module.
        """
        places = {origin.place for origin in origins if Mode.EVAL in origin.mode}
        for loop in reversed(self.loops):
            if not first and loop.round == 1:
                continue
            for place in (loop.evals.keys() if first else loop.carried) & places:
                if any(related(number) for number in loop.switched[place]):
                    return loop.place
        return None

    def turns_of(self, origins: Iterable[Origin]) -> tuple[Place, ...]:
        """Where eval mode was set by these in the loops under way, and the calls that led there."""
        places = {origin.place for origin in origins if Mode.EVAL in origin.mode}
        told = [(place, steps) for loop in self.loops for place, steps in loop.evals.items()]
        found = [(place, steps) for place, steps in told if place is not None and place in places]
        turns = (
            turn for place, steps in found for turn in (place, *(step.place for step in steps))
        )
        return tuple(dict.fromkeys(turns))

    def written(self, mode: Mode, how: str, text: str, place: Place | None) -> ModeState:
        """A mode with a single origin."""
        return ModeState(mode, frozenset((Origin(mode, how, text, place),)))

    # What higher layers provide.

    def value(self, node: Expr, state: State, frame: Frame) -> Value:
        """Evaluate an expression."""
        raise NotImplementedError

    def call_value(
        self, callee: Value, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value:
        """Call whatever a value stands for."""
        raise NotImplementedError

    def instantiate(
        self, number: int, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value:
        """Make an object of a project class."""
        raise NotImplementedError

    def call_function(
        self, fun: Fun, args: Arguments, place: Place, text: str, state: State, frame: Frame
    ) -> Value:
        """Walk a function with these arguments."""
        raise NotImplementedError

    def file_value(self, path: str, name: str, state: State) -> Value | None:
        """What a file of the program defines under a name."""
        raise NotImplementedError

    def names_of_file(self, path: str) -> list[str]:
        """The names that a file of the program gives something."""
        raise NotImplementedError

    def imported(self, stmt: Import, state: State, frame: Frame) -> Value:
        """What an import binds."""
        raise NotImplementedError

    def of_library(self, name: str, frame: Frame) -> Value:
        """What a library's name stands for; a file, if its first names are mere folders."""
        raise NotImplementedError

    def run(self, block: Block, states: list[State], frame: Frame) -> list[State]:
        """Walk statements; the states in which their end is reached."""
        raise NotImplementedError
