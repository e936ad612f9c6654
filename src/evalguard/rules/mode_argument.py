"""`eval()` or `train()` is given something that is no mode.

## Why is this bad?
`eval()` takes no argument at all, and `train(mode)` takes a bool. `model.eval(True)` raises a
`TypeError`; `model.train("eval")` and `model.train(0.0)` raise a `ValueError`. Where a version of
PyTorch, or a `train` of the project's own, doesn't look at the type, it is worse: the word `"eval"`
is true, so that `train("eval")` puts the model in train mode.

## Example
```python
import torch
from torch import nn

net = nn.Sequential(nn.Linear(16, 32), nn.Dropout(0.5), nn.Linear(32, 2))
net.train("eval")  # error: [mode-argument]
with torch.no_grad():
    print(net(torch.ones(1, 16)))
```

## Use instead
```python
import torch
from torch import nn

net = nn.Sequential(nn.Linear(16, 32), nn.Dropout(0.5), nn.Linear(32, 2))
net.eval()
with torch.no_grad():
    print(net(torch.ones(1, 16)))
```

## When to ignore
When `train` or `eval` isn't PyTorch's. evalguard reports only what it has seen to be a module,
and whose class doesn't define a `train` or `eval` of another kind.

## Fix safety
`net.eval(True)` becomes `net.eval()`, which is safe: the line raises as it is. It is unsafe where
nothing but its use shows that `net` is a module, and isn't made in a `try`, which may be there for
that exception. What other arguments were meant for is plain for a reader, and a guess for a tool:
no fix.

## Known limits
A flag whose value can't be seen isn't judged.
"""

from __future__ import annotations

from collections.abc import Iterator

from evalguard.facts import Fact, ModeMisgiven
from evalguard.finding import Confidence, Evidence, Severity
from evalguard.repair import Action, Repair
from evalguard.rule import Rule, Verdict
from evalguard.rules._story import named

_HOWS = {
    "unwanted": "`eval()` takes no argument, so that this raises a TypeError",
    "surplus": "`train()` takes one argument, `mode`, so that this raises a TypeError",
    "mistaken": "`train()` takes a bool, and raises a ValueError (or takes it for true or false)",
}


def check(fact: Fact) -> Iterator[Verdict]:
    """Is a switch of a module given what is no mode?"""
    if not isinstance(fact, ModeMisgiven):
        return
    yield Verdict(
        fact.place,
        f"{named(fact.module)} is given {fact.given} for its mode: {_HOWS[fact.how]}",
        Confidence.CERTAIN if fact.module.type else Confidence.LIKELY,
        tuple(
            Evidence(step.place, f"`{step.function}` is called from here") for step in fact.calls
        ),
        "write `.eval()` for eval mode, `.train()` for train mode, or `.train(flag)` with a bool",
        _repair(fact),
    )


def _repair(fact: ModeMisgiven) -> Repair | None:
    if fact.how != "unwanted" or fact.given != "True":
        return None
    return Repair(Action.DROP_ARGUMENT, fact.place, bool(fact.module.type))


RULE = Rule(
    code="EG403",
    name="mode-argument",
    severity=Severity.ERROR,
    since="0.1.0",
    page=__doc__,
    asks=ModeMisgiven,
    check=check,
)
