"""A backward pass of what was computed with gradients off: there is no graph, and it raises.

## Why is this bad?
Under `torch.no_grad()` nothing is recorded, so the loss doesn't know what it was computed from.
`loss.backward()` then raises a `RuntimeError` that says that the tensor does not require grad, and
has no `grad_fn`. Nothing is trained. Mostly a training step has slipped into the block, or the
decorator, of an evaluation.

## Example
```python
import torch
from torch import nn

net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)


@torch.no_grad()
def step(inputs, labels):
    loss = nn.functional.cross_entropy(net(inputs), labels)
    optimizer.zero_grad()
    loss.backward()  # error: [backward-under-no-grad]
    optimizer.step()


step(torch.randn(8, 16), torch.randint(0, 2, (8,)))
```

## Use instead
```python
import torch
from torch import nn

net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)


def step(inputs, labels):
    loss = nn.functional.cross_entropy(net(inputs), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


step(torch.randn(8, 16), torch.randint(0, 2, (8,)))
```

## When to ignore
When the error is what is wanted, as in a test. The backward pass itself may well run under
`no_grad`, if the forward pass was recorded: that is legal, and evalguard is silent.

## Fix safety
Which of the two was meant, the training or the `no_grad`, is the author's to say. Not applied by
itself.

## Known limits
Only what a module has computed is followed: a loss made of bare tensors, or by a single `nn.Linear`
that is the whole network, isn't seen to lack a graph.
"""

from __future__ import annotations

from collections.abc import Iterator

from evalguard.facts import Backward, Fact
from evalguard.finding import Confidence, Evidence, Severity
from evalguard.modes import Grad
from evalguard.rule import Rule, Verdict


def check(fact: Fact) -> Iterator[Verdict]:
    """Do the forward and the backward pass both run with gradients off?"""
    if not isinstance(fact, Backward) or fact.graph != Grad.OFF:
        return
    yield Verdict(
        fact.place,
        f"`{fact.text}` raises: gradients are off, and were off in the forward pass, so that "
        "there is no graph",
        Confidence.CERTAIN,
        tuple(_story(fact)),
        "take the training step out of the scope of `no_grad`, or put all of it in "
        "`with torch.enable_grad():`",
    )


def _story(fact: Backward) -> Iterator[Evidence]:
    for step in fact.calls:
        yield Evidence(step.place, f"`{step.function}` is called from here")
    if fact.grad_place is not None:
        yield Evidence(fact.grad_place, "gradients are off from here")
    for place in fact.forwards:
        yield Evidence(place, "this forward pass isn't recorded")


RULE = Rule(
    code="EG202",
    name="backward-under-no-grad",
    severity=Severity.ERROR,
    since="0.1.0",
    page=__doc__,
    asks=Backward,
    check=check,
)
