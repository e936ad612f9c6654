"""Names that only a run tells: they may stand for whatever makes a module in their file."""

from __future__ import annotations

from collections import Counter

from evalguard.flow.atoms import Atom, Cls, Fun, Ref, Sought, Value
from evalguard.flow.constructing import Constructing
from evalguard.flow.core import Arguments
from evalguard.flow.functions import MAKER
from evalguard.flow.state import State
from evalguard.flow.values import ANYTHING, NO_TAINT, only, ordered
from evalguard.link import Program

MOST_GUESSED = 3
MOST_NAMES = 100  # of a file that is asked for any of them; in a larger one it isn't looked up
Makers = tuple[Cls | Fun, ...]


class Seeking(Constructing):
    """Finds what a call by such a name may call."""

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self._makers_of: dict[str, Makers] = {}
        self._tops: dict[Makers, Makers] = {}

    def sought(self, atom: Sought, args: Arguments, state: State) -> Value:
        """What makes a module in a file and takes what is passed; unknown inside of a method of it.

        What others of these are made of is theirs, not what the file is asked for.
        """
        makers = self._made_by(atom.path, state)
        idle = tuple([maker for maker in makers if not self._is_under_way(maker)])
        if any(isinstance(maker, Cls) for maker in makers if maker not in idle):
            return ANYTHING
        tops = self._not_within_others(idle)
        fits = [maker for maker in tops if self._may_take(maker, args, state)]
        found = frozenset[Atom]((fits or tops)[:MOST_GUESSED])
        return Value(found, NO_TAINT) if found else ANYTHING

    def _is_under_way(self, maker: Cls | Fun) -> bool:
        if isinstance(maker, Fun):
            return maker.number in self.active
        return any(self.functions[number].owner == maker.number for number in self.active)

    def _made_by(self, path: str, state: State) -> Makers:
        """The classes and functions in a file that make a module and don't train it at once."""
        known = self._makers_of.get(path)
        if known is None:
            names = self.names_of_file(path)
            few = names if len(names) <= MOST_NAMES else []
            values = [self.file_value(path, name, state) for name in few]
            atoms = frozenset([atom for value in values if value for atom in value.atoms])
            callees = [atom for atom in ordered(atoms) if isinstance(atom, (Cls, Fun))]
            known = tuple([callee for callee in callees if self._makes_module(callee)])
            if path not in self.files_under_way:
                self._makers_of[path] = known
        return known

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
