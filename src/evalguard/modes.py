"""The lattices: what can be believed of a module's mode, of autograd, and of a call's purpose.

Each is a set of possibilities; join is ``|``, the bottom is the empty set.
"""

from __future__ import annotations

from enum import Enum, Flag


class Mode(Flag):
    """Which modes a module may be in.

    ``TRAIN | EVAL`` says that both were *seen*, on different paths. ``UNSEEN`` says that
    nobody in view set the mode: it is a caller's or a library's affair.
    """

    TRAIN = 1
    EVAL = 2
    UNSEEN = 4

    @classmethod
    def of(cls, training: bool) -> Mode:
        """The mode that ``module.train(training)`` sets."""
        return cls.TRAIN if training else cls.EVAL


class Grad(Flag):
    """Whether autograd may be recording."""

    ON = 1
    OFF = 2
    UNSEEN = 4

    @classmethod
    def of(cls, enabled: bool) -> Grad:
        """The state that ``torch.set_grad_enabled(enabled)`` sets."""
        return cls.ON if enabled else cls.OFF


NO_MODE = Mode(0)
NO_GRAD = Grad(0)


class Intent(Enum):
    """What the result of a forward call is for."""

    TRAINING = "training"  # it reaches a backward pass
    TARGET = "target"  # it reaches one only detached: pseudo-labels, a teacher, a critic's input
    INFERENCE = "inference"  # it can't reach one
    UNKNOWN = "unknown"  # it leaves what can be seen


class Sensitivity(Enum):
    """Whether a module computes something else in train mode than in eval mode."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"
