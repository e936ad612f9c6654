"""A module is constructed inside `forward`: never trained, and in train mode every time.

## Why is this bad?
Each call makes a new module, which starts in train mode and isn't a child of the network. A
dropout or batch norm made so can't be reached by `eval()`: predictions are random, or depend on
their batch. A layer with parameters gets fresh random ones at each call, which no optimizer
knows and no checkpoint keeps.

## Example
```python
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(16, 32)
        self.out = nn.Linear(32, 2)

    def forward(self, x):
        x = self.hidden(x).relu()
        x = nn.Dropout(0.5)(x)  # error: [module-in-forward]
        return self.out(x)


net = Net().eval()
x = torch.ones(1, 16)
with torch.no_grad():
    print(torch.equal(net(x), net(x)))
```

## Use instead
```python
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(16, 32)
        self.dropout = nn.Dropout(0.5)
        self.out = nn.Linear(32, 2)

    def forward(self, x):
        x = self.hidden(x).relu()
        x = self.dropout(x)
        return self.out(x)


net = Net().eval()
x = torch.ones(1, 16)
with torch.no_grad():
    print(torch.equal(net(x), net(x)))
```

## When to ignore
When the random layer is the point, as in a fixed random projection. Modules without parameters
that do the same in both modes (`nn.ReLU()`, `nn.Softmax(dim=1)`, losses) are only slower there,
and aren't reported; nor is a layer that is made once and kept on `self`.

## Fix safety
Unsafe: the module is made at the end of `__init__`, where its arguments are known there.
Checkpoints gain keys if it has parameters, and then it must be made once in each pass, come what
may.

## Known limits
A layer made by a helper function in another file, or several calls deep, may be missed. A parameter
that wants no gradient is taken for the constant that it is.
"""

from __future__ import annotations

from collections.abc import Iterator

from evalguard.facts import BuiltInForward, Fact
from evalguard.finding import Confidence, Severity
from evalguard.modes import Sensitivity
from evalguard.repair import Action, Repair
from evalguard.rule import Rule, Verdict


def check(fact: Fact) -> Iterator[Verdict]:
    """Is a module that has a mode or parameters made anew in each forward pass?"""
    if not isinstance(fact, BuiltInForward) or fact.kept:
        return
    faults = []
    if fact.sensitive is Sensitivity.YES:
        faults.append("is in train mode every time, out of reach of `eval()`")
    if fact.parameters:
        faults.append("has new parameters every time, which are never trained")
    if not faults:
        return
    yield Verdict(
        fact.place,
        f"`{fact.type}` is made anew at each forward pass: it {', and '.join(faults)}",
        Confidence.CERTAIN,
        help="make it in `__init__`, keep it on `self`, and call that",
        fix=Repair(Action.MAKE_ONCE, fact.place, False, fact.type, once=fact.parameters),
    )


RULE = Rule(
    code="EG302",
    name="module-in-forward",
    severity=Severity.ERROR,
    since="0.1.0",
    page=__doc__,
    asks=BuiltInForward,
    check=check,
)
