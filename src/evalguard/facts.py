"""What the flow analysis tells the rules: one frozen record for each thing that was seen happen.

Facts are all that a rule may look at. Places point into the source; texts are as written there.
"""

from __future__ import annotations

from enum import Flag, auto

from evalguard.modes import NO_MODE, Grad, Intent, Mode, Sensitivity
from evalguard.places import Place
from evalguard.records import NamedTuple, dataclass, field


@dataclass(frozen=True, slots=True)
class Origin:
    """What gave a module its present mode, and where: a construction, a loader or a switch.

    ``how`` is one of ``built``, ``loaded``, ``switched``, ``flag`` (switched by a flag whose value
    can't be seen), ``hook`` and ``given``.
    """

    mode: Mode
    how: str
    text: str
    place: Place | None


class Step(NamedTuple):
    """One call on the way from an entry point to where a fact happened."""

    function: str
    place: Place


@dataclass(frozen=True, slots=True)
class Module:
    """What is known of the module that a fact is about.

    ``text`` is how the code at that place names it, ``type`` its class or factory if known,
    ``because`` names a layer that makes it mode-sensitive, ``shown`` tells whether anything but
    the call itself shows it to be a module. ``unsure``: no such layer is known, and little
    speaks for one: its own code asks ``self.training``, it is a part of something unknown, or
    another module may stand here instead. ``optional``: the layer that makes it so is made under a
    condition that isn't known.
    """

    text: str
    type: str = ""
    sensitive: Sensitivity = Sensitivity.UNKNOWN
    because: str = ""
    shown: bool = False
    frozen: bool = False
    unsure: bool = False
    built: Origin | None = None
    optional: bool = False

    @property
    def known(self) -> Sensitivity:
        """Whether it is mode-sensitive; unknown where the layer that makes it so may be missing."""
        return Sensitivity.UNKNOWN if self.optional else self.sensitive

    @property
    def surely(self) -> bool:
        """Whether it is mode-sensitive beyond doubt."""
        return self.known is Sensitivity.YES


class Purpose(Flag):
    """What else speaks of why a forward call is made."""

    NONE = 0
    SHAPE = auto()  # only the result's shape is used
    DUMMY = auto()  # the input is made on the spot: zeros, ones, random numbers
    INPUT_GRAD = auto()  # gradients of the input are wanted
    MEASURED = auto()  # the result is turned into numbers: item(), argmax, a metric
    EVALUATION = auto()  # the function is named for evaluation, testing or prediction
    STOCHASTIC = auto()  # randomness at inference is the point, and said so
    STEP = auto()  # the function also takes training steps on this module
    ESCAPES = auto()  # the result leaves what can be seen
    IN_LOADER_LOOP = auto()  # made once for each batch
    DISCARDED = auto()  # the result is thrown away
    UNIT_TEST = auto()  # a unit test calls a module that it made itself
    FINE_TUNED = auto()  # only some of the module's parameters are trained
    SAME_STEP = auto()  # a training step of the same module stands beside it
    ADVERSARIAL = auto()  # the module is trained against another: a generator, or its critic
    ALSO_TRAINED = auto()  # the same call is a training step in another context
    MAY_ADAPT = auto()  # it can't be seen, and modules of the project take gradients when called
    TIMED = auto()  # what counts is how long it takes: a made-up input, again and again
    ADAPTS = auto()  # gradients of the module are taken on the way, where it is called
    TRIAL = auto()  # a network as it was born, once: its result's shape is looked at, or many are
    ANEW = auto()  # each round of a loop makes such a module, and calls it
    LOADED = auto()  # it was given weights by `load_state_dict`
    ONE_ITEM = auto()  # of all that a loop goes through, one is looked at
    AGAIN = auto()  # the same input in each round of a counted loop: only chance differs
    SAMPLED = auto()  # and nothing else is done in these rounds
    REPEATED = auto()  # all rounds are alike, as they go through the same data
    CHOSEN = auto()  # the function chose this mode: by another branch it would be the other one
    ASKED = auto()  # the same, of train mode in a function that trains nothing
    SET_APART = auto()  # another network was put in the other mode in the same breath
    PUT_IN_EVAL = auto()  # the function that makes the call has put the module in eval mode
    PUT_BACK = auto()  # another function has put the module in train mode
    PREPARES = auto()  # the module learns nothing: it prepares data, as a transform does
    OTHER_RESULT = auto()  # in train mode the module returns something else, such as its losses


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happens at a place of the program."""

    place: Place
    function: str = ""
    calls: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Forward(Fact):
    """A module is called.

    ``mode`` joins the modes of its mode-sensitive parts; ``mixed`` says that the parts differ on
    purpose. ``assumed`` says that no switch was seen, but callers that can't be seen may switch.
    ``loop`` is the loop that sets the eval mode which its later rounds bring, ``later`` the modes
    of all its rounds but the first, ``again`` those of the outermost loop's. ``turns`` are the
    places where loops under way set eval mode, and the calls that led there. ``switcher`` is the
    call by which the function that set the mode came here, if another function did. Where the
    same call trains for other callers, the fact is told at the switcher's, and ``inside`` is
    where the module is called. ``trains``: on another path or for another caller, the same call
    is part of a training step. ``unsettled``: what becomes of the result wasn't followed to the
    end, as the walk stopped short. ``alike``: where the same module is trained on the same way,
    in the same mode, which nobody in view sets.
    """

    module: Module = field(default_factory=lambda: Module(""))
    mode: Mode = NO_MODE
    mixed: bool = False
    assumed: bool = False
    origins: tuple[Origin, ...] = ()
    grad: Grad = Grad.UNSEEN
    grad_place: Place | None = None
    intent: Intent = Intent.UNKNOWN
    purpose: Purpose = Purpose.NONE
    backward: Place | None = None
    loop: Place | None = None
    later: Mode = NO_MODE
    again: Mode = NO_MODE
    caller_unseen: bool = False
    switcher: Place | None = None
    turns: tuple[Place, ...] = ()
    trains: bool = False
    inside: Place | None = None
    unsettled: bool = False
    alike: Place | None = None


@dataclass(frozen=True, slots=True)
class SwitchNotCalled(Fact):
    """``model.eval`` or ``model.train`` stands as a statement of its own."""

    module: Module = field(default_factory=lambda: Module(""))
    name: str = ""


@dataclass(frozen=True, slots=True)
class ModeMisgiven(Fact):
    """``eval`` or ``train`` of a module is given something that is no mode.

    ``given`` is what it is, ``how``: ``unwanted`` (``eval`` takes nothing), ``surplus`` (``train``
    takes one argument) or ``mistaken`` (it isn't a bool).
    """

    module: Module = field(default_factory=lambda: Module(""))
    name: str = ""
    given: str = ""
    how: str = "mistaken"


@dataclass(frozen=True, slots=True)
class TrainingAssigned(Fact):
    """``model.training`` is assigned from outside the module; ``covered`` if a switch follows."""

    module: Module = field(default_factory=lambda: Module(""))
    mode: Mode = NO_MODE
    covered: bool = False


@dataclass(frozen=True, slots=True)
class GradSwitchIdle(Fact):
    """A spelling of ``no_grad`` that changes nothing (or raises); ``how`` tells which.

    ``statement``: a bare ``torch.no_grad()``; ``reference``: a bare ``torch.no_grad``;
    ``uncalled``: ``with torch.no_grad:``; ``async``: it decorates an ``async def``; ``class``:
    it decorates a class; ``lazy``: it surrounds only the making of a generator, which runs later.
    """

    text: str = ""
    how: str = ""


@dataclass(frozen=True, slots=True)
class FunctionalCall(Fact):
    """A library function with a training flag is called inside a module's forward pass.

    ``training`` is what the flag is bound to: ``default``, ``constant`` (always on),
    ``conditioned`` or ``unknown``; or ``drawn``: there is no flag, a mask is drawn by hand.
    ``probability`` is None if it isn't a constant. ``made``: what it drops values of is made on
    the spot, of no data. ``position`` is where the flag stands if it isn't named, ``me`` what the
    method calls its module; empty if it is no method of one.
    """

    name: str = ""
    training: str = "unknown"
    probability: float | None = None
    flag: str = "training"
    position: int | None = None
    me: str = ""
    guarded: bool = False
    stochastic: bool = False
    made: bool = False
    owner: str = ""


@dataclass(frozen=True, slots=True)
class BuiltInForward(Fact):
    """A module is constructed inside a forward pass (and used there)."""

    type: str = ""
    sensitive: Sensitivity = Sensitivity.UNKNOWN
    parameters: bool = False
    kept: bool = False
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Revealed(Fact):
    """``reveal_mode(module)`` stands here: what is believed of the module at this place."""

    module: Module = field(default_factory=lambda: Module(""))
    mode: Mode = NO_MODE
    mixed: bool = False
    grad: Grad = Grad.UNSEEN

    @property
    def text(self) -> str:
        """In words, such as ``train | eval, no grad``; recording gradients goes without saying."""
        modes = ((Mode.TRAIN, "train"), (Mode.EVAL, "eval"), (Mode.UNSEEN, "unknown"))
        mode = " | ".join(word for flag, word in modes if flag in self.mode) or "none"
        grads = {Grad.OFF: ", no grad", Grad.ON | Grad.OFF: ", grad | no grad"}
        return ("mixed" if self.mixed else mode) + grads.get(self.grad, "")


@dataclass(frozen=True, slots=True)
class Exported(Fact):
    """A module is handed to something that bakes its mode in, or demands one.

    ``call`` names it, ``needs`` is the mode it wants, ``raises`` says that it refuses the other.
    """

    call: str = ""
    module: Module = field(default_factory=lambda: Module(""))
    needs: Mode = Mode.EVAL
    mode: Mode = NO_MODE
    mixed: bool = False
    assumed: bool = False
    raises: bool = False
    origins: tuple[Origin, ...] = ()


@dataclass(frozen=True, slots=True)
class FrozenPart(Fact):
    """A part with frozen parameters runs in a mode while the rest of its module is trained.

    The place is the part's own call if it is in view, else the call of the whole; where a library
    trains the whole (``trained``), it is where the part was frozen. ``frozen`` is where that was,
    ``owner`` the class (or name) of the whole, ``home`` the class's file. ``undone``: nobody in
    view trains the whole, but the eval mode that the constructor gives the part ends with the first
    ``train()``. ``cut``: it is frozen by what turns gradients off around its calls. ``layers``:
    some of its layers were put in eval mode by themselves, there; ``kept``: the constructor of the
    whole put it in eval mode.
    """

    module: Module = field(default_factory=lambda: Module(""))
    owner: str = ""
    home: str = ""
    mode: Mode = NO_MODE
    mixed: bool = False
    frozen: Place | None = None
    origins: tuple[Origin, ...] = ()
    stepped: bool = False
    trained: Place | None = None
    undone: bool = False
    cut: bool = False
    layers: bool = False
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Backward(Fact):
    """A backward pass runs.

    ``graph`` tells whether what it runs on was recorded: ON if some of it was, OFF if gradients are
    off here and were off from the same place on (``grad_place``) in all ``forwards`` behind it.
    """

    text: str = ""
    graph: Grad = Grad.UNSEEN
    grad_place: Place | None = None
    forwards: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class GradModeLeft(Fact):
    """``set_grad_enabled(False)`` as a statement is still in force where a function ends.

    ``library``: the function is there for callers that can't be seen. ``training``: the backward
    pass or training step that runs into it, if one is in view.
    """

    text: str = ""
    library: bool = False
    training: Place | None = None


@dataclass(frozen=True, slots=True)
class HiddenModules(Fact):
    """A module class keeps modules in a plain container, where ``eval()`` doesn't reach them.

    ``registered``: the same modules are registered elsewhere too. ``switched``: the class's own
    code switches them. ``single``: a container of one, the idiom for hiding on purpose.
    ``mixed``: something else may be among them. ``early``: this stands before the base's
    ``__init__`` is called, where a module can't be assigned.
    """

    owner: str = ""
    attribute: str = ""
    kind: str = "list"
    sensitive: Sensitivity = Sensitivity.UNKNOWN
    registered: bool = False
    switched: bool = False
    single: bool = False
    mixed: bool = True
    early: bool = False


@dataclass(frozen=True, slots=True)
class SwitchOverride(Fact):
    """A module class defines its own ``train`` or ``eval``, or a single module is given one.

    ``takes_mode``: it can be called as ``train(False)``. ``delegates``: it calls the inherited
    one, or switches its children itself. ``passes_mode``: the mode given reaches them.
    ``returns_self``: on every path. ``trains``: its body runs a training loop. ``in_two_minds``:
    the mode reaches the children, but not the module's own flag. ``aside``: the class has an
    ``eval`` of its own, which doesn't call it. ``replaced``: it is bound to a single module.
    """

    owner: str = ""
    name: str = "train"
    takes_mode: bool = False
    delegates: bool = False
    passes_mode: bool = False
    returns_self: bool = False
    trains: bool = False
    in_two_minds: bool = False
    aside: bool = False
    replaced: bool = False
