"""Modules are kept in a plain list, dict or tuple, where `eval()` doesn't find them.

## Why is this bad?
A module knows the modules that are attributes of it, and those in an `nn.ModuleList` or
`nn.ModuleDict`. It doesn't look into Python's own containers. What is kept there is missed by
`eval()` and `train()`, so its dropout stays on in evaluation; by `parameters()`, so an optimizer
doesn't train it; by `to()` and `cuda()`; and by `state_dict()`, so a checkpoint comes without it.

## Example
```python
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = [  # error: [hidden-module]
            nn.Linear(16, 16),
            nn.Dropout(0.5),
        ]
        self.out = nn.Linear(16, 2)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.out(x)


net = Net().eval()
x = torch.ones(1, 16)
with torch.no_grad():
    print(torch.equal(net(x), net(x)), len(list(net.parameters())))
```

## Use instead
```python
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(16, 16), nn.Dropout(0.5)])
        self.out = nn.Linear(16, 2)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.out(x)


net = Net().eval()
x = torch.ones(1, 16)
with torch.no_grad():
    print(torch.equal(net(x), net(x)), len(list(net.parameters())))
```

## When to ignore
When modules are hidden on purpose, from the checkpoint or the optimizer: a teacher, or a fixed
network for a loss. evalguard is silent for a container of one, which is the usual way to say so,
where the class switches the modules itself, and where they are registered elsewhere too, by
`add_module`, as attributes or in a `ModuleList`, or where the layers are that they are made of.

## Fix safety
Unsafe: `nn.ModuleList(...)` gives the checkpoint new keys and the optimizer new parameters, and an
old checkpoint no longer loads with `strict=True`. There is no fix where something other than
modules may be kept, where the container is used as only a list or dict can be, or where it is set
before `super().__init__()`: modules can't be assigned there.

## Known limits
A list that gets its modules outside of the class isn't seen.
"""

from __future__ import annotations

from collections.abc import Iterator

from evalguard.facts import Fact, HiddenModules
from evalguard.finding import Confidence, Severity
from evalguard.modes import Sensitivity
from evalguard.repair import Action, Repair
from evalguard.rule import Rule, Verdict


def check(fact: Fact) -> Iterator[Verdict]:
    """Are modules kept where their parent doesn't find them?"""
    if not isinstance(fact, HiddenModules) or fact.registered or fact.switched or fact.single:
        return
    known = fact.sensitive is Sensitivity.YES
    missed = "`parameters()` and `to()` miss them"
    mode = "`eval()` doesn't reach them, and " if fact.sensitive is not Sensitivity.NO else ""
    cure = "nn.ModuleDict" if fact.kind == "dict" else "nn.ModuleList"
    first = "set it after `super().__init__()`, and " if fact.early else ""
    yield Verdict(
        fact.place,
        f"`{fact.attribute}` keeps modules in a plain {fact.kind}, which isn't searched for them: "
        f"{mode}{missed}",
        Confidence.CERTAIN if known else Confidence.LIKELY,
        help=f"{first}use `{cure}` in place of the {fact.kind}",
        fix=None
        if fact.mixed or fact.early
        else Repair(Action.REGISTER, fact.place, False, cure, fact.attribute),
    )


RULE = Rule(
    code="EG303",
    name="hidden-module",
    severity=Severity.ERROR,
    since="0.1.0",
    page=__doc__,
    asks=HiddenModules,
    check=check,
)
