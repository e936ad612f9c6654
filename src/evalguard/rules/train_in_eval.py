"""A training step runs on a module in eval mode.

## Why is this bad?
In eval mode dropout is off and batch norm normalises with its running statistics without
updating them, so the network is trained without the regularisation that its author put in, and
a fresh batch norm keeps statistics that belong to no data at all. It comes about where a factory
hands out its networks in eval mode (`from_pretrained` of Hugging Face does), where a checkpoint
loader evals what it loads, or where an evaluation ran before the training.

## Example
```python
import torch
from torch import nn

net = nn.Sequential(nn.Linear(16, 32), nn.BatchNorm1d(32), nn.Linear(32, 2))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
batches = [(torch.randn(8, 16), torch.randint(0, 2, (8,))) for _ in range(4)]


def load(path=None):
    if path is not None:
        net.load_state_dict(torch.load(path))
    net.eval()
    return net


model = load()
for inputs, labels in batches:
    scores = model(inputs)  # error: [train-in-eval]
    loss = nn.functional.cross_entropy(scores, labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
```

## Use instead
```python
import torch
from torch import nn

net = nn.Sequential(nn.Linear(16, 32), nn.BatchNorm1d(32), nn.Linear(32, 2))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
batches = [(torch.randn(8, 16), torch.randint(0, 2, (8,))) for _ in range(4)]


def load(path=None):
    if path is not None:
        net.load_state_dict(torch.load(path))
    net.eval()
    return net


model = load()
model.train()
for inputs, labels in batches:
    scores = model(inputs)
    loss = nn.functional.cross_entropy(scores, labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
```

## When to ignore
When fine-tuning in eval mode is the plan, as with small batches and a pretrained batch norm.
evalguard is silent when only some layers are in eval mode, when the module's parameters are
frozen (a teacher, a perceptual loss), and when the gradients wanted are those of the input.

## Fix safety
Unsafe: `train()` before the training changes how the network is trained.

## Known limits
Without an optimizer step in sight the finding is only `possible`: the module may be a fixed part
of a larger loss. So it is where callers that can't be seen may have switched the mode; Lightning
is one of them, whose `fit()` called `train()` before its version 2.2, and hasn't since. And so it
is where an option chooses eval mode before the training, or where another network is put in train
mode in the same breath: somebody asks for it. So it is of a network whose layers can't be seen: it
may be linear, or a fixed one that something else is trained against.
"""

from __future__ import annotations

from collections.abc import Iterator

from evalguard.facts import Fact, Forward, Purpose
from evalguard.finding import Confidence, Severity
from evalguard.modes import Grad, Intent, Mode, Sensitivity
from evalguard.repair import Action
from evalguard.rule import Rule, Verdict
from evalguard.rules._story import mending, named, origins_of, switch, told

_ON_PURPOSE = Purpose.INPUT_GRAD | Purpose.FINE_TUNED


def check(fact: Fact) -> Iterator[Verdict]:
    """Is a module trained in eval mode, with no loop to blame?"""
    if not isinstance(fact, Forward) or fact.loop is not None:
        return
    if fact.mode != Mode.EVAL or fact.mixed or fact.intent is not Intent.TRAINING:
        return
    if fact.module.frozen or fact.grad == Grad.OFF or fact.purpose & _ON_PURPOSE:
        return
    if fact.module.sensitive is Sensitivity.NO:
        return
    stepped = Purpose.STEP in fact.purpose and not fact.assumed
    asked = any(origin.how == "flag" for origin in origins_of(fact, Mode.EVAL))
    asked = asked or Purpose.SET_APART in fact.purpose
    sure = stepped and not asked and fact.module.sensitive is Sensitivity.YES
    yield Verdict(
        fact.place,
        f"{named(fact.module)} is in eval mode in this training step: "
        "dropout is off, and batch norm doesn't learn its statistics",
        Confidence.LIKELY if sure else Confidence.POSSIBLE,
        told(fact, (fact.backward, "the result is trained on here")),
        f"call {switch(fact.module, 'train')} before the training",
        fix=mending(fact, Action.TRAIN_BEFORE),
    )


RULE = Rule(
    code="EG104",
    name="train-in-eval",
    severity=Severity.WARNING,
    since="0.1.0",
    page=__doc__,
    asks=Forward,
    check=check,
)
