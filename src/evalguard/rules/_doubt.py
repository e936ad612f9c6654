"""Turns a forward call in train mode into how sure it is that eval mode was meant.

Shared by the two rules that ask this question, with gradients on and with gradients off.
"""

from __future__ import annotations

from evalguard.facts import Forward, Purpose
from evalguard.finding import Confidence
from evalguard.modes import Grad, Intent, Mode, Sensitivity
from evalguard.rules._story import origins_of

_ON_PURPOSE = Purpose.SHAPE | Purpose.STOCHASTIC | Purpose.OTHER_RESULT | Purpose.UNIT_TEST
_NUMBERS = Purpose.MEASURED | Purpose.EVALUATION
_MEASURED_LOOP = Purpose.MEASURED | Purpose.IN_LOADER_LOOP
_USED_WEIGHTS = Purpose.MEASURED | Purpose.LOADED
_SCORED = _NUMBERS | Purpose.IN_LOADER_LOOP
_FOR_NOTHING = Purpose.DISCARDED | Purpose.IN_LOADER_LOOP
_LEFT_ALONE = Purpose.PUT_IN_EVAL | Purpose.PUT_BACK
_MEANT = _NUMBERS | Purpose.ESCAPES | Purpose.STEP


def inference_in_train(fact: Forward) -> Confidence | None:
    """How sure it is that this call should run in eval mode; None if nothing says so."""
    if not _in_question(fact) or _smoke_test(fact) or _statistics(fact):
        return None
    sure = (fact.intent is Intent.INFERENCE or _put_back(fact)) and _meant(fact)
    if fact.alike is not None:
        return Confidence.POSSIBLE if sure and Purpose.MEASURED in fact.purpose else None
    if not sure or not _traced(fact) or _chosen(fact):
        return Confidence.POSSIBLE
    beyond_doubt = (
        fact.mode == Mode.TRAIN
        and fact.module.surely
        and not fact.assumed
        and bool(fact.purpose & (_NUMBERS | Purpose.ESCAPES))
    )
    return Confidence.CERTAIN if beyond_doubt else Confidence.LIKELY


def _in_question(fact: Forward) -> bool:
    """Train mode matters here, and nobody said that it is wanted.

    An attack that is made for training may look at how far it got.
    """
    return (
        (Mode.TRAIN in fact.mode or _as_in_training(fact))
        and not fact.mixed
        and fact.module.sensitive is not Sensitivity.NO
        and fact.intent is not Intent.TRAINING
        and not fact.purpose & _ON_PURPOSE
        and not (fact.trains and Purpose.INPUT_GRAD in fact.purpose)
        and not _drawn(fact)
    )


def _drawn(fact: Forward) -> bool:
    """One input again and again, the results of which are used: as many draws of the dropout.

    Neither is it where training goes on, as rounds differ by the weights.
    """
    if Purpose.DISCARDED in fact.purpose:
        return False
    again = Purpose.AGAIN in fact.purpose and Purpose.STEP not in fact.purpose
    return again or Purpose.SAMPLED in fact.purpose


def _as_in_training(fact: Forward) -> bool:
    """In whichever mode, the module is trained in the same, and by no call beside this one."""
    return fact.alike is not None and not fact.trains and Purpose.SAME_STEP not in fact.purpose


def _smoke_test(fact: Forward) -> bool:
    """A made-up input through a network nobody trained or loaded: no number of it counts.

    Noise is what a generator makes samples of: with weights that were loaded, they are looked at.
    Where train mode was set in so many words, it is train mode that is tried out, unless gradients
    are off.
    """
    weights = _USED_WEIGHTS in fact.purpose and Purpose.SHAPE not in fact.purpose
    in_earnest = Purpose.STEP in fact.purpose or _MEASURED_LOOP in fact.purpose or weights
    if Purpose.DUMMY not in fact.purpose or in_earnest or _speed_test(fact):
        return False
    hows = {origin.how for origin in origins_of(fact, Mode.TRAIN)}
    if hows <= {"built", "given"} or (hows == {"switched"} and fact.grad != Grad.OFF):
        return True
    return Purpose.DISCARDED in fact.purpose and not _said(fact)


def _speed_test(fact: Forward) -> bool:
    """Inference is timed: its result is thrown away, and nothing is recorded to train with."""
    return Purpose.TIMED | Purpose.DISCARDED in fact.purpose and Grad.OFF in fact.grad


def _chosen(fact: Forward) -> bool:
    """Somebody asks for train mode: the function that makes the call has a branch for either.

    Where it trains as well, it may be that the branch is about the training; where others train
    the module, it isn't.
    """
    told = Purpose.STEP not in fact.purpose or Purpose.ASKED in fact.purpose
    return Purpose.CHOSEN in fact.purpose and told


def _switched(fact: Forward) -> bool:
    return any(origin.how == "switched" for origin in origins_of(fact, Mode.TRAIN))


def _said(fact: Forward) -> bool:
    """The mode was set in so many words, or a network was loaded and gradients turned off."""
    hows = {origin.how for origin in origins_of(fact, Mode.TRAIN)}
    return "switched" in hows or ("loaded" in hows and fact.grad == Grad.OFF)


def _statistics(fact: Forward) -> bool:
    """A pass over the data without use for its results: it re-estimates batch norm."""
    after_training = Purpose.STEP in fact.purpose and fact.grad != Grad.OFF
    return _FOR_NOTHING in fact.purpose and not after_training and not _speed_test(fact)


def _meant(fact: Forward) -> bool:
    """Something says that the numbers are used, not just that they aren't trained on.

    Samples of a generator under training are looked at as they are trained on, but where it is
    scored; and a network with the weights it was born with is only tried out.
    """
    looked_at = Purpose.ADVERSARIAL in fact.purpose and not _scored(fact)
    if looked_at or Purpose.TRIAL in fact.purpose or _in_a_step(fact):
        return False
    if _speed_test(fact):
        return True
    if Purpose.DISCARDED in fact.purpose:
        return fact.grad == Grad.OFF and (_trained_on(fact) or _said(fact))
    return fact.grad == Grad.OFF or bool(fact.purpose & _MEANT)


def _trained_on(fact: Forward) -> bool:
    """The function trains the module, too; a single pass as it was born may be to set it up."""
    single = not fact.purpose & (Purpose.IN_LOADER_LOOP | Purpose.ONE_ITEM)
    born = {origin.how for origin in origins_of(fact, Mode.TRAIN)} == {"built"}
    return Purpose.STEP in fact.purpose and not (single and born)


def _scored(fact: Forward) -> bool:
    """An evaluation goes through data, with gradients off, and makes numbers of what comes out."""
    return _SCORED in fact.purpose and fact.grad == Grad.OFF


def _in_a_step(fact: Forward) -> bool:
    """A pass in the midst of a training step, or one that is such a step for other callers.

    The latter counts where the mode was set in so many words, on the way that training takes too;
    a caller who turns gradients off comes another way.
    """
    if Purpose.ALSO_TRAINED in fact.purpose:
        apart = fact.grad == Grad.OFF and fact.switcher is not None
        hows = {origin.how for origin in origins_of(fact, Mode.TRAIN)}
        return hows == {"switched"} and not apart
    return Purpose.SAME_STEP in fact.purpose and fact.grad != Grad.OFF


def _put_back(fact: Forward) -> bool:
    """Others learn from what a network says in eval mode, and it was put in train mode since."""
    return fact.intent is Intent.TARGET and _LEFT_ALONE in fact.purpose


def _traced(fact: Forward) -> bool:
    """The train mode comes from a visible place, and so does the module.

    Where eval mode was seen too, only a ``train()`` counts that an earlier round of a loop comes
    to: that one path forgets an ``eval()`` says little, as the path may never be taken; one on
    which the mode can't be seen says less.
    """
    if fact.module.unsure or Mode.UNSEEN in fact.mode:
        return False
    if Mode.EVAL in fact.mode and not (fact.again == Mode.TRAIN and _switched(fact)):
        return False
    visible = any(origin.how not in ("given", "flag") for origin in origins_of(fact, Mode.TRAIN))
    if {origin.how for origin in origins_of(fact, Mode.TRAIN)} == {"flag"}:
        return False
    if fact.module.sensitive is Sensitivity.YES:
        return visible or not fact.assumed
    return visible and Purpose.MEASURED in fact.purpose and not _fitted(fact)


def _fitted(fact: Forward) -> bool:
    """What isn't known to have layers is put in train mode for this very call.

    Such as a transform that learns its scale from what it is called with. It is so where the same
    function switches it, records gradients and trains nothing; or where a call on the way is given
    it with ``train()`` called in that argument.
    """
    origins = origins_of(fact, Mode.TRAIN)
    if any(origin.how != "switched" or origin.place is None for origin in origins):
        return False
    if fact.grad == Grad.ON and fact.switcher is None and Purpose.STEP not in fact.purpose:
        return True
    places = [origin.place for origin in origins if origin.place is not None]
    return all(any(step.place.holds(place) for step in fact.calls) for place in places)
