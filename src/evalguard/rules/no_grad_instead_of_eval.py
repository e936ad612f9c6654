"""A module in train mode is called under `no_grad`, which doesn't put it in eval mode.

## Why is this bad?
`torch.no_grad()` and `torch.inference_mode()` stop autograd from recording, and that is all.
They don't touch the mode of a module: dropout still zeroes activations at random, batch norm
still normalises with the statistics of the present batch, and still writes them into its
running statistics, also under `no_grad`. Only `eval()` changes that. The two are about
different things, and an evaluation wants both.

## Example
```python
import torch
from torch import nn

net = nn.Sequential(nn.Linear(16, 32), nn.Dropout(0.5), nn.Linear(32, 2))
net.train()
batches = [torch.randn(8, 16) for _ in range(4)]

answers = []
with torch.no_grad():
    for inputs in batches:
        scores = net(inputs)  # error: [no-grad-instead-of-eval]
        answers.extend(scores.argmax(dim=1).tolist())
print(answers)
```

## Use instead
```python
import torch
from torch import nn

net = nn.Sequential(nn.Linear(16, 32), nn.Dropout(0.5), nn.Linear(32, 2))
net.eval()
batches = [torch.randn(8, 16) for _ in range(4)]

answers = []
with torch.no_grad():
    for inputs in batches:
        scores = net(inputs)
        answers.extend(scores.argmax(dim=1).tolist())
print(answers)
```

## When to ignore
When the pass is made for its side effect on batch norm (statistics estimated anew), when random
answers are wanted (Monte Carlo dropout), or when a target for the training step is computed in
train mode on purpose, as in some momentum-encoder and pseudo-label methods. The last is reported
as `possible` only.

## Fix safety
Unsafe: `eval()` before the evaluation changes the numbers, which is the cure. Where the evaluation
stands in a loop that trains, `train()` is put after it; where another function trains, see
`never-back-to-train`.

## Known limits
Where the same call runs with gradients on and off, depending on a flag, it is judged by
`inference-without-eval`.
"""

from __future__ import annotations

from collections.abc import Iterator

from evalguard.facts import Fact, Forward
from evalguard.finding import Severity
from evalguard.modes import Grad, Mode
from evalguard.repair import Action
from evalguard.rule import Rule, Verdict
from evalguard.rules._doubt import inference_in_train
from evalguard.rules._story import gradients_off, may_be, mending, named, spoils, switch, told


def check(fact: Fact) -> Iterator[Verdict]:
    """Was `no_grad` taken for `eval`?"""
    if not isinstance(fact, Forward) or fact.grad != Grad.OFF:
        return
    confidence = inference_in_train(fact)
    if confidence is None:
        return
    yield Verdict(
        fact.place,
        f"{named(fact.module)} {may_be(fact.mode, Mode.TRAIN)} in train mode: gradients are off "
        f"here, but that stops only autograd; {spoils(fact.module)}",
        confidence,
        told(fact, gradients_off(fact)),
        f"call {switch(fact.module, 'eval')} before it; `no_grad` doesn't switch modules",
        fix=mending(fact, Action.EVAL_BEFORE),
    )


RULE = Rule(
    code="EG102",
    name="no-grad-instead-of-eval",
    severity=Severity.ERROR,
    since="0.1.0",
    page=__doc__,
    asks=Forward,
    check=check,
)
