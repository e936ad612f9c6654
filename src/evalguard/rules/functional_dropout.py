"""A functional dropout in a forward pass is always on: `eval()` can't reach it.

## Why is this bad?
`F.dropout(x, p)` isn't a layer: it doesn't know the mode of the module it is used in. Its
`training` argument is `True` unless given, so the network goes on dropping activations after
`eval()`: predictions are random and worse than they need be. `scaled_dot_product_attention` has
no such argument at all; it applies whatever `dropout_p` it is given.

## Example
```python
import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(16, 32)
        self.out = nn.Linear(32, 2)

    def forward(self, x):
        x = F.relu(self.hidden(x))
        x = F.dropout(x, p=0.5)  # error: [functional-dropout]
        return self.out(x)


net = Net().eval()
x = torch.ones(1, 16)
with torch.no_grad():
    print(torch.equal(net(x), net(x)))
```

## Use instead
```python
import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(16, 32)
        self.out = nn.Linear(32, 2)

    def forward(self, x):
        x = F.relu(self.hidden(x))
        x = F.dropout(x, p=0.5, training=self.training)
        return self.out(x)


net = Net().eval()
x = torch.ones(1, 16)
with torch.no_grad():
    print(torch.equal(net(x), net(x)))
```

## When to ignore
When random answers at inference are wanted, as in Monte Carlo dropout and in the prenet of some
speech models. evalguard is silent if the function, the class or a flag around it is named so, if it
is repeated for a number of samples or passes, if `training=True` is written out where each round of
a counted loop drops values of the same input or in a package named so, if the call stands in `if
self.training:`, in a constructor or in a training step, where an argument asks for it (that is off
unless given, or says whether it is training), and if the probability is 0 or made of the mode.

## Fix safety
Safe: `training=self.training`, or a rate that is 0 unless `self.training`, changes nothing in train
mode, and in eval mode it is the cure. There is no fix outside of methods of a module, nor for a
mask drawn by hand.

## Known limits
A mask drawn by hand (`x * torch.bernoulli(...)`) is the same defect. It is seen in classes that
never mention `training`, where the name of the class, the method or the rate speaks of dropout.
"""

from __future__ import annotations

from collections.abc import Iterator

from evalguard.facts import Fact, FunctionalCall
from evalguard.finding import Confidence, Severity
from evalguard.repair import Action, Repair
from evalguard.rule import Rule, Verdict

_ON = ("default", "constant", "drawn")


def check(fact: Fact) -> Iterator[Verdict]:
    """Is a functional dropout on whatever the mode?"""
    if not isinstance(fact, FunctionalCall) or fact.training not in _ON:
        return
    if fact.guarded or fact.stochastic or fact.probability == 0 or _draw(fact):
        return
    if fact.training == "drawn":
        yield _drawn(fact)
        return
    why = f"`{fact.flag}` is true unless given" if fact.training == "default" else _bound(fact)
    yield Verdict(
        fact.place,
        f"`{fact.name}` is active in eval mode too: {why}, so `eval()` doesn't switch it off",
        Confidence.LIKELY if fact.probability is None else Confidence.CERTAIN,
        help=_cure(fact),
        fix=_repair(fact),
    )


def _drawn(fact: FunctionalCall) -> Verdict:
    return Verdict(
        fact.place,
        f"`{fact.owner}` draws a mask whatever the mode, so `eval()` doesn't switch it off",
        Confidence.LIKELY,
        help="draw it only `if self.training`, and return the input unchanged otherwise",
    )


def _draw(fact: FunctionalCall) -> bool:
    """Whether a mask of random zeros is drawn, in so many words: no activation is dropped."""
    return fact.made and fact.training == "constant" and not fact.flag.endswith("_p")


def _bound(fact: FunctionalCall) -> str:
    if fact.flag.endswith("_p"):
        return f"it applies whatever `{fact.flag}` it is given"
    return f"`{fact.flag}` is always true here"


def _cure(fact: FunctionalCall) -> str:
    if fact.flag.endswith("_p"):
        return f"pass `{fact.flag}=p if self.training else 0.0`"
    return f"pass `{fact.flag}=self.training`"


def _repair(fact: FunctionalCall) -> Repair | None:
    if not fact.me:
        return None
    action = Action.SCALE_BY_MODE if fact.flag.endswith("_p") else Action.FLAG_BY_MODE
    return Repair(action, fact.place, True, fact.me, fact.flag, fact.position)


RULE = Rule(
    code="EG301",
    name="functional-dropout",
    severity=Severity.ERROR,
    since="0.1.0",
    page=__doc__,
    asks=FunctionalCall,
    check=check,
)
