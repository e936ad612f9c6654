"""A module is trained in eval mode because an evaluation in the same loop left it there.

## Why is this bad?
The first round trains as it should. Then the validation calls `eval()`, nobody calls `train()`
again, and from the second round on dropout is off and batch norm neither uses nor updates the
statistics of the batches: the network overfits, its running statistics are those of the first
round, and the learning curve has a kink that looks like a matter of the learning rate.

## Example
```python
import torch
from torch import nn

net = nn.Sequential(nn.Linear(16, 32), nn.BatchNorm1d(32), nn.Linear(32, 2))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
batches = [(torch.randn(8, 16), torch.randint(0, 2, (8,))) for _ in range(4)]


def validate():
    net.eval()
    with torch.no_grad():
        return sum((net(x).argmax(1) == y).sum().item() for x, y in batches)


net.train()
for epoch in range(3):
    for inputs, labels in batches:
        scores = net(inputs)  # error: [never-back-to-train]
        loss = nn.functional.cross_entropy(scores, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, validate())
```

## Use instead
```python
import torch
from torch import nn

net = nn.Sequential(nn.Linear(16, 32), nn.BatchNorm1d(32), nn.Linear(32, 2))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
batches = [(torch.randn(8, 16), torch.randint(0, 2, (8,))) for _ in range(4)]


def validate():
    net.eval()
    with torch.no_grad():
        return sum((net(x).argmax(1) == y).sum().item() for x, y in batches)


for epoch in range(3):
    net.train()
    for inputs, labels in batches:
        scores = net(inputs)
        loss = nn.functional.cross_entropy(scores, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, validate())
```

## When to ignore
When the network is meant to be fine-tuned in eval mode after a warm-up in train mode. Say so
with an `eval()` of its own right before the training loop.

## Fix safety
Unsafe: `train()` after the evaluation, at the top of the loop or where the function that trains
starts changes how the network is trained, which is the cure. A `train()` that stands right before
the loop is moved into it.

## Known limits
The evaluation must be seen to run in the same loop. One that a framework calls through a
callback may be missed. Where something that isn't seen may set the mode on the way, the finding is
only `possible`.
"""

from __future__ import annotations

from collections.abc import Iterator

from evalguard.facts import Fact, Forward, Purpose
from evalguard.finding import Confidence, Severity
from evalguard.modes import Grad, Intent, Mode, Sensitivity
from evalguard.repair import Action
from evalguard.rule import Rule, Verdict
from evalguard.rules._story import may_be, mending, named, next_round, origins_of, switch, told


def check(fact: Fact) -> Iterator[Verdict]:
    """Does a loop's later round train in the eval mode that an earlier one left?"""
    if not isinstance(fact, Forward) or fact.loop is None or fact.intent is not Intent.TRAINING:
        return
    if Mode.EVAL not in fact.mode or fact.mixed or fact.module.sensitive is Sensitivity.NO:
        return
    if fact.module.frozen or fact.grad == Grad.OFF or Purpose.INPUT_GRAD in fact.purpose:
        return
    if not any(origin.how == "switched" for origin in origins_of(fact, Mode.EVAL)):
        return
    be = may_be(fact.later or fact.mode, Mode.EVAL)
    yield Verdict(
        fact.place,
        f"{named(fact.module)} {be} in eval mode in this training step "
        "from the second round on: nothing puts it back in train mode after the evaluation",
        _sure(fact),
        told(fact, next_round(fact)),
        f"call {switch(fact.module, 'train')} at the top of the loop, or after the evaluation",
        fix=mending(fact, Action.TRAIN_EACH_ROUND),
    )


def _sure(fact: Forward) -> Confidence:
    """Without an optimizer step in sight, the backward pass may only read gradients."""
    later = fact.later or fact.mode
    if Purpose.STEP not in fact.purpose or Mode.UNSEEN in later:
        return Confidence.POSSIBLE
    everywhere = later == Mode.EVAL and fact.module.surely
    return Confidence.CERTAIN if everywhere else Confidence.LIKELY


RULE = Rule(
    code="EG103",
    name="never-back-to-train",
    severity=Severity.ERROR,
    since="0.1.0",
    page=__doc__,
    asks=Forward,
    check=check,
)
