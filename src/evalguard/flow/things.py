"""The objects of the analysis: one for each allocation site and call chain."""

from __future__ import annotations

from typing import Final, Literal

from evalguard.facts import Origin
from evalguard.flow.atoms import Ref, Value
from evalguard.flow.state import ModeState, State
from evalguard.flow.values import one
from evalguard.knowledge.entries import NO_PARTS, Parts
from evalguard.modes import Mode, Sensitivity
from evalguard.places import Place

Kind = Literal["module", "object", "unknown", "list", "dict", "frame", "file", "class"]
ANY_ITEM = "[*]"
PARAMETER = "torch.nn.Parameter"  # and what a tensor made with requires_grad=True is like
SOME_ITEMS = "[:]"
NO_NAMES: Final[dict[str, bool]] = {}
UNSEEN = ModeState(Mode.UNSEEN, frozenset())


class Thing:
    """What never changes of an object. ``parent`` holds it as ``name``, if it is known only so.

    ``holder`` holds it, and gives it its mode where nothing else does: a part of a cast.
    ``parts`` are the children it is known to have, and whether each asks for the mode: a library's
    network has some, and so have these in turn, if unknown ones.
    ``shown``: something other than a call shows that it is a module. ``off``: a parameter that is
    zero unless a caller asks for something else. ``doubts`` counts the undecided branches in
    which it was made. (Written out, as there are many: a record takes longer to make.)
    """

    __slots__ = (
        "because",
        "built",
        "cls",
        "detector",
        "doubts",
        "forward_born",
        "holder",
        "kind",
        "lib",
        "number",
        "off",
        "parent",
        "parts",
        "place",
        "sensitive",
        "shown",
        "text",
    )

    def __init__(self, number: int, kind: Kind) -> None:
        self.number = number
        self.kind: Kind = kind
        self.cls: int | None = None
        self.lib = ""
        self.text = ""
        self.place: Place | None = None
        self.parent: int | None = None
        self.holder: int | None = None
        self.sensitive: Sensitivity = Sensitivity.UNKNOWN
        self.because = ""
        self.shown = False
        self.off = False
        self.detector = False
        self.built: Origin | None = None
        self.forward_born = False
        self.doubts = 0
        self.parts: Parts | None = None

    @property
    def value(self) -> Value:
        """A value that is just this object."""
        return one(Ref(self.number))


class Things:
    """All objects, numbered in the order in which the analysis meets them."""

    def __init__(self) -> None:
        self._all: list[Thing] = []
        self._numbers: dict[object, int] = {}
        self._names: dict[int, dict[str, bool]] = {}  # and whether they may hold an object
        self._held: dict[int, list[int]] = {}
        self._holders: dict[int, set[int]] = {}
        self.hooked: set[int] = set()  # a hook is handed what comes out of them

    def __getitem__(self, number: int) -> Thing:
        return self._all[number]

    def __len__(self) -> int:
        return len(self._all)

    def make(self, key: object, kind: Kind) -> tuple[Thing, bool]:
        """The object of an allocation site, and whether it is new."""
        number = self._numbers.get(key)
        if number is not None:
            return self._all[number], False
        thing = Thing(len(self._all), kind)
        self._numbers[key] = thing.number
        self._all.append(thing)
        return thing, True

    def child(self, parent: int, name: str) -> Thing:
        """What an object holds under a name that was never seen set."""
        thing, new = self.make(("child", parent, name), "unknown")
        if new:
            thing.parent = parent
            self._held.setdefault(parent, []).append(thing.number)
            thing.text = name
            thing.place = self._all[parent].place
            _know(thing, self._all[parent])
        return thing

    def known_child(self, parent: int, name: str) -> int | None:
        """What an object holds under a name that was never seen set, if it was ever asked for."""
        return self._numbers.get(("child", parent, name))

    def like(self, key: object, original: int, holder: int) -> tuple[int, bool]:
        """A part of an object, like another's; and whether it is new."""
        source = self._all[original]
        thing, new = self.make(key, source.kind)
        if is_parameter(source.lib):
            self.kept(thing.number, holder)
        if new:
            thing.cls, thing.lib, thing.text = source.cls, source.lib, source.text
            thing.sensitive, thing.because = source.sensitive, source.because
            thing.place, thing.shown, thing.detector = source.place, source.shown, source.detector
            thing.parts = source.parts
            if source.kind == "module":
                thing.holder = holder
                self._held.setdefault(holder, []).append(thing.number)
        return thing.number, new

    def kept(self, number: int, holder: int) -> None:
        """Remember that a parameter is set on an object."""
        self._holders.setdefault(number, set()).add(holder)

    def holders(self, number: int) -> set[int]:
        """The objects that a parameter was ever set on."""
        return self._holders.get(number, set())

    def share_names(self, original: int, number: int) -> None:
        """Give an object the attributes of another."""
        for name, holding in self._names.get(original, NO_NAMES).items():
            self.note(number, name, holding)

    def note(self, number: int, name: str, holding: bool = False) -> None:
        """Remember that an object has an attribute (or, as ``*``, items).

        Args:
            number: The object.
            name: The attribute.
            holding: Whether it may hold an object.
        """
        names = self._names.get(number)
        if names is None:
            names = self._names[number] = {}
        names[name] = holding or names.get(name, False)

    def holding(self, number: int) -> list[str]:
        """The attributes that were ever set to an object."""
        return [name for name, holding in self._names.get(number, NO_NAMES).items() if holding]

    def names(self, number: int) -> list[str]:
        """The attributes that were ever set on an object."""
        return list(self._names.get(number, NO_NAMES))

    def held(self, number: int) -> list[int]:
        """What is only known as a part of an object, directly."""
        return self._held.get(number, [])

    def parts(self, number: int) -> list[int]:
        """What is only known as a part of an object, at any depth."""
        out = list(self.held(number))
        for part in out:
            out += self.held(part)
        return out

    def hook(self, number: int) -> None:
        """A hook is handed what comes out of an object: of what it is a part of, too."""
        seen: int | None = number
        while seen is not None:
            self.hooked.add(seen)
            seen = self._above(seen)

    def beneath(self, number: int, ancestor: int) -> bool:
        """Whether an object is only known as a part of another."""
        seen: int | None = number
        while seen is not None:
            seen = self._above(seen)
            if seen == ancestor:
                return True
        return False

    def _above(self, number: int) -> int | None:
        thing = self._all[number]
        return thing.holder if thing.parent is None else thing.parent

    def mode(self, state: State, number: int) -> ModeState:
        """What is believed of an object's own mode: its own, or that of what holds it."""
        seen: int | None = number
        while seen is not None:
            known = state.mode(seen)
            if known is not None:
                return known
            seen = self._above(seen)
        return UNSEEN

    def inherited(self, state: State, number: int) -> ModeState | None:
        """The mode that an object has where nothing set it; None where it doesn't exist yet."""
        seen: int | None = number
        while seen is not None:
            known = state.mode(seen)
            if known is not None:
                return known
            if self._all[seen].built is not None:
                return None
            seen = self._above(seen)
        return UNSEEN


def is_parameter(name: str) -> bool:
    """Whether a library's class is that of parameters."""
    return name.rpartition(".")[2] == "Parameter"


def _know(part: Thing, whole: Thing) -> None:
    """What the tables tell of a part of a library's network.

    What is taken out of an insensitive one isn't sensitive; any item of another stands for all.
    """
    if whole.parts is None:
        return
    told = whole.parts.get(part.text)
    if told is None and part.text == ANY_ITEM and whole.sensitive is Sensitivity.YES:
        told = whole.sensitive
    if told is not None:
        part.kind, part.sensitive, part.parts = "module", told, NO_PARTS
        part.because = whole.because
    elif whole.sensitive is Sensitivity.NO:
        part.sensitive, part.parts = Sensitivity.NO, NO_PARTS
