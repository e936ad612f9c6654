"""Each rule is a stateless question: here on facts made by hand, one trait changed at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from evalguard.facts import (
    BuiltInForward,
    Fact,
    Forward,
    FunctionalCall,
    GradSwitchIdle,
    Module,
    Origin,
    Purpose,
    Step,
    SwitchNotCalled,
    TrainingAssigned,
)
from evalguard.finding import Confidence
from evalguard.modes import Grad, Intent, Mode, Sensitivity
from evalguard.places import Place, Span
from evalguard.rule import Rule, Verdict
from evalguard.rules import (
    attr_without_call,
    eval_without_no_grad,
    functional_dropout,
    inference_without_eval,
    module_in_forward,
    never_back_to_train,
    no_grad_instead_of_eval,
    no_grad_without_effect,
    train_in_eval,
    training_attr_assign,
)

CERTAIN, LIKELY, POSSIBLE = Confidence.CERTAIN, Confidence.LIKELY, Confidence.POSSIBLE


def at(line: int) -> Place:
    return Place("run.py", Span(line, 1, line, 9))


def origin(mode: Mode, how: str, line: int) -> Origin:
    return Origin(mode, how, how, at(line))


BUILT = origin(Mode.TRAIN, "built", 1)
TRAINED = origin(Mode.TRAIN, "switched", 2)
EVALED = origin(Mode.EVAL, "switched", 3)
GIVEN = origin(Mode.TRAIN, "given", 4)
LOADED = origin(Mode.TRAIN, "loaded", 5)
NET = Module("net", "Net", Sensitivity.YES, "Dropout", shown=True)
UNKNOWN = replace(NET, sensitive=Sensitivity.UNKNOWN)
INERT = replace(NET, sensitive=Sensitivity.NO)
OPTIONAL = replace(NET, optional=True)
FROZEN = replace(NET, frozen=True)

INFERENCE = Forward(
    at(9),
    module=NET,
    mode=Mode.TRAIN,
    origins=(BUILT,),
    grad=Grad.ON,
    intent=Intent.INFERENCE,
    purpose=Purpose.MEASURED,
)
QUIET = replace(INFERENCE, grad=Grad.OFF, grad_place=at(8))
WASTE = replace(INFERENCE, mode=Mode.EVAL, origins=(EVALED,))
STEP = Forward(
    at(9),
    module=NET,
    mode=Mode.EVAL,
    origins=(BUILT, EVALED),
    grad=Grad.ON,
    intent=Intent.TRAINING,
    purpose=Purpose.STEP,
    backward=at(10),
)
ROUND = replace(STEP, loop=at(7))


def verdicts(rule: Rule, fact: Fact) -> list[Verdict]:
    return list(rule.check(fact))


def confidence(rule: Rule, fact: Fact) -> Confidence | None:
    found = verdicts(rule, fact)
    assert len(found) <= 1
    return found[0].confidence if found else None


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, CERTAIN),
        ({"mode": Mode.TRAIN | Mode.EVAL, "origins": (BUILT, EVALED)}, POSSIBLE),
        ({"mode": Mode.TRAIN | Mode.EVAL, "origins": (TRAINED, EVALED)}, POSSIBLE),
        (
            {"mode": Mode.TRAIN | Mode.EVAL, "origins": (TRAINED, EVALED), "again": Mode.TRAIN},
            LIKELY,
        ),
        ({"mode": Mode.EVAL}, None),
        ({"mode": Mode.UNSEEN}, None),
        ({"mode": Mode.UNSEEN | Mode.EVAL}, None),
        ({"mode": Mode.TRAIN | Mode.UNSEEN}, POSSIBLE),
        ({"mixed": True}, None),
        ({"module": INERT}, None),
        ({"module": UNKNOWN}, LIKELY),
        ({"module": OPTIONAL}, LIKELY),
        ({"module": UNKNOWN, "origins": (GIVEN,)}, POSSIBLE),
        ({"module": UNKNOWN, "purpose": Purpose.ESCAPES}, POSSIBLE),
        ({"assumed": True}, LIKELY),
        ({"assumed": True, "origins": (GIVEN,)}, POSSIBLE),
        ({"intent": Intent.UNKNOWN}, POSSIBLE),
        ({"intent": Intent.TRAINING}, None),
        ({"purpose": Purpose.MEASURED | Purpose.SHAPE}, None),
        ({"purpose": Purpose.MEASURED | Purpose.STOCHASTIC}, None),
        ({"purpose": Purpose.MEASURED | Purpose.INPUT_GRAD, "trains": True}, None),
        ({"purpose": Purpose.MEASURED | Purpose.INPUT_GRAD}, CERTAIN),
        ({"purpose": Purpose.MEASURED | Purpose.DUMMY}, None),
        ({"purpose": Purpose.MEASURED | Purpose.DUMMY, "origins": (LOADED,)}, CERTAIN),
        ({"purpose": Purpose.DUMMY | Purpose.STEP}, LIKELY),
        ({"purpose": Purpose.DISCARDED | Purpose.IN_LOADER_LOOP}, None),
        ({"purpose": Purpose.DUMMY | Purpose.MEASURED | Purpose.IN_LOADER_LOOP}, CERTAIN),
        ({"purpose": Purpose.EVALUATION}, CERTAIN),
    ],
)
def test_inference_in_train_mode(changed: dict[str, Any], expected: Confidence | None) -> None:
    """With gradients on and with gradients off, this is one question."""
    loud, quiet = replace(INFERENCE, **changed), replace(QUIET, **changed)
    assert confidence(inference_without_eval.RULE, loud) == expected
    assert confidence(no_grad_instead_of_eval.RULE, quiet) == expected
    assert confidence(no_grad_instead_of_eval.RULE, loud) is None
    assert confidence(inference_without_eval.RULE, quiet) is None


@pytest.mark.parametrize(
    ("purpose", "loud", "quiet"),
    [(Purpose.NONE, POSSIBLE, LIKELY), (Purpose.DISCARDED, POSSIBLE, POSSIBLE)],
)
def test_gradients_off_tells_that_inference_is_meant(
    purpose: Purpose, loud: Confidence, quiet: Confidence
) -> None:
    assert confidence(inference_without_eval.RULE, replace(INFERENCE, purpose=purpose)) == loud
    assert confidence(no_grad_instead_of_eval.RULE, replace(QUIET, purpose=purpose)) == quiet


def test_a_discarded_result_after_an_explicit_train_is_no_accident() -> None:
    fact = replace(QUIET, purpose=Purpose.DISCARDED, origins=(TRAINED,))
    assert confidence(no_grad_instead_of_eval.RULE, fact) == LIKELY


def test_a_trial_run_of_a_loaded_network_spoils_its_statistics_also_under_no_grad() -> None:
    changed: dict[str, Any] = {
        "purpose": Purpose.DISCARDED | Purpose.DUMMY,
        "origins": (LOADED,),
    }
    assert confidence(inference_without_eval.RULE, replace(INFERENCE, **changed)) is None
    assert confidence(no_grad_instead_of_eval.RULE, replace(QUIET, **changed)) == LIKELY


@pytest.mark.parametrize(
    ("without", "expected"),
    [
        (Purpose.NONE, LIKELY),
        (Purpose.TIMED, None),
        (Purpose.DUMMY, LIKELY),
        (Purpose.IN_LOADER_LOOP, LIKELY),
    ],
)
def test_a_speed_test_counts_seconds(without: Purpose, expected: Confidence | None) -> None:
    speed = Purpose.DISCARDED | Purpose.DUMMY | Purpose.IN_LOADER_LOOP | Purpose.TIMED
    changed: dict[str, Any] = {"purpose": speed & ~without, "origins": (BUILT,)}
    assert confidence(no_grad_instead_of_eval.RULE, replace(QUIET, **changed)) == expected
    assert confidence(inference_without_eval.RULE, replace(INFERENCE, **changed)) is None


def test_a_pass_that_others_train_through_is_told_at_the_switcher() -> None:
    fact = replace(WASTE, inside=at(20), calls=(Step("infer", at(9)),))
    (verdict,) = verdicts(eval_without_no_grad.RULE, fact)
    assert verdict.place == at(9)
    assert (20, "`net` is called here, in training by others") in [
        (e.place.line, e.message) for e in verdict.evidence
    ]


def test_a_pass_for_nothing_after_training_re_estimates_only_without_gradients() -> None:
    purpose = Purpose.DISCARDED | Purpose.IN_LOADER_LOOP | Purpose.STEP
    assert confidence(inference_without_eval.RULE, replace(INFERENCE, purpose=purpose)) == POSSIBLE
    assert confidence(no_grad_instead_of_eval.RULE, replace(QUIET, purpose=purpose)) is None


def test_results_that_are_thrown_away_spoil_no_numbers() -> None:
    purpose = Purpose.DISCARDED | Purpose.STEP
    assert confidence(inference_without_eval.RULE, replace(INFERENCE, purpose=purpose)) == POSSIBLE
    assert confidence(no_grad_instead_of_eval.RULE, replace(QUIET, purpose=purpose)) == POSSIBLE
    looked_at = purpose | Purpose.ONE_ITEM
    assert confidence(no_grad_instead_of_eval.RULE, replace(QUIET, purpose=looked_at)) == LIKELY


def test_a_training_target_is_possible_and_only_under_no_grad() -> None:
    loud, quiet = (replace(fact, intent=Intent.TARGET) for fact in (INFERENCE, QUIET))
    assert confidence(inference_without_eval.RULE, loud) is None
    assert confidence(no_grad_instead_of_eval.RULE, quiet) == POSSIBLE


@pytest.mark.parametrize("grad", [Grad.ON | Grad.OFF, Grad.UNSEEN, Grad.OFF | Grad.UNSEEN])
def test_gradients_that_may_be_on_leave_it_to_the_general_rule(grad: Grad) -> None:
    fact = replace(INFERENCE, grad=grad)
    assert confidence(inference_without_eval.RULE, fact) == CERTAIN
    assert confidence(no_grad_instead_of_eval.RULE, fact) is None


def test_the_evidence_is_the_story() -> None:
    fact = replace(
        QUIET,
        module=replace(NET, built=BUILT),
        origins=(TRAINED,),
        calls=(Step("main", at(6)), Step("test", at(7))),
    )
    (verdict,) = verdicts(no_grad_instead_of_eval.RULE, fact)
    assert [(e.place.line, e.message) for e in verdict.evidence] == [
        (1, "built here, in train mode"),
        (2, "put in train mode here"),
        (6, "`main` is called from here"),
        (7, "`test` is called from here"),
        (8, "gradients are off from here"),
    ]
    assert verdict.place == at(9)
    assert "`net` is in train mode" in verdict.message
    assert "dropout" in verdict.message
    assert "`net.eval()`" in verdict.help


def test_places_are_told_once_and_the_finding_itself_not() -> None:
    fact = replace(
        INFERENCE, module=replace(NET, built=BUILT), origins=(BUILT, replace(TRAINED, place=at(9)))
    )
    (verdict,) = verdicts(inference_without_eval.RULE, fact)
    assert [e.place.line for e in verdict.evidence] == [1]


def test_an_origin_without_place_is_not_told() -> None:
    fact = replace(INFERENCE, origins=(replace(BUILT, place=None),))
    (verdict,) = verdicts(inference_without_eval.RULE, fact)
    assert verdict.evidence == ()


@pytest.mark.parametrize(
    ("text", "words"), [("self.net", "`self.net.eval()`"), ("make(...)", "`.eval()` on the module")]
)
def test_help_names_the_call_if_it_can(text: str, words: str) -> None:
    (verdict,) = verdicts(
        inference_without_eval.RULE, replace(INFERENCE, module=replace(NET, text=text))
    )
    assert words in verdict.help


@pytest.mark.parametrize(
    ("because", "word"),
    [("BatchNorm2d", "statistics of each batch"), ("Dropout", "zeroing"), ("", "layers")],
)
def test_the_message_says_what_is_spoiled(because: str, word: str) -> None:
    (verdict,) = verdicts(
        inference_without_eval.RULE, replace(INFERENCE, module=replace(NET, because=because))
    )
    assert word in verdict.message


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, CERTAIN),
        ({"mode": Mode.TRAIN | Mode.EVAL}, LIKELY),
        ({"mode": Mode.UNSEEN | Mode.EVAL}, POSSIBLE),
        ({"mode": Mode.TRAIN}, None),
        ({"module": UNKNOWN}, LIKELY),
        ({"module": OPTIONAL}, LIKELY),
        ({"module": INERT}, None),
        ({"module": FROZEN}, None),
        ({"mixed": True}, None),
        ({"origins": (BUILT, origin(Mode.EVAL, "loaded", 3))}, None),
        ({"intent": Intent.INFERENCE}, None),
        ({"intent": Intent.UNKNOWN}, None),
        ({"grad": Grad.OFF}, None),
        ({"purpose": Purpose.INPUT_GRAD}, None),
        ({"loop": None}, None),
    ],
)
def test_never_back_to_train(changed: dict[str, Any], expected: Confidence | None) -> None:
    assert confidence(never_back_to_train.RULE, replace(ROUND, **changed)) == expected


def test_the_loop_is_evidence() -> None:
    (verdict,) = verdicts(never_back_to_train.RULE, ROUND)
    assert [(e.place.line, e.message) for e in verdict.evidence] == [
        (1, "built here, in train mode"),
        (3, "put in eval mode here"),
        (7, "in this loop's next round it is still in eval mode"),
    ]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, LIKELY),
        ({"purpose": Purpose.NONE}, POSSIBLE),
        ({"module": UNKNOWN}, POSSIBLE),
        ({"mode": Mode.TRAIN | Mode.EVAL}, None),
        ({"mode": Mode.TRAIN}, None),
        ({"module": INERT}, None),
        ({"module": FROZEN}, None),
        ({"mixed": True}, None),
        ({"grad": Grad.OFF}, None),
        ({"intent": Intent.INFERENCE}, None),
        ({"purpose": Purpose.STEP | Purpose.INPUT_GRAD}, None),
        ({"loop": at(7)}, None),
    ],
)
def test_train_in_eval(changed: dict[str, Any], expected: Confidence | None) -> None:
    assert confidence(train_in_eval.RULE, replace(STEP, **changed)) == expected


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, CERTAIN),
        ({"caller_unseen": True}, LIKELY),
        ({"purpose": Purpose.ESCAPES}, POSSIBLE),
        ({"purpose": Purpose.EVALUATION | Purpose.DISCARDED}, CERTAIN),
        ({"purpose": Purpose.DISCARDED}, None),
        ({"purpose": Purpose.MEASURED | Purpose.SHAPE}, None),
        ({"purpose": Purpose.MEASURED | Purpose.DUMMY}, None),
        ({"purpose": Purpose.MEASURED | Purpose.DUMMY | Purpose.IN_LOADER_LOOP}, CERTAIN),
        ({"purpose": Purpose.DISCARDED | Purpose.IN_LOADER_LOOP}, None),
        ({"purpose": Purpose.STEP | Purpose.DUMMY}, CERTAIN),
        ({"purpose": Purpose.MEASURED | Purpose.INPUT_GRAD}, None),
        ({"mode": Mode.TRAIN | Mode.EVAL}, None),
        ({"mode": Mode.UNSEEN}, None),
        ({"origins": ()}, None),
        ({"origins": (origin(Mode.EVAL, "given", 3),)}, None),
        ({"origins": (origin(Mode.EVAL, "hook", 3),)}, CERTAIN),
        ({"grad": Grad.OFF}, None),
        ({"grad": Grad.ON | Grad.OFF}, None),
        ({"grad": Grad.UNSEEN}, None),
        ({"intent": Intent.UNKNOWN}, None),
        ({"intent": Intent.TRAINING}, None),
        ({"module": FROZEN}, None),
        ({"module": INERT}, CERTAIN),
    ],
)
def test_eval_without_no_grad(changed: dict[str, Any], expected: Confidence | None) -> None:
    assert confidence(eval_without_no_grad.RULE, replace(WASTE, **changed)) == expected


@pytest.mark.parametrize(
    "how", ["statement", "reference", "uncalled", "async", "class", "lazy", "unheard of"]
)
def test_no_grad_without_effect(how: str) -> None:
    (verdict,) = verdicts(
        no_grad_without_effect.RULE, GradSwitchIdle(at(3), text="torch.no_grad()", how=how)
    )
    assert verdict.confidence == CERTAIN
    assert verdict.message.startswith("`torch.no_grad()` ")
    assert "{" not in verdict.help


DROPOUT = FunctionalCall(at(3), name="F.dropout", training="default", probability=0.5)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, CERTAIN),
        ({"training": "constant"}, CERTAIN),
        ({"training": "conditioned"}, None),
        ({"training": "unknown"}, None),
        ({"probability": None}, LIKELY),
        ({"probability": 0.0}, None),
        ({"guarded": True}, None),
        ({"stochastic": True}, None),
        ({"training": "drawn"}, LIKELY),
        ({"training": "drawn", "guarded": True}, None),
        ({"training": "drawn", "stochastic": True}, None),
    ],
)
def test_functional_dropout(changed: dict[str, Any], expected: Confidence | None) -> None:
    assert confidence(functional_dropout.RULE, replace(DROPOUT, **changed)) == expected


def test_attention_has_no_training_flag_to_pass() -> None:
    attention = replace(DROPOUT, training="constant", flag="dropout_p", probability=None)
    (verdict,) = verdicts(functional_dropout.RULE, attention)
    assert "`dropout_p=p if self.training else 0.0`" in verdict.help
    (verdict,) = verdicts(functional_dropout.RULE, DROPOUT)
    assert "`training=self.training`" in verdict.help


LAYER = BuiltInForward(at(3), type="nn.Dropout", sensitive=Sensitivity.YES)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, CERTAIN),
        ({"kept": True}, None),
        ({"sensitive": Sensitivity.NO}, None),
        ({"sensitive": Sensitivity.UNKNOWN}, None),
        ({"sensitive": Sensitivity.NO, "parameters": True}, CERTAIN),
    ],
)
def test_module_in_forward(changed: dict[str, Any], expected: Confidence | None) -> None:
    assert confidence(module_in_forward.RULE, replace(LAYER, **changed)) == expected


def test_both_faults_of_a_batch_norm_made_in_forward_are_told() -> None:
    (verdict,) = verdicts(module_in_forward.RULE, replace(LAYER, parameters=True))
    assert "train mode every time" in verdict.message
    assert "never trained" in verdict.message


def test_attr_without_call() -> None:
    fact = SwitchNotCalled(at(3), module=NET, name="eval")
    (verdict,) = verdicts(attr_without_call.RULE, fact)
    assert (verdict.confidence, verdict.help) == (CERTAIN, "write `net.eval()`")
    unshown = replace(fact, module=Module("agent"))
    assert confidence(attr_without_call.RULE, unshown) == LIKELY


ASSIGNED = TrainingAssigned(at(3), module=NET, mode=Mode.EVAL)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, CERTAIN),
        ({"covered": True}, None),
        ({"module": UNKNOWN}, LIKELY),
        ({"module": INERT}, POSSIBLE),
        ({"module": Module("config")}, None),
    ],
)
def test_training_attr_assign(changed: dict[str, Any], expected: Confidence | None) -> None:
    assert confidence(training_attr_assign.RULE, replace(ASSIGNED, **changed)) == expected


@pytest.mark.parametrize(
    ("mode", "words"),
    [(Mode.EVAL, "`net.eval()`"), (Mode.TRAIN, "`net.train()`"), (Mode(3), "`.train(flag)`")],
)
def test_the_switch_in_place_of_an_assignment(mode: Mode, words: str) -> None:
    (verdict,) = verdicts(training_attr_assign.RULE, replace(ASSIGNED, mode=mode))
    assert words in verdict.help
