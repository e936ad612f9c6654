"""An inference in eval mode runs with autograd recording, for nothing.

## Why is this bad?
The numbers are right: this is waste, hence a note. `eval()` switches layers, it doesn't switch
autograd off, so each forward pass keeps all its intermediate results for a backward pass that
never comes. That costs time and often several times the memory; where a loop adds up losses as
tensors, it holds the graphs of all batches until memory runs out.

## Example
```python
import torch
from torch import nn

net = nn.Sequential(nn.Linear(16, 32), nn.Dropout(0.5), nn.Linear(32, 2))
batches = [(torch.randn(8, 16), torch.randint(0, 2, (8,))) for _ in range(4)]

net.eval()
correct = 0
for inputs, labels in batches:
    scores = net(inputs)  # error: [eval-without-no-grad]
    correct += (scores.argmax(dim=1) == labels).sum().item()
print(correct)
```

## Use instead
```python
import torch
from torch import nn

net = nn.Sequential(nn.Linear(16, 32), nn.Dropout(0.5), nn.Linear(32, 2))
batches = [(torch.randn(8, 16), torch.randint(0, 2, (8,))) for _ in range(4)]

net.eval()
correct = 0
with torch.no_grad():
    for inputs, labels in batches:
        scores = net(inputs)
        correct += (scores.argmax(dim=1) == labels).sum().item()
print(correct)
```

## When to ignore
When gradients of the input are wanted: saliency maps, attacks, style transfer, gradient
penalties. evalguard is silent where it sees them. On a single small forward the waste is small.

## Fix safety
Unsafe: with `with torch.no_grad():` around the evaluation, a result that is differentiated later,
in code that evalguard can't see, no longer can be. There is no fix where the same call trains, too.

## Known limits
A caller that can't be seen may have switched gradients off. Results that leave what can be seen
are reported as `possible` only, and so are calls of what can't be seen, if some modules of the
project take gradients in their `forward`.
"""

from __future__ import annotations

from collections.abc import Iterator

from evalguard.facts import Fact, Forward, Purpose
from evalguard.finding import Confidence, Severity
from evalguard.modes import Grad, Intent, Mode
from evalguard.repair import Action
from evalguard.rule import Rule, Verdict
from evalguard.rules._story import mending, named, origins_of, told

_NUMBERS = Purpose.MEASURED | Purpose.EVALUATION
_NOT_WASTE = Purpose.INPUT_GRAD | Purpose.SHAPE | Purpose.UNIT_TEST
_NOT_WASTE |= Purpose.ALSO_TRAINED | Purpose.ADAPTS | Purpose.PREPARES
_SET = {"switched", "flag", "loaded", "hook"}


def check(fact: Fact) -> Iterator[Verdict]:
    """Does a pure inference record gradients?"""
    if not isinstance(fact, Forward) or fact.intent is not Intent.INFERENCE:
        return
    if fact.mode != Mode.EVAL or fact.grad != Grad.ON or fact.module.frozen or _wanted(fact):
        return
    if not any(origin.how in _SET for origin in origins_of(fact, Mode.EVAL)):
        return
    sure = Confidence.LIKELY if fact.caller_unseen else Confidence.CERTAIN
    counts = fact.purpose & (_NUMBERS | Purpose.STEP) and Purpose.MAY_ADAPT not in fact.purpose
    yield Verdict(
        fact.place,
        f"{named(fact.module)} is called for inference with gradients recording: "
        "memory and time for a backward pass that never comes",
        sure if counts else Confidence.POSSIBLE,
        told(fact),
        "wrap the evaluation in `with torch.no_grad():`",
        fix=mending(fact, Action.NO_GRAD_AROUND),
    )


def _wanted(fact: Forward) -> bool:
    """Gradients are the point, or it is one call for a shape or a trial."""
    if fact.purpose & _NOT_WASTE:
        return True
    once = Purpose.IN_LOADER_LOOP not in fact.purpose
    if once and Purpose.DUMMY in fact.purpose and Purpose.STEP not in fact.purpose:
        return True
    return Purpose.DISCARDED in fact.purpose and not fact.purpose & (
        Purpose.EVALUATION | Purpose.STEP
    )


RULE = Rule(
    code="EG201",
    name="eval-without-no-grad",
    severity=Severity.NOTE,
    since="0.1.0",
    page=__doc__,
    asks=Forward,
    check=check,
)
