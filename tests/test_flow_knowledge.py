"""A user's own tables at work: each kind of record, in a program that needs it."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import dedent

import pytest

from evalguard.facts import Fact, Forward, Revealed
from evalguard.flow import flow
from evalguard.knowledge import load
from evalguard.link import link
from evalguard.lower import lower
from evalguard.modes import Grad, Intent, Mode
from evalguard.source import from_text

Tables = Mapping[str, Mapping[str, Mapping[str, object]]]
HEAD = """
import mylib
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        return self.drop(x)

"""


def facts(program: str, tables: Tables) -> tuple[Fact, ...]:
    text = HEAD + dedent(program)
    return flow(link([lower(from_text(text, "main.py"))], load().extended(tables)))


def revealed(program: str, tables: Tables) -> list[str]:
    return [fact.text for fact in facts(program, tables) if isinstance(fact, Revealed)]


def forwards(program: str, tables: Tables) -> list[Forward]:
    return [fact for fact in facts(program, tables) if isinstance(fact, Forward)]


TRAINER = """
net = Net()
trainer = mylib.Trainer(loader, net)
trainer.evaluate()
reveal_mode(net)
reveal_mode(trainer.model)
"""
HOOKS = """
class Log(mylib.Callback):
    def on_validation(self, trainer, module):
        reveal_mode(module)
"""
CASES: dict[str, tuple[str, Tables, list[str]]] = {
    "a factory": (
        "net = mylib.load()\nreveal_mode(net)",
        {"factories": {"mylib.load": {"mode": "eval", "sensitive": "yes"}}},
        ["eval"],
    ),
    "a wrapper that switches": (
        "net = Net()\nother = mylib.wrap(net)\nreveal_mode(net)",
        {"wrappers": {"mylib.wrap": {"argument": "net", "position": 0, "mode": "eval"}}},
        ["eval"],
    ),
    "a wrapper's attribute": (
        "net = Net()\nnet.eval()\nreveal_mode(mylib.Wrap(net)._net)",
        {
            "wrappers": {"mylib.Wrap": {"argument": "net", "position": 0}},
            "module_attributes": {"_net": {"returns": "self"}},
        },
        ["eval"],
    ),
    "a switch": (
        "net = Net()\nmylib.freeze(net)\nreveal_mode(net)",
        {"switches": {"mylib.freeze": {"argument": "net", "position": 0, "mode": "eval"}}},
        ["eval"],
    ),
    "a switch that doesn't apply": (
        """
        net = Net()
        mylib.freeze(net, False)
        reveal_mode(net)
        mylib.freeze(net)
        reveal_mode(net)
        """,
        {
            "switches": {
                "mylib.freeze": {
                    "argument": "net",
                    "position": 0,
                    "mode": "eval",
                    "unless": [{"arg": "really", "position": 1, "equals": False}],
                }
            }
        },
        ["train", "eval"],
    ),
    "a trainer that holds the module": (
        TRAINER,
        {
            "switches": {
                "mylib.Trainer.evaluate": {
                    "argument": "model",
                    "position": 1,
                    "held": True,
                    "mode": "eval",
                }
            }
        },
        ["eval", "eval"],
    ),
    "a trainer's subclass": (
        """
        class Mine(mylib.Trainer):
            def __init__(self, net):
                super().__init__(model=net)

            def run(self):
                self.evaluate()

        net = Net()
        Mine(net).run()
        reveal_mode(net)
        """,
        {
            "bases": {"mylib.Trainer": {"module": False}},
            "switches": {
                "mylib.Trainer.evaluate": {"argument": "model", "held": True, "mode": "eval"}
            },
        },
        ["eval"],
    ),
    "a root's mode for all parts": (
        """
        net = Net()
        net.drop.eval()
        mylib.summary(net)
        reveal_mode(net.drop)
        """,
        {
            "switches": {
                "mylib.summary": {
                    "argument": "net",
                    "position": 0,
                    "restores": True,
                    "flattens": True,
                }
            }
        },
        ["train"],
    ),
    "a context manager": (
        """
        net = Net()
        with mylib.evaluating(net):
            reveal_mode(net)
        reveal_mode(net)
        """,
        {
            "contexts": {
                "mylib.evaluating": {
                    "grad": "off",
                    "mode": "eval",
                    "target": "net",
                    "target_position": 0,
                }
            }
        },
        ["eval, no grad", "train"],
    ),
    "a context manager that locks": (
        """
        net = Net()
        with mylib.frozen(), torch.enable_grad():
            reveal_mode(net)
        """,
        {"contexts": {"mylib.frozen": {"grad": "off", "locks": True}}},
        ["train, no grad"],
    ),
    "a hook's parameter": (
        HOOKS,
        {
            "bases": {"mylib.Callback": {"module": False}},
            "hooks": {
                "mylib.Callback": {
                    "methods": {
                        "on_validation": {
                            "mode": "eval",
                            "grad": "off",
                            "module": "net",
                            "position": 1,
                        }
                    }
                }
            },
        },
        ["eval, no grad"],
    ),
    "a method of every module": (
        "net = Net()\nnet.to_eval()\nreveal_mode(net)",
        {"module_methods": {"to_eval": {"returns": "self", "effect": "eval"}}},
        ["eval"],
    ),
    "a decorator": (
        """
        class Holder:
            @mylib.lazy
            def net(self):
                return Net().eval()

        reveal_mode(Holder().net)
        """,
        {"decorators": {"lazy": {"role": "property"}}},
        ["eval"],
    ),
    "a function that never returns": (
        """
        net = Net()
        if flag:
            net.eval()
            mylib.stop()
        reveal_mode(net)
        """,
        {"values": {"mylib.stop": {"effect": "exits"}}},
        ["train"],
    ),
}


@pytest.mark.parametrize("case", sorted(CASES))
def test_a_users_table_is_followed(case: str) -> None:
    program, tables, expected = CASES[case]
    assert revealed(program, tables) == expected
    assert revealed(program, {}) != expected


def test_a_caller_makes_a_forward_pass() -> None:
    program = "net = Net()\nmylib.apply(1, net, 2)"
    (fact,) = forwards(program, {"callers": {"mylib.apply": {"argument": "net", "position": 1}}})
    assert (fact.module.text, fact.mode) == ("net", Mode.TRAIN)
    assert forwards(program, {}) == []


def test_what_only_keeps_a_function_does_not_call_it() -> None:
    program = "net = Net()\nmylib.keep(lambda: net.eval())\nreveal_mode(net)"
    assert revealed(program, {}) == ["eval"]
    assert revealed(program, {"callers": {"mylib.keep": {"calls": False}}}) == ["train"]


def test_a_hook_whose_result_is_trained_on() -> None:
    program = """
    class Task(mylib.Task):
        def __init__(self):
            super().__init__()
            self.net = Net()

        def step(self, x):
            with torch.enable_grad():
                return self.net(x)
    """
    hooks = {"mode": "train", "grad": "on", "trains": True}
    tables: Tables = {
        "bases": {"mylib.Task": {"module": True}},
        "hooks": {"mylib.Task": {"methods": {"step": hooks}}},
    }
    (fact,) = [fact for fact in forwards(program, tables) if fact.module.text == "self.net"]
    assert (fact.intent, fact.grad) == (Intent.TRAINING, Grad.ON)


def test_keywords_that_speak_of_gradients() -> None:
    program = "net = Net()\nnet(mylib.tensor(offline=True))"
    (fact,) = forwards(program, {"keywords": {"offline": {"effect": "no_gradient"}}})
    assert Grad.OFF in fact.grad
    (fact,) = forwards(program, {})
    assert fact.grad == Grad.ON


def test_an_annotation_tells_what_is_in_a_sequence() -> None:
    program = """
    def evaluate(nets: mylib.NetList[Net]):
        for net in nets:
            reveal_mode(net)
            net.eval()
            reveal_mode(net)
    """
    tables: Tables = {"bases": {"mylib.NetList": {"module": False, "sequence": True}}}
    facts_ = [fact for fact in facts(program, tables) if isinstance(fact, Revealed)]
    assert {fact.module.type for fact in facts_} == {"Net"}


def test_frozen_by_a_library() -> None:
    program = """
    class Task(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = Net()
            mylib.freeze(self.net)

        def forward(self, x):
            return self.net(x)

    task = Task()
    task(1).backward()
    """
    tables: Tables = {
        "switches": {"mylib.freeze": {"argument": "n", "position": 0, "freezes": True}}
    }
    assert any(fact.module.frozen for fact in forwards(program, tables))
    assert not any(fact.module.frozen for fact in forwards(program, {}))
