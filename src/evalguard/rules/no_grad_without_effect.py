"""A spelling of `no_grad` that leaves gradients on, or raises.

## Why is this bad?
`torch.no_grad()` makes an object that acts in a `with` statement or as a decorator. Standing
alone it makes the object and drops it: the lines below it go on recording. Written as
`with torch.no_grad:`, without the call, it raises a `TypeError`. On an `async def` it is left as
soon as the coroutine object exists, before the body runs; on a class it covers only the making
of instances. A generator or generator expression made under `no_grad` runs later, when it is
consumed, with the gradients of that moment.

## Example
```python
import torch
from torch import nn

net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 2))
net.eval()
torch.no_grad()  # error: [no-grad-without-effect]
scores = net(torch.ones(1, 16))
print(scores.requires_grad)
```

## Use instead
```python
import torch
from torch import nn

net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 2))
net.eval()
with torch.no_grad():
    scores = net(torch.ones(1, 16))
print(scores.requires_grad)
```

## When to ignore
Never: at best the line does nothing.

## Fix safety
`with torch.no_grad:` gets its call safely, as it raises without. Unsafe: a bare `torch.no_grad()`
becomes a `with` around the rest of its block, if nothing is trained or defined there; only the
author knows which lines it was meant for. The other spellings have no fix.

## Known limits
`torch.set_grad_enabled(False)` as a statement does have an effect, and isn't reported here.
"""

from __future__ import annotations

from collections.abc import Iterator

from evalguard.facts import Fact, GradSwitchIdle
from evalguard.finding import Confidence, Severity
from evalguard.repair import Action, Repair
from evalguard.rule import Rule, Verdict

_WAYS = {
    "statement": (
        "stands alone: gradients stay on",
        "use `with {text}:` around the lines it was meant for, or `@{text}` on the function",
    ),
    "reference": (
        "is named but not used: gradients stay on",
        "use `with {text}():` around the lines it was meant for",
    ),
    "uncalled": ("is a class, not a context manager: this raises a TypeError", "add the `()`"),
    "async": (
        "is over before the body of an `async` function runs: gradients stay on",
        "use `with {text}:` inside the function",
    ),
    "class": (
        "covers only the making of instances: gradients stay on in methods",
        "decorate the methods",
    ),
    "lazy": (
        "is over when this generator runs: gradients are on again",
        "consume the generator inside the block, for example with `list(...)`",
    ),
}
_OTHER = ("has no effect here: gradients stay on", "use it in a `with` statement")


def check(fact: Fact) -> Iterator[Verdict]:
    """Does a `no_grad` change nothing?"""
    if not isinstance(fact, GradSwitchIdle):
        return
    effect, cure = _WAYS.get(fact.how, _OTHER)
    yield Verdict(
        fact.place,
        f"`{fact.text}` {effect}",
        Confidence.CERTAIN,
        help=cure.format(text=fact.text),
        fix=_repair(fact),
    )


def _repair(fact: GradSwitchIdle) -> Repair | None:
    if fact.how == "uncalled":
        return Repair(Action.ADD_CALL, fact.place, True, fact.text)
    if fact.how in ("statement", "reference"):
        return Repair(Action.NO_GRAD_BELOW, fact.place, False, fact.text)
    return None


RULE = Rule(
    code="EG204",
    name="no-grad-without-effect",
    severity=Severity.ERROR,
    since="0.1.0",
    page=__doc__,
    asks=GradSwitchIdle,
    check=check,
)
