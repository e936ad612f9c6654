"""A module overrides `train` or `eval` in a way that breaks switching.

## Why is this bad?
`eval()` is nothing but `train(False)`, and it goes down to the children by calling the `train` of
each with that one argument. So a `train` of one's own must take the mode, hand it on and return
`self`. One that takes no mode raises a `TypeError` when anybody calls `eval()`, on it or on
whatever holds it; one that runs the training loop starts a training then. One that calls
`super().train()` bare puts the children in train mode also when asked for eval mode. One that
returns nothing makes `net = net.eval()` lose the network. One that sets its own flag to False and
hands the mode on to its children keeps nothing in eval mode: the layers that ask for the mode are
the children. That holds for a `train` that is bound to a single module, too.

## Example
```python
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(16, 32), nn.Dropout(0.5))
        self.out = nn.Linear(32, 2)

    def train(self, mode=True):  # error: [bad-train-override]
        super().train()
        return self

    def forward(self, x):
        return self.out(self.body(x))


net = Net()
net.eval()
print(net.body[1].training)
```

## Use instead
```python
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(16, 32), nn.Dropout(0.5))
        self.out = nn.Linear(32, 2)

    def train(self, mode=True):
        super().train(mode)
        return self

    def forward(self, x):
        return self.out(self.body(x))


net = Net()
net.eval()
print(net.body[1].training)
```

## When to ignore
When a part is never to leave its mode. A `train` that does nothing but return `self` says so, and
evalguard is silent. A `train` without a mode beside an `eval` that switches by itself is reported
as `possible` only: it fails where another module holds this one.

## Fix safety
Safe: a missing `return self` is added at the end, if nothing else is returned. Which mode the rest
should hand on, and what a training loop should be called instead, is the author's to say.

## Known limits
What the override does is read from its own text, and from that of the methods of its class that it
calls. One that hands the mode to a method of another class is taken to switch its children there.
"""

from __future__ import annotations

from collections.abc import Iterator

from evalguard.facts import Fact, SwitchOverride
from evalguard.finding import Confidence, Severity
from evalguard.records import NamedTuple
from evalguard.repair import Action, Repair
from evalguard.rule import Rule, Verdict


class _Fault(NamedTuple):
    message: str
    confidence: Confidence
    cure: str


_RENAME = "rename it, for example to `fit`, and leave `train` to switch the mode"

_NO_MODE = _Fault(
    "takes no mode: `eval()` calls `train(False)`, which raises a TypeError or starts a training",
    Confidence.CERTAIN,
    "write `def train(self, mode=True):`, call `super().train(mode)` and return `self`",
)
_NO_MODE_FROM_ABOVE = _NO_MODE._replace(
    message="takes no mode: a module that holds this one calls `train(False)`, which raises a "
    "TypeError",
    confidence=Confidence.POSSIBLE,
)
_DEAF = _Fault(
    "doesn't switch the modules inside: they keep their mode when `{name}()` is called",
    Confidence.LIKELY,
    "call `super().{call}` in it",
)
_ALWAYS_TRAIN = _Fault(
    "doesn't hand its mode on: it always puts the children in train mode, also for `eval()`",
    Confidence.CERTAIN,
    "call `super().train(mode)`",
)
_TWO_MINDS = _Fault(
    "fixes the module's own flag, but hands the mode on: the layers inside follow it all the same",
    Confidence.CERTAIN,
    "call `.eval()` on the children to keep them in eval mode, or set `self.training = mode`",
)
_NO_SELF = _Fault(
    "doesn't return `self` on every path: `net = net.eval()` gives None",
    Confidence.LIKELY,
    "end it with `return self`",
)


def check(fact: Fact) -> Iterator[Verdict]:
    """Does a `train` or `eval` of its own break switching?"""
    if not isinstance(fact, SwitchOverride) or (fault := _gravest(fact)) is None:
        return
    call = "train(mode)" if fact.name == "train" else "eval()"
    name = fact.function if fact.replaced else f"{fact.owner}.{fact.name}"
    rename = fact.trains and fault is not _NO_SELF
    yield Verdict(
        fact.place,
        f"`{name}` {fault.message.format(name=fact.name)}",
        fault.confidence,
        help=_RENAME if rename else fault.cure.format(call=call),
        fix=Repair(Action.RETURN_SELF, fact.place, True) if fault is _NO_SELF else None,
    )


def _gravest(fact: SwitchOverride) -> _Fault | None:
    """An `eval` takes no mode, and has none to hand on.

    One that replaces a single module's own is there to do something else, such as nothing.
    """
    switches_mode = fact.name == "train"
    if switches_mode and fact.in_two_minds:
        return _TWO_MINDS
    if fact.replaced:
        return None
    if switches_mode and not fact.takes_mode:
        return _NO_MODE_FROM_ABOVE if fact.aside else _NO_MODE
    if not fact.delegates:
        return _DEAF
    if switches_mode and not fact.passes_mode:
        return _ALWAYS_TRAIN
    return None if fact.returns_self else _NO_SELF


RULE = Rule(
    code="EG304",
    name="bad-train-override",
    severity=Severity.ERROR,
    since="0.1.0",
    page=__doc__,
    asks=SwitchOverride,
    check=check,
)
