"""A module is called for inference while it is in train mode.

## Why is this bad?
A module starts in train mode and stays there until somebody calls `eval()`. In train mode,
dropout zeroes activations at random, so the same input gives other numbers at each call; batch
norm normalises with the statistics of the present batch, so a sample's result depends on its
neighbours, and each call shifts the running statistics that the network is saved with. Nothing
raises: accuracy is a few points off, predictions aren't repeatable, and test data leaks into
the network.

## Example
```python
import torch
from torch import nn

net = nn.Sequential(nn.Linear(16, 32), nn.BatchNorm1d(32), nn.Linear(32, 2))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
batches = [(torch.randn(8, 16), torch.randint(0, 2, (8,))) for _ in range(4)]

for inputs, labels in batches:
    loss = nn.functional.cross_entropy(net(inputs), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

correct = 0
for inputs, labels in batches:
    scores = net(inputs)  # error: [inference-without-eval]
    correct += (scores.argmax(dim=1) == labels).sum().item()
print(correct)
```

## Use instead
```python
import torch
from torch import nn

net = nn.Sequential(nn.Linear(16, 32), nn.BatchNorm1d(32), nn.Linear(32, 2))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
batches = [(torch.randn(8, 16), torch.randint(0, 2, (8,))) for _ in range(4)]

for inputs, labels in batches:
    loss = nn.functional.cross_entropy(net(inputs), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

net.eval()
correct = 0
with torch.no_grad():
    for inputs, labels in batches:
        scores = net(inputs)
        correct += (scores.argmax(dim=1) == labels).sum().item()
print(correct)
```

## When to ignore
When train mode is the point: Monte Carlo dropout, statistics of batch norm estimated anew,
adaptation to the test data, a detector whose `forward` returns losses only in train mode.
evalguard is silent where it sees the purpose: a function named for it, dropout layers switched
on one by one, a counted loop that only gathers what comes of the same input, results that are
thrown away batch after batch.

## Fix safety
Unsafe: `eval()` before the evaluation changes the numbers, which is the cure. Where the evaluation
stands in a loop that trains, `train()` is put after it. Gradients that turn out to be recorded for
nothing are turned off with it.

## Known limits
A module whose class can't be seen and a function whose callers can't be seen are reported as
`possible` only; so is one of unseen layers that is put in train mode for this very call, with
gradients on and no training in the function, as when a transform is fitted; and so is train mode
that the function itself chooses where another branch chooses eval mode. If nothing in view
sets the mode, it is reported only where the same run trains the module in it, and measures. Where
on one of the ways to the call the mode can't be seen, or is eval mode, but for the first round of a
loop, or where the results are thrown away, it is `possible` too. A network with neither dropout nor
batch norm is never reported: today both modes give the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterator

from evalguard.facts import Fact, Forward
from evalguard.finding import Severity
from evalguard.modes import Grad, Intent, Mode
from evalguard.repair import Action
from evalguard.rule import Rule, Verdict
from evalguard.rules._doubt import inference_in_train
from evalguard.rules._story import may_be, mending, named, spoils, switch, told


def check(fact: Fact) -> Iterator[Verdict]:
    """Is a module called for inference, with gradients on, while in train mode?"""
    if not isinstance(fact, Forward) or fact.grad == Grad.OFF or fact.intent is Intent.TARGET:
        return
    confidence = inference_in_train(fact)
    if confidence is None:
        return
    yield Verdict(
        fact.place,
        f"{named(fact.module)} {may_be(fact.mode, Mode.TRAIN)} in train mode in this inference: "
        f"{spoils(fact.module)}",
        confidence,
        told(fact),
        f"call {switch(fact.module, 'eval')} before it, and run it under `torch.no_grad()`",
        fix=mending(fact, Action.EVAL_BEFORE),
    )


RULE = Rule(
    code="EG101",
    name="inference-without-eval",
    severity=Severity.ERROR,
    since="0.1.0",
    page=__doc__,
    asks=Forward,
    check=check,
)
