"""What is known of a library name: one frozen record for each table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from evalguard.knowledge.arguments import (
    ABSENT,
    UNKNOWN,
    Argument,
    Condition,
    all_hold,
    any_holds,
)
from evalguard.modes import Grad, Mode, Sensitivity
from evalguard.records import NamedTuple

Positional = Sequence[object]
Keywords = Mapping[str, object]
NOTHING: Mapping[str, object] = {}
Parts = Mapping[str, Sensitivity]
NO_PARTS: Parts = {}


class Layer(NamedTuple):
    """A class of modules.

    ``sensitive`` is the answer for a plain call. ``parameters``: it has some to learn, unless one
    of ``bare`` holds. ``contains`` tells whose sensitivity it has
    besides its own: ``container`` (of what is put into it), ``copies`` (of its first argument),
    ``argument`` (it wraps its first argument). ``kind`` is a word such as ``dropout``, ``norm``,
    ``recurrent``, ``attention``, ``loss``, ``activation``. A ``detector`` returns something
    else in train mode.
    """

    name: str
    sensitive: Sensitivity
    kind: str
    unless: tuple[Condition, ...] = ()
    when: tuple[Condition, ...] = ()
    parameters: bool = False
    bare: tuple[Condition, ...] = ()
    contains: str = ""
    detector: bool = False
    source: str = ""

    @property
    def idle(self) -> bool:
        """Whether its objects learn nothing, hold nothing and do the same in both modes."""
        plain = self.sensitive is Sensitivity.NO and not self.when
        return plain and not (self.parameters or self.contains or self.detector)

    def sensitivity(self, positional: Positional = (), keywords: Keywords = NOTHING) -> Sensitivity:
        """Whether a layer built with these arguments is mode-sensitive; UNKNOWN if it depends."""
        off = any_holds(self.unless, positional, keywords)
        if off:
            return Sensitivity.NO
        on = all_hold(self.when, positional, keywords) if self.when else False
        if on:
            return Sensitivity.YES
        return Sensitivity.UNKNOWN if off is None or on is None else self.sensitive

    def learns(self, positional: Positional = (), keywords: Keywords = NOTHING) -> bool:
        """Whether a layer built with these arguments is known to have parameters."""
        return self.parameters and any_holds(self.bare, positional, keywords) is False


class Case(NamedTuple):
    """What holds of a factory's result when all of ``when`` hold; None: nothing else than usual."""

    when: tuple[Condition, ...]
    mode: Mode | None = None
    sensitive: Sensitivity | None = None


class Factory(NamedTuple):
    """A call that returns a module.

    ``module`` is False for calls known to return something else. ``item`` is the index of the
    module in a returned tuple. ``mixed`` says that the parts differ in mode. ``layer`` is the only
    kind of mode-sensitive layer in it, if there is just one. ``parts`` are all of its children, by
    name and in their order, and whether each is mode-sensitive; nothing, if they aren't known.
    ``grad``: the state inside of its calls, None if that is the caller's.
    """

    name: str
    mode: Mode
    sensitive: Sensitivity = Sensitivity.UNKNOWN
    module: bool = True
    item: int | None = None
    mixed: bool = False
    detector: bool = False
    layer: str = ""
    cases: tuple[Case, ...] = ()
    parts: Parts = NO_PARTS
    grad: Grad | None = None
    source: str = ""

    def mode_of(self, positional: Positional = (), keywords: Keywords = NOTHING) -> Mode:
        """The mode of what a call with these arguments returns; UNSEEN if it can't be known."""
        for case in self.cases:
            holds = all_hold(case.when, positional, keywords)
            if case.mode is not None and holds is not False:
                return case.mode if holds else Mode.UNSEEN
        return self.mode

    def sensitivity(self, positional: Positional = (), keywords: Keywords = NOTHING) -> Sensitivity:
        """Whether what a call with these arguments returns is mode-sensitive."""
        for case in self.cases:
            holds = all_hold(case.when, positional, keywords)
            if case.sensitive is not None and holds is not False:
                return case.sensitive if holds else Sensitivity.UNKNOWN
        return self.sensitive


class Wrapper(NamedTuple):
    """A call that returns a module made around, or of, the module in ``argument``.

    With ``copy`` the result has a life of its own; else it reaches the same module. ``spread``:
    every positional argument comes back, as a tuple if there are several (or if the result is
    unpacked); then what is passed as ``beside``, by name. ``item``: the module's index in a
    returned tuple. ``mode``: the mode it is put into, None if it keeps its own, as it does if a
    condition of ``unless`` holds. ``baked``: later switches of the result do nothing. ``adds``:
    it has parts of its own, in train mode.
    """

    name: str
    argument: Argument
    copy: bool = False
    spread: bool = False
    beside: str = ""
    item: int | None = None
    mode: Mode | None = None
    baked: bool = False
    adds: bool = False
    unless: tuple[Condition, ...] = ()
    source: str = ""

    def mode_of(self, positional: Positional = (), keywords: Keywords = NOTHING) -> Mode | None:
        """The mode that a call with these arguments sets; None if none, UNSEEN if not known."""
        if self.mode is None:
            return None
        kept = any_holds(self.unless, positional, keywords)
        return Mode.UNSEEN if kept is None else None if kept else self.mode


class ModuleMethod(NamedTuple):
    """A method that every module has.

    ``returns``: ``self``, ``none``, ``children`` (modules, or pairs of name and module), ``row``
    (its own children, in their order),
    ``parameters`` (tensors, or pairs of name and tensor), ``child`` or ``other``. ``effect``:
    ``train``, ``eval``, ``registers``, ``freezes``, ``applies``, ``forwards`` or ``none``.
    ``shared``: objects that are no modules have one of this name, too.
    """

    name: str
    returns: str
    effect: str = "none"
    shared: bool = False
    source: str = ""


class Context(NamedTuple):
    """A context manager (and often decorator) that sets autograd or a module's mode.

    ``grad`` and ``mode`` say what it sets: a state, ``argument`` or nothing. ``immediate``: it
    acts when called, and stays if it isn't entered. ``target`` is the module switched (its
    name is ``*`` if that is every positional argument).
    ``restores`` is False for one that leaves its mode behind. ``neutral`` ones set nothing.
    ``locks``: while it has gradients off, nothing inside turns them on again.
    """

    name: str
    grad: str = ""
    mode: str = ""
    argument: Argument | None = None
    default: object = ABSENT
    inverted: bool = False
    target: Argument | None = None
    restores: bool = True
    immediate: bool = False
    neutral: bool = False
    locks: bool = False
    source: str = ""

    def grad_of(self, positional: Positional = (), keywords: Keywords = NOTHING) -> Grad | None:
        """The grad state inside; None if left alone, UNSEEN if the argument isn't known."""
        if self.grad != "argument":
            return _GRADS.get(self.grad)
        flag = self._flag(positional, keywords)
        return Grad.UNSEEN if flag is None else Grad.of(flag)

    def mode_of(self, positional: Positional = (), keywords: Keywords = NOTHING) -> Mode | None:
        """The target's mode inside; None if left alone, UNSEEN if the argument isn't known."""
        if self.mode != "argument":
            return MODES.get(self.mode)
        flag = self._flag(positional, keywords)
        return Mode.UNSEEN if flag is None else Mode.of(flag)

    def _flag(self, positional: Positional, keywords: Keywords) -> bool | None:
        found = self.argument.find(positional, keywords) if self.argument else UNKNOWN
        value = self.default if found is ABSENT else found
        return value != self.inverted if isinstance(value, bool) else None


class Switch(NamedTuple):
    """A call that changes the mode of a module it is given.

    ``argument`` is the module. With ``held`` it is the attribute of that name of the object whose
    method this is, filled by the parameter of the constructor. ``mode`` is the mode left behind,
    None if ``restores`` (then it leaves the mode as it was; with ``flattens`` that of the root,
    for all parts). ``inside`` and ``grad`` are the states while it runs. ``statistics``: its
    passes in train mode are the point. ``freezes``: the parameters stop learning; False: they
    learn again. ``trains``: it trains the module.
    """

    name: str
    argument: Argument
    mode: Mode | None = None
    restores: bool = False
    held: bool = False
    inside: Mode | None = None
    grad: Grad | None = None
    statistics: bool = False
    flattens: bool = False
    freezes: bool | None = None
    trains: bool = False
    unless: tuple[Condition, ...] = ()
    source: str = ""

    def applies(self, positional: Positional = (), keywords: Keywords = NOTHING) -> bool | None:
        """Whether a call with these arguments switches at all; None if that can't be known."""
        lifted = any_holds(self.unless, positional, keywords)
        return None if lifted is None else not lifted


class Caller(NamedTuple):
    """A call that calls the function or module in ``argument``; see ``Switch`` for ``held``.

    ``inputs`` is the argument that holds what it passes on (the items, if it is a tuple); else
    that are the positional arguments from ``rest`` on, or nobody knows. ``before`` counts what it
    passes in front of them. ``returns``: what that call returns comes back. ``grad`` is the state
    inside. If not ``calls``, it only keeps what it is given.
    """

    name: str
    argument: Argument
    calls: bool = True
    held: bool = False
    inputs: Argument | None = None
    rest: int | None = None
    before: int = 0
    returns: bool = True
    grad: Grad | None = None
    source: str = ""


class Functional(NamedTuple):
    """A function with a training flag.

    ``default`` is the flag's default, None if the flag is required. ``always``: it applies what
    it is given in both modes, and ``flag`` (if any) is the argument to make conditional.
    """

    name: str
    flag: Argument | None
    default: bool | None
    probability: Argument | None = None
    probability_default: float | None = None
    always: bool = False
    source: str = ""


class Hook(NamedTuple):
    """A method that a framework calls: the states it is called in.

    ``trains``: what it returns is trained on. ``first``: it is called once on each new object,
    before all others. ``module`` is the parameter whose modes are meant, where the object isn't a
    module itself; its name is ``self`` for whatever the object holds.
    """

    name: str
    mode: Mode
    grad: Grad
    trains: bool = False
    first: bool = False
    module: Argument | None = None
    source: str = ""


class Base(NamedTuple):
    """A class to inherit from.

    With ``semantic_mode`` the mode chooses what is computed. Objects of a ``sequence`` are
    containers, whose items an annotation tells.
    """

    name: str
    module: bool
    semantic_mode: bool = False
    sequence: bool = False
    source: str = ""


class Export(NamedTuple):
    """A call that needs its module in one mode; ``raises`` if it is in the other.

    ``spares`` are patterns of layers and factories whose mode makes no difference to it.
    """

    name: str
    argument: Argument
    needs: Mode
    raises: bool = False
    spares: tuple[str, ...] = ()
    unless: tuple[Condition, ...] = ()
    source: str = ""

    def is_spared(self, layer: str) -> bool:
        """Whether the mode of this layer, or of what this factory makes, is all one to it."""
        return any(fnmatchcase(layer, pattern) for pattern in self.spares)

    def applies(self, positional: Positional = (), keywords: Keywords = NOTHING) -> bool | None:
        """Whether a call with these arguments has the need; None if that can't be known."""
        lifted = any_holds(self.unless, positional, keywords)
        return None if lifted is None else not lifted


MODES: Mapping[str, Mode] = {"train": Mode.TRAIN, "eval": Mode.EVAL, "unknown": Mode.UNSEEN}
_GRADS: Mapping[str, Grad] = {"on": Grad.ON, "off": Grad.OFF, "unknown": Grad.UNSEEN}


def grad_named(word: object) -> Grad | None:
    """The grad state that a table writes as ``on``, ``off`` or ``unknown``."""
    return _GRADS.get(str(word))


def mode_named(word: object) -> Mode | None:
    """The mode that a table writes as ``train``, ``eval`` or ``unknown``."""
    return MODES.get(str(word))
