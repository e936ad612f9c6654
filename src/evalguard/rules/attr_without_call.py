"""`model.eval` or `model.train` stands without the call: nothing is switched.

## Why is this bad?
Without the parentheses the line looks up a method and drops it. The module stays in the mode it
was in, and what follows runs in the wrong one, silently.

## Example
```python
import torch
from torch import nn

net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 2))
net.eval  # error: [attr-without-call]
with torch.no_grad():
    print(net(torch.ones(1, 16)))
```

## Use instead
```python
import torch
from torch import nn

net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 2))
net.eval()
with torch.no_grad():
    print(net(torch.ones(1, 16)))
```

## When to ignore
Never: at best the line does nothing.

## Fix safety
Adding `()` is safe: it does what the line says. It is unsafe where nothing else shows that the
receiver is a module: the `train` of something else may do anything.

## Known limits
Passing the bound method on (`callbacks.append(net.eval)`) is right code and isn't reported.
"""

from __future__ import annotations

from collections.abc import Iterator

from evalguard.facts import Fact, SwitchNotCalled
from evalguard.finding import Confidence, Severity
from evalguard.repair import Action, Repair
from evalguard.rule import Rule, Verdict


def check(fact: Fact) -> Iterator[Verdict]:
    """Does a switch lack its call?"""
    if not isinstance(fact, SwitchNotCalled):
        return
    switch = f"{fact.module.text}.{fact.name}"
    yield Verdict(
        fact.place,
        f"`{switch}` isn't called: the mode of `{fact.module.text}` doesn't change",
        Confidence.CERTAIN if fact.module.shown else Confidence.LIKELY,
        help=f"write `{switch}()`",
        fix=Repair(Action.ADD_CALL, fact.place, fact.module.shown),
    )


RULE = Rule(
    code="EG401",
    name="attr-without-call",
    severity=Severity.ERROR,
    since="0.1.0",
    page=__doc__,
    asks=SwitchNotCalled,
    check=check,
)
