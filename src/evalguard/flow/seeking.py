"""Names that only a run tells: they may stand for whatever makes a module in their file."""

from __future__ import annotations

from collections import Counter

from evalguard.events import Call
from evalguard.flow.atoms import Atom, Cls, Fun, Ref, Sought, Value
from evalguard.flow.constructing import Constructing
from evalguard.flow.core import Arguments, Frame
from evalguard.flow.functions import MAKER
from evalguard.flow.state import State
from evalguard.flow.values import ANYTHING, NO_TAINT, only, ordered
from evalguard.link import Program

MOST_GUESSED = 3
MOST_NAMES = 300  # of files that are asked for any of theirs; if they have more, for none
Makers = tuple[Cls | Fun, ...]


class Seeking(Constructing):
    """Finds what a call by such a name may call."""

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self._makers_of: dict[Sought, Makers] = {}
        self._tops: dict[Makers, Makers] = {}

    def call_sought(
        self, atom: Sought, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value:
        """Call what a name may stand for that only a run tells; it may make something else."""
        self.doubts += 1
        try:
            made = self.call_value(self._sought(atom, args, state), args, site, state, frame)
        finally:
            self.doubts -= 1
        self.guessed.update([item.thing for item in made.atoms if isinstance(item, Ref)])
        return made

    def _sought(self, atom: Sought, args: Arguments, state: State) -> Value:
        """What makes a module in a file and takes what is passed; unknown to one of its modules.

        What others of these are made of is theirs, not what the file is asked for.
        """
        makers = self._made_by(atom, state)
        active = list(zip(self.active, self.doers, strict=False))
        if any(
            isinstance(maker, Cls) and self._is_under_way(maker, active[-1:]) for maker in makers
        ):
            return ANYTHING
        tops = self._not_within_others(
            tuple([maker for maker in makers if not self._is_under_way(maker, active)])
        )
        fits = [maker for maker in tops if self._may_take(maker, args, state)]
        found = frozenset[Atom]((fits or tops)[:MOST_GUESSED])
        return Value(found, NO_TAINT) if found else ANYTHING

    def _is_under_way(self, maker: Cls | Fun, active: list[tuple[int, Ref | None]]) -> bool:
        """Whether a function is active, or a method of an object of a class."""
        if isinstance(maker, Fun):
            return any(number == maker.number for number, _ in active)
        return any(
            self.functions[number].owner == maker.number
            for number, me in active
            if me is not None and self.things[me.thing].kind != "class"
        )

    def _made_by(self, sought: Sought, state: State) -> Makers:
        """The classes and functions that make a module and don't train it at once."""
        known = self._makers_of.get(sought)
        if known is None:
            named = [(path, name) for path in sought.paths for name in self._names(path, sought)]
            few = named if len(named) <= MOST_NAMES else []
            values = [self.file_value(path, name, state) for path, name in few]
            atoms = frozenset([atom for value in values if value for atom in value.atoms])
            callees = [atom for atom in ordered(atoms) if isinstance(atom, (Cls, Fun))]
            known = tuple([callee for callee in callees if self._makes_module(callee)])
            if self.files_under_way.isdisjoint(sought.paths):
                self._makers_of[sought] = known
        return known

    def _names(self, path: str, sought: Sought) -> list[str]:
        return [sought.name] if sought.name else self.names_of_file(path)

    def _makes_module(self, callee: Cls | Fun) -> bool:
        if isinstance(callee, Cls):
            return self.classes.is_module(callee.number)
        bearing = self.functions[callee.number].bearing
        return bearing.makes and not bearing.trains

    def _not_within_others(self, makers: Makers) -> Makers:
        """Those of some makers that no other one mentions; all, if they mention one another."""
        known = self._tops.get(makers)
        if known is None:
            defined = [self._definition(maker) for maker in makers]
            uses = Counter([name for _, names in defined for name in set(names)])
            named = zip(makers, defined, strict=True)
            tops = [maker for maker, (name, own) in named if uses[name] == (name in own)]
            known = self._tops[makers] = tuple(tops) or makers
        return known

    def _definition(self, atom: Cls | Fun) -> tuple[str, tuple[str, ...]]:
        """The name of a class or function, and the names that it uses."""
        if isinstance(atom, Cls):
            cls = self.classes[atom.number].cls
            return cls.name, cls.uses
        function = self.functions[atom.number].function
        return function.name, function.uses

    def _may_take(self, atom: Cls | Fun, args: Arguments, state: State) -> bool:
        """Whether what is passed fits a function, or the constructor of a class."""
        if isinstance(atom, Fun):
            return self.takes(atom, args)
        constructors = self.member(atom.number, MAKER, state)
        constructor = only(constructors) if constructors is not None else None
        me = Ref(self.classes[atom.number].thing)
        return not isinstance(constructor, Fun) or self.takes(constructor._replace(bound=me), args)
