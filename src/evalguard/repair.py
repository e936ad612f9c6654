"""What would mend a finding, in a rule's words (``Repair``) and in text (``Edit``).

A rule names what is to be done and where; ``fix`` finds out how that is written there.
"""

from __future__ import annotations

from enum import Enum

from evalguard.places import Place, Span
from evalguard.records import NamedTuple


class Action(Enum):
    """What is to be done at a repair's place."""

    ADD_CALL = "write the missing ()"
    DROP_ARGUMENT = "call the switch without what it is given"
    SWITCH_WHOLE = "switch the whole module in place of its own flag"
    FLAG_BY_MODE = "bind a function's flag to the mode of the module"
    SCALE_BY_MODE = "hand a function its rate in train mode only"
    RETURN_SELF = "end a method with the return of its object"
    EVAL_BEFORE = "put the module in eval mode before the evaluation"
    TRAIN_BEFORE = "put the module in train mode before the training"
    TRAIN_EACH_ROUND = "put the module in train mode at the top of the loop"
    NO_GRAD_AROUND = "run the evaluation under no_grad"
    NO_GRAD_THROUGHOUT = "run the whole function of the evaluation under no_grad"
    NO_GRAD_BELOW = "run what follows in the block under no_grad"
    MAKE_ONCE = "make the module in the constructor"
    REGISTER = "keep the modules in a container that is searched for them"


class Repair(NamedTuple):
    """How to mend a finding.

    ``safe`` says that nothing but the defect can change. ``subject`` is what the code calls the
    module at the place, the type of a module to be made, or the kind of a container; ``flag`` an
    argument's name, ``position`` where it stands if it isn't named. ``loop`` is the loop whose
    next round the repair is for, ``turns`` are the places where it set the mode. ``once`` says
    that it matters how often a module is made.
    """

    action: Action
    place: Place
    safe: bool = False
    subject: str = ""
    flag: str = ""
    position: int | None = None
    loop: Place | None = None
    turns: tuple[Place, ...] = ()
    once: bool = False


class Edit(NamedTuple):
    """A piece of text that takes another's place; an insertion has an empty span."""

    span: Span
    text: str
