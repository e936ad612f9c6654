"""Project classes and functions, as defined while the program is walked."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from evalguard.events import Class, Define, Function
from evalguard.flow.atoms import Atom, Cls, Lib, Value
from evalguard.flow.beside import is_switch
from evalguard.flow.results import (
    forwards,
    puts_in_eval,
    returns_by_mode,
    returns_unlike,
    turns_itself,
)
from evalguard.flow.returning import makes_leaf
from evalguard.flow.showing import show
from evalguard.flow.state import ModeState
from evalguard.flow.stores import stored
from evalguard.flow.values import UNKNOWN_ATOM, ordered
from evalguard.knowledge import Knowledge
from evalguard.link.blocks import size_of
from evalguard.link.interest import UNKNOWN, Bearing, Interest
from evalguard.modes import Grad
from evalguard.places import Place
from evalguard.records import NamedTuple, dataclass, field

DEEPEST = 40
STEPS = frozenset(("backward", "step"))  # what a training step comes to


@dataclass(slots=True)
class Known:
    """A function: where it stands, the class that owns it, and what its decorators make of it.

    ``role`` is plain, property, cached (a property), static, class or manager (a
    ``@contextmanager``). ``matters``: a call of it is worth following; ``bearing``: what that may
    tell. ``walks`` counts how often it was walked. ``layers``: by arguments, what it returned, if
    no mode changes that. ``left``: the mode that it left in what it was given, where it was another
    before. What its text tells is found out when it is first asked for: most of a library's
    functions are never called.
    """

    number: int
    function: Function
    path: str
    frame: int
    owner: int | None
    role: str = "plain"
    grad: Grad | None = None
    grad_place: Place | None = None
    walked: bool = False
    matters: bool = True
    bearing: Bearing = UNKNOWN
    walks: int = 0
    layers: dict[object, frozenset[Atom]] | None = None
    left: ModeState | None = None
    counted: int | None = None
    switch: bool | None = None
    attributes: tuple[str, ...] | None = None
    leaf: bool | None = None

    @property
    def place(self) -> Place:
        """Where it stands."""
        return Place(self.path, self.function.at)

    @property
    def size(self) -> int:
        """The statements in it."""
        if self.counted is None:
            self.counted = size_of(self.function.body)
        return self.counted

    @property
    def turns(self) -> bool:
        """Whether it is a method that only switches modes, or is called to."""
        if self.switch is None:
            self.switch = self.owner is not None and is_switch(self.function)
        return self.switch

    @property
    def stores(self) -> tuple[str, ...]:
        """The attributes that a method sets on its object."""
        if self.attributes is None:
            self.attributes = stored(self.function) if self.owner is not None else ()
        return self.attributes

    @property
    def makes_leaf(self) -> bool:
        """Whether all that it returns is a tensor that it makes with ``requires_grad=True``."""
        if self.leaf is None:
            self.leaf = makes_leaf(self.function)
        return self.leaf


class Traits(NamedTuple):
    """What the text of a class tells.

    ``twofold``: its ``forward`` returns something else in train mode, and ``unlike``: of another
    kind. ``turns``: it switches its own mode there, and ``stills``: the parts that it puts in eval
    mode there. ``stores``: the attributes that its methods set, ``__init__`` aside. ``learns``:
    its ``forward`` takes a training step itself.
    """

    twofold: bool
    unlike: bool
    turns: bool
    stills: tuple[str, ...]
    stores: tuple[str, ...]
    learns: bool


@dataclass(slots=True)
class Blueprint:
    """A class: ``thing`` holds its attributes and methods, ``bases`` what it inherits from.

    ``torch``: its file mentions PyTorch. ``grades``: its ``forward`` may take gradients, itself or
    by what it calls. What else its text tells is found out when it is first asked for.
    """

    number: int
    cls: Class
    path: str
    frame: int
    thing: int
    bases: tuple[Value, ...] = ()
    torch: bool = False
    grades: bool = False
    subclasses: list[int] = field(default_factory=list)
    told: Traits | None = None
    named: dict[str, Function] | None = None

    @property
    def methods(self) -> dict[str, Function]:
        """The functions that its body defines, by name."""
        if self.named is None:
            defined = [item.function for item in self.cls.body if isinstance(item, Define)]
            self.named = {function.name: function for function in defined}
        return self.named

    @property
    def traits(self) -> Traits:
        """What its text tells."""
        if self.told is None:
            self.told = _traits(self.cls)
        return self.told


class Classes:
    """All classes of the program."""

    def __init__(self, knowledge: Knowledge, interest: Interest) -> None:
        self._knowledge = knowledge
        self._interest = interest
        self.grading: list[int] = []
        self._all: list[Blueprint] = []
        self._modules: dict[int, bool] = {}
        self._ancestry: dict[int, list[Cls | Lib]] = {}

    def __getitem__(self, number: int) -> Blueprint:
        return self._all[number]

    def __iter__(self) -> Iterator[Blueprint]:
        return iter(self._all)

    def add(self, cls: Class, path: str, frame: int, thing: int) -> Blueprint:
        """Enter a class."""
        blueprint = Blueprint(len(self._all), cls, path, frame, thing)
        blueprint.grades = any(self._interest.of(item, path).grades for item in forwards(cls))
        if blueprint.grades:
            self.grading.append(blueprint.number)
        self._all.append(blueprint)
        return blueprint

    def settle(self, blueprint: Blueprint, bases: tuple[Value, ...]) -> None:
        """Enter its bases, once they are known."""
        blueprint.bases = bases
        if blueprint.subclasses:
            self._modules.clear()
            self._ancestry.clear()
        self._modules.pop(blueprint.number, None)
        self._ancestry.pop(blueprint.number, None)
        for atom in self._bases(blueprint):
            if isinstance(atom, Cls) and blueprint.number not in self._all[atom.number].subclasses:
                self._all[atom.number].subclasses.append(blueprint.number)

    def _bases(self, blueprint: Blueprint) -> list[Cls | Lib]:
        atoms = [atom for base in blueprint.bases for atom in ordered(base.atoms)]
        return [atom for atom in atoms if isinstance(atom, (Cls, Lib))]

    def ancestry(self, number: int) -> list[Cls | Lib]:
        """The class and its bases in the order of method lookup (an approximation of C3)."""
        known = self._ancestry.get(number)
        if known is None:
            known = self._ancestry[number] = self._ancestors(number)
        return known

    def _ancestors(self, number: int) -> list[Cls | Lib]:
        found: list[Cls | Lib] = []
        self._climb(Cls(number), found, 0)
        last = {atom: index for index, atom in enumerate(found)}
        return [atom for index, atom in enumerate(found) if last[atom] == index]

    def _climb(self, atom: Cls | Lib, found: list[Cls | Lib], depth: int) -> None:
        found.append(atom)
        if isinstance(atom, Cls) and depth < DEEPEST and len(found) < 200:
            for base in self._bases(self._all[atom.number]):
                if base != atom:
                    self._climb(base, found, depth + 1)

    def descendants(self, number: int) -> list[int]:
        """All classes that inherit from a class, its children first."""
        found: dict[int, None] = {}
        todo = deque([number])
        while todo:
            children = [c for c in self._all[todo.popleft()].subclasses if c not in found]
            found.update(dict.fromkeys(children))
            todo += children
        return list(found)

    def is_module(self, number: int) -> bool:
        """Whether instances are modules: a base is, or an unknown base goes with ``forward``."""
        known = self._modules.get(number)
        if known is None:
            known = self._is_module(number)
            self._modules[number] = known
        return known

    def _is_module(self, number: int) -> bool:
        ancestry = self.ancestry(number)
        libs = [atom.name for atom in ancestry if isinstance(atom, Lib)]
        answers = [self._knowledge.is_module_base(name) for name in libs]
        if True in answers:
            return True
        unknown = [name for name, answer in zip(libs, answers, strict=True) if answer is None]
        if not any("." in name and not name.startswith("builtins.") for name in unknown):
            return False
        mine = [self._all[atom.number] for atom in ancestry if isinstance(atom, Cls)]
        return any(cls.torch and "forward" in cls.methods for cls in mine)

    def is_open(self, number: int) -> bool:
        """Whether some base can't be seen, so that it may be anything."""
        mine = [atom.number for atom in self.ancestry(number) if isinstance(atom, Cls)]
        return any(UNKNOWN_ATOM in base.atoms for item in mine for base in self._all[item].bases)

    def may_inherit(self, number: int, other: int) -> bool:
        """Whether a base that can't be seen may be another class, or derived from it."""
        name = self._all[other].cls.name
        return self.is_open(number) and bool(
            self._all[other].subclasses or name in self._base_names(number)
        )

    def _base_names(self, number: int) -> set[str]:
        """The bare names that a class and its bases give to what they inherit from."""
        mine = [atom.number for atom in self.ancestry(number) if isinstance(atom, Cls)]
        bases = [base for item in mine for base in self._all[item].cls.bases]
        return {show(base).rpartition(".")[2] for base in bases}

    def libraries(self, number: int) -> list[str]:
        """The library classes that a class inherits from."""
        return [atom.name for atom in self.ancestry(number) if isinstance(atom, Lib)]


def _traits(cls: Class) -> Traits:
    twofold, unlike, stills = returns_by_mode(cls), returns_unlike(cls), puts_in_eval(cls)
    learns = any(STEPS.issubset(function.uses) for function in forwards(cls))
    return Traits(twofold, unlike, turns_itself(cls), stills, _stored_later(cls), learns)


def _stored_later(cls: Class) -> tuple[str, ...]:
    methods = [item.function for item in cls.body if isinstance(item, Define)]
    later = [function for function in methods if function.name != "__init__"]
    return tuple(dict.fromkeys([name for function in later for name in stored(function)]))
