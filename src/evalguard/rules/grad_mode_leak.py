"""Gradients are switched off by a statement, and are still off where training starts.

## Why is this bad?
`torch.set_grad_enabled(False)` as a statement (or a `no_grad()` entered by hand) acts at once and
for good: at the end of the function that calls it, gradients stay off in the whole thread. What
comes next and means to train builds no graph. Where the loss needs no gradient at all, `backward()`
raises, far away from the cause; where only a part of the network ran with gradients off, that part
is silently not trained.

## Example
```python
import torch
from torch import nn

net = nn.Linear(16, 2)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
batches = [(torch.randn(8, 16), torch.randint(0, 2, (8,))) for _ in range(4)]


def accuracy():
    torch.set_grad_enabled(False)  # error: [grad-mode-leak]
    right = sum((net(x).argmax(1) == y).sum().item() for x, y in batches)
    return right / 32


print(accuracy())
for inputs, labels in batches:
    loss = nn.functional.cross_entropy(net(inputs), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
```

## Use instead
```python
import torch
from torch import nn

net = nn.Linear(16, 2)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
batches = [(torch.randn(8, 16), torch.randint(0, 2, (8,))) for _ in range(4)]


def accuracy():
    with torch.no_grad():
        right = sum((net(x).argmax(1) == y).sum().item() for x, y in batches)
    return right / 32


print(accuracy())
for inputs, labels in batches:
    loss = nn.functional.cross_entropy(net(inputs), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
```

## When to ignore
When the program only predicts, and the statement stands at its start: there it is right, and
evalguard is silent unless it sees training follow. In a library function it is reported whoever
calls it, as a caller doesn't expect gradients to be off after the call.

## Fix safety
Which lines the `with` block should hold is the author's to say. There is no fix by itself.

## Known limits
Gradients that are switched on again by a function that can't be seen aren't known to be on.
"""

from __future__ import annotations

from collections.abc import Iterator

from evalguard.facts import Fact, GradModeLeft
from evalguard.finding import Confidence, Evidence, Severity
from evalguard.rule import Rule, Verdict


def check(fact: Fact) -> Iterator[Verdict]:
    """Do gradients stay off for somebody who needs them?"""
    if not isinstance(fact, GradModeLeft) or not (fact.training or fact.library):
        return
    switch = f"`{fact.text or 'torch.set_grad_enabled(False)'}`"
    trained = fact.training is not None
    victim = "where training starts" if trained else "when this function has returned to its caller"
    yield Verdict(
        fact.place,
        f"{switch} is still in force {victim}: gradients are off until somebody turns them on",
        Confidence.CERTAIN if trained else Confidence.LIKELY,
        tuple(_story(fact)),
        "use `with torch.no_grad():` around the lines it was meant for",
    )


def _story(fact: GradModeLeft) -> Iterator[Evidence]:
    for step in fact.calls:
        yield Evidence(step.place, f"`{step.function}` is called from here")
    if fact.training is not None:
        yield Evidence(fact.training, "this training step runs with gradients off")


RULE = Rule(
    code="EG203",
    name="grad-mode-leak",
    severity=Severity.ERROR,
    since="0.1.0",
    page=__doc__,
    asks=GradModeLeft,
    check=check,
)
