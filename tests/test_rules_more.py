"""The rules on exports, frozen parts, gradients, hidden modules and switches, on made-up facts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from evalguard.facts import (
    Backward,
    Exported,
    Fact,
    Forward,
    FrozenPart,
    GradModeLeft,
    HiddenModules,
    ModeMisgiven,
    Module,
    Origin,
    Step,
    SwitchOverride,
)
from evalguard.finding import Confidence, Severity
from evalguard.modes import Grad, Mode, Sensitivity
from evalguard.places import Place, Span
from evalguard.rule import Rule, Verdict
from evalguard.rules import (
    RULES,
    backward_under_no_grad,
    bad_train_override,
    export_in_train,
    frozen_in_train,
    grad_mode_leak,
    hidden_module,
    mode_argument,
)

CERTAIN, LIKELY, POSSIBLE = Confidence.CERTAIN, Confidence.LIKELY, Confidence.POSSIBLE


def at(line: int) -> Place:
    return Place("run.py", Span(line, 1, line, 9))


def one(rule: Rule, fact: Fact) -> Verdict:
    (verdict,) = rule.check(fact)
    return verdict


def confidence(rule: Rule, fact: Fact) -> Confidence | None:
    found = list(rule.check(fact))
    assert len(found) <= 1
    return found[0].confidence if found else None


BUILT = Origin(Mode.TRAIN, "built", "Net()", at(1))
TRAINED = Origin(Mode.TRAIN, "switched", "net.train()", at(2))
NET = Module("net", "Net", Sensitivity.YES, "BatchNorm2d", shown=True)
UNKNOWN = replace(NET, sensitive=Sensitivity.UNKNOWN, because="")
INERT = replace(NET, sensitive=Sensitivity.NO)
UNSURE = replace(NET, unsure=True)
BOTH = Mode.TRAIN | Mode.EVAL

FROZEN = FrozenPart(
    at(9),
    module=replace(NET, text="self.backbone", built=BUILT),
    owner="Net",
    mode=Mode.TRAIN,
    frozen=at(3),
    origins=(TRAINED,),
    stepped=True,
)
EXPORT = Exported(
    at(9), call="torch.jit.trace", module=NET, mode=Mode.TRAIN, origins=(BUILT, TRAINED)
)
LEAK = GradModeLeft(at(3), text="torch.set_grad_enabled(False)", training=at(8))
HIDDEN = HiddenModules(at(3), "Net.__init__", owner="Net", attribute="self.layers")
OVERRIDE = SwitchOverride(
    at(3), owner="Net", takes_mode=True, delegates=True, passes_mode=True, returns_self=True
)


@pytest.mark.parametrize(
    ("code", "name", "severity"),
    [
        ("EG105", "frozen-in-train", Severity.WARNING),
        ("EG106", "export-in-train", Severity.ERROR),
        ("EG202", "backward-under-no-grad", Severity.ERROR),
        ("EG203", "grad-mode-leak", Severity.ERROR),
        ("EG303", "hidden-module", Severity.ERROR),
        ("EG304", "bad-train-override", Severity.ERROR),
        ("EG403", "mode-argument", Severity.ERROR),
    ],
)
def test_names_and_severities_are_fixed(code: str, name: str, severity: Severity) -> None:
    (rule,) = (rule for rule in RULES if rule.code == code)
    assert (rule.name, rule.severity, rule.since) == (name, severity, "0.1.0")


@pytest.mark.parametrize(
    "rule",
    [module.RULE for module in (bad_train_override, export_in_train, frozen_in_train)]
    + [grad_mode_leak.RULE, hidden_module.RULE]
    + [backward_under_no_grad.RULE, mode_argument.RULE],
    ids=lambda rule: rule.name,
)
def test_other_facts_are_none_of_their_business(rule: Rule) -> None:
    assert confidence(rule, Forward(at(3), module=NET, mode=Mode.TRAIN)) is None


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, LIKELY),
        ({"stepped": False}, POSSIBLE),
        ({"module": UNKNOWN}, POSSIBLE),
        ({"module": UNSURE}, POSSIBLE),
        ({"module": UNKNOWN, "stepped": False}, POSSIBLE),
        ({"stepped": False, "undone": True}, LIKELY),
        ({"module": UNKNOWN, "stepped": False, "undone": True}, POSSIBLE),
        ({"module": INERT}, None),
        ({"mixed": True}, None),
        ({"mode": Mode.EVAL}, None),
        ({"mode": BOTH}, None),
        ({"mode": Mode.UNSEEN}, None),
        ({"mode": Mode.TRAIN | Mode.UNSEEN}, None),
    ],
)
def test_frozen_in_train(changed: dict[str, Any], expected: Confidence | None) -> None:
    assert confidence(frozen_in_train.RULE, replace(FROZEN, **changed)) == expected


def test_the_freeze_is_part_of_the_story() -> None:
    verdict = one(frozen_in_train.RULE, FROZEN)
    assert [(e.place.line, e.message) for e in verdict.evidence] == [
        (1, "built here, in train mode"),
        (2, "put in train mode here"),
        (3, "its parameters are frozen here, which doesn't change its mode"),
    ]
    assert "`self.backbone` is frozen" in verdict.message
    assert "the rest of `Net`" in verdict.message
    assert "batch norm" in verdict.message
    assert "`self.backbone.eval()`" in verdict.help


def test_who_trains_a_frozen_part_is_told() -> None:
    verdict = one(frozen_in_train.RULE, replace(FROZEN, trained=at(30)))
    assert (30, "the rest of `Net` is trained here") in [
        (e.place.line, e.message) for e in verdict.evidence
    ]


def test_an_eval_mode_that_does_not_last_is_told() -> None:
    verdict = one(frozen_in_train.RULE, replace(FROZEN, undone=True))
    assert "the first `train()` of `Net` ends it" in verdict.message


def test_a_freeze_out_of_view_of_a_whole_without_a_name() -> None:
    verdict = one(frozen_in_train.RULE, replace(FROZEN, owner="", frozen=None))
    assert [e.place.line for e in verdict.evidence] == [1, 2]
    assert "the rest of the network" in verdict.message


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, CERTAIN),
        ({"assumed": True}, LIKELY),
        ({"module": UNKNOWN}, LIKELY),
        ({"module": replace(NET, optional=True)}, LIKELY),
        ({"module": UNSURE}, POSSIBLE),
        ({"module": INERT}, None),
        ({"mixed": True}, None),
        ({"mode": BOTH}, POSSIBLE),
        ({"mode": BOTH, "module": INERT}, None),
        ({"mode": Mode.EVAL}, None),
        ({"mode": Mode.UNSEEN}, None),
        ({"mode": Mode.TRAIN | Mode.UNSEEN}, None),
        ({"needs": Mode.TRAIN}, None),
        ({"needs": Mode.TRAIN, "mode": Mode.EVAL}, None),
    ],
)
def test_export_in_train(changed: dict[str, Any], expected: Confidence | None) -> None:
    """That it raises makes it no less of a defect."""
    assert confidence(export_in_train.RULE, replace(EXPORT, **changed)) == expected
    assert confidence(export_in_train.RULE, replace(EXPORT, raises=True, **changed)) == expected


def test_an_export_that_raises_is_told_apart_from_one_that_keeps_the_mode() -> None:
    kept = one(export_in_train.RULE, EXPORT)
    refused = one(export_in_train.RULE, replace(EXPORT, raises=True))
    assert "in what `torch.jit.trace` makes of it, batch norm" in kept.message
    assert "`torch.jit.trace` raises unless" in refused.message
    assert kept.help == refused.help == "call `net.eval()` before it"
    assert [e.place.line for e in kept.evidence] == [1, 2]


def test_an_export_in_both_modes_is_told_with_doubt() -> None:
    assert "`net` is in train" in one(export_in_train.RULE, EXPORT).message
    assert "`net` may be in train" in one(export_in_train.RULE, replace(EXPORT, mode=BOTH)).message


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, CERTAIN),
        ({"library": True}, CERTAIN),
        ({"library": True, "training": None}, LIKELY),
        ({"training": None}, None),
    ],
)
def test_grad_mode_leak(changed: dict[str, Any], expected: Confidence | None) -> None:
    assert confidence(grad_mode_leak.RULE, replace(LEAK, **changed)) == expected


def test_the_training_that_suffers_is_evidence() -> None:
    verdict = one(grad_mode_leak.RULE, replace(LEAK, calls=(Step("evaluate", at(6)),)))
    assert verdict.place == at(3)
    assert [(e.place.line, e.message) for e in verdict.evidence] == [
        (6, "`evaluate` is called from here"),
        (8, "this training step runs with gradients off"),
    ]
    assert "`torch.set_grad_enabled(False)` is still in force where training starts" in (
        verdict.message
    )


def test_a_leak_out_of_a_library_has_no_training_to_show() -> None:
    verdict = one(grad_mode_leak.RULE, replace(LEAK, text="", library=True, training=None))
    assert verdict.evidence == ()
    assert "`torch.set_grad_enabled(False)`" in verdict.message
    assert "returned to its caller" in verdict.message


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"sensitive": Sensitivity.YES}, CERTAIN),
        ({"sensitive": Sensitivity.UNKNOWN}, LIKELY),
        ({"sensitive": Sensitivity.NO}, LIKELY),
        ({"sensitive": Sensitivity.YES, "registered": True}, None),
        ({"sensitive": Sensitivity.YES, "switched": True}, None),
        ({"sensitive": Sensitivity.YES, "single": True}, None),
    ],
)
def test_hidden_module(changed: dict[str, Any], expected: Confidence | None) -> None:
    assert confidence(hidden_module.RULE, replace(HIDDEN, **changed)) == expected


@pytest.mark.parametrize(
    ("kind", "cure"), [("list", "ModuleList"), ("tuple", "ModuleList"), ("dict", "ModuleDict")]
)
def test_each_container_has_its_registering_kind(kind: str, cure: str) -> None:
    verdict = one(hidden_module.RULE, replace(HIDDEN, kind=kind))
    assert f"a plain {kind}" in verdict.message
    assert f"`nn.{cure}`" in verdict.help


def test_what_is_set_too_early_for_a_module_has_to_move() -> None:
    right, early = (
        one(hidden_module.RULE, replace(HIDDEN, mixed=False, early=early))
        for early in (False, True)
    )
    assert right.fix is not None
    assert "super()" not in right.help
    assert early.fix is None
    assert early.help.startswith("set it after `super().__init__()`")


def test_the_mode_is_told_of_only_where_there_may_be_one() -> None:
    inert = one(hidden_module.RULE, replace(HIDDEN, sensitive=Sensitivity.NO))
    assert "eval()" not in inert.message
    assert "parameters()" in inert.message
    assert "`eval()` doesn't reach them" in one(hidden_module.RULE, HIDDEN).message


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, None),
        ({"takes_mode": False}, CERTAIN),
        ({"delegates": False}, LIKELY),
        ({"passes_mode": False}, CERTAIN),
        ({"returns_self": False}, LIKELY),
        ({"name": "eval", "takes_mode": False, "passes_mode": False}, None),
        ({"name": "eval", "delegates": False}, LIKELY),
        ({"name": "eval", "returns_self": False}, LIKELY),
        ({"in_two_minds": True}, CERTAIN),
        ({"name": "eval", "in_two_minds": True}, None),
        ({"replaced": True, "in_two_minds": True}, CERTAIN),
        ({"replaced": True}, None),
        ({"replaced": True, "takes_mode": False, "delegates": False}, None),
        ({"replaced": True, "returns_self": False}, None),
    ],
)
def test_bad_train_override(changed: dict[str, Any], expected: Confidence | None) -> None:
    assert confidence(bad_train_override.RULE, replace(OVERRIDE, **changed)) == expected


@pytest.mark.parametrize(
    ("good", "words"),
    [
        ((), "takes no mode"),
        (("takes_mode",), "doesn't switch the modules inside"),
        (("takes_mode", "delegates"), "always puts the children in train mode"),
        (("takes_mode", "delegates", "passes_mode"), "doesn't return `self`"),
    ],
)
def test_the_gravest_fault_is_told(good: tuple[str, ...], words: str) -> None:
    traits: dict[str, Any] = dict.fromkeys(good, True)
    fact = SwitchOverride(at(3), owner="Net", **traits)
    verdict = one(bad_train_override.RULE, fact)
    assert verdict.message.startswith("`Net.train` ")
    assert words in verdict.message
    assert "{" not in verdict.message + verdict.help


def test_a_training_loop_ought_to_be_called_otherwise() -> None:
    loop = replace(OVERRIDE, takes_mode=False, trains=True)
    assert "`fit`" in one(bad_train_override.RULE, loop).help
    assert (
        "`fit`"
        in one(bad_train_override.RULE, replace(OVERRIDE, delegates=False, trains=True)).help
    )
    assert "`fit`" not in one(bad_train_override.RULE, replace(loop, trains=False)).help
    assert "`return self`" in (
        one(bad_train_override.RULE, replace(OVERRIDE, returns_self=False, trains=True)).help
    )


def test_a_train_of_a_single_module_has_a_name_of_its_own() -> None:
    fact = replace(OVERRIDE, function="Net.__init__.stay", owner="", replaced=True)
    verdict = one(bad_train_override.RULE, replace(fact, in_two_minds=True))
    assert verdict.message.startswith("`Net.__init__.stay` ")


@pytest.mark.parametrize(("name", "call"), [("train", "train(mode)"), ("eval", "eval()")])
def test_the_inherited_method_is_named(name: str, call: str) -> None:
    verdict = one(bad_train_override.RULE, replace(OVERRIDE, name=name, delegates=False))
    assert f"`super().{call}`" in verdict.help
    assert f"when `{name}()` is called" in verdict.message


RUN = Backward(
    at(9), text="loss.backward", graph=Grad.OFF, grad_place=at(3), forwards=(at(5), at(6))
)


@pytest.mark.parametrize(
    ("graph", "expected"),
    [(Grad.OFF, CERTAIN), (Grad.ON, None), (Grad.UNSEEN, None), (Grad.ON | Grad.OFF, None)],
)
def test_backward_under_no_grad(graph: Grad, expected: Confidence | None) -> None:
    assert confidence(backward_under_no_grad.RULE, replace(RUN, graph=graph)) == expected


def test_what_led_to_a_backward_pass_without_a_graph() -> None:
    called = replace(RUN, calls=(Step("main", at(2)),))
    verdict = one(backward_under_no_grad.RULE, called)
    assert [item.place.line for item in verdict.evidence] == [2, 3, 5, 6]
    unseen = one(backward_under_no_grad.RULE, replace(RUN, grad_place=None))
    assert [item.place.line for item in unseen.evidence] == [5, 6]


GIVEN = ModeMisgiven(at(9), module=NET, name="train", given="'eval'", calls=(Step("f", at(2)),))


@pytest.mark.parametrize(
    ("how", "words"),
    [("mistaken", "takes a bool"), ("unwanted", "no argument"), ("surplus", "one argument")],
)
def test_mode_argument(how: str, words: str) -> None:
    verdict = one(mode_argument.RULE, replace(GIVEN, how=how))
    assert "`net` is given 'eval'" in verdict.message
    assert words in verdict.message
    assert [item.place.line for item in verdict.evidence] == [2]


def test_a_module_that_is_only_shown_to_be_one() -> None:
    shown = replace(NET, type="")
    assert confidence(mode_argument.RULE, GIVEN) == CERTAIN
    assert confidence(mode_argument.RULE, replace(GIVEN, module=shown)) == LIKELY
