"""`model.training` is assigned from outside: the layers inside keep their mode.

## Why is this bad?
`training` is a flag that each module has for itself. `eval()` and `train()` set it on a module
and on everything inside it; an assignment sets it on that one object. The dropout and batch norm
layers, which are what matters, stay as they were, while `model.training` now tells otherwise to
whoever asks.

## Example
```python
import torch
from torch import nn

net = nn.Sequential(nn.Linear(16, 32), nn.Dropout(0.5), nn.Linear(32, 2))
net.training = False  # error: [training-attr-assign]
print(net[1].training)
```

## Use instead
```python
import torch
from torch import nn

net = nn.Sequential(nn.Linear(16, 32), nn.Dropout(0.5), nn.Linear(32, 2))
net.eval()
print(net[1].training)
```

## When to ignore
When the flag of one single layer is meant, without children: there the assignment does what
`train(mode)` would. evalguard is silent if that is known, or the name of one whose class can't be
seen says so (`self.bn`), in a loop over `modules()`, and where `eval()` or `train()` follows.

## Fix safety
`model.training = False` to `model.eval()`, and `= True` to `model.train()`, are safe: they set
what the line says it sets, in all layers. Another value has no fix.

## Known limits
Only an object that is shown to be a module is reported: `config.training = False` is nobody's
business.
"""

from __future__ import annotations

from collections.abc import Iterator

from evalguard.facts import Fact, TrainingAssigned
from evalguard.finding import Confidence, Severity
from evalguard.modes import Mode, Sensitivity
from evalguard.repair import Action, Repair
from evalguard.rule import Rule, Verdict
from evalguard.rules._story import named, switch


def check(fact: Fact) -> Iterator[Verdict]:
    """Is the flag of a whole module set by hand?"""
    if not isinstance(fact, TrainingAssigned) or fact.covered or not fact.module.shown:
        return
    name = "train" if fact.mode == Mode.TRAIN else "eval"
    known = fact.module.sensitive is Sensitivity.YES
    harmless = fact.module.sensitive is Sensitivity.NO
    sure = Confidence.CERTAIN if known else Confidence.LIKELY
    yield Verdict(
        fact.place,
        f"this sets the flag of {named(fact.module)} alone: the layers inside it keep their mode",
        Confidence.POSSIBLE if harmless else sure,
        help=f"call {switch(fact.module, name)}"
        if fact.mode in (Mode.TRAIN, Mode.EVAL)
        else "call `.train(flag)` on the module",
        fix=Repair(Action.SWITCH_WHOLE, fact.place, True),
    )


RULE = Rule(
    code="EG402",
    name="training-attr-assign",
    severity=Severity.WARNING,
    since="0.1.0",
    page=__doc__,
    asks=TrainingAssigned,
    check=check,
)
