"""A module is exported, traced or quantized while it is in train mode.

## Why is this bad?
`torch.jit.trace` and `torch.export.export` record what the module does at that moment. In train
mode, that is a random mask for each dropout and the statistics of the batch for each batch norm,
and the exported program does so for ever: it has no mode left to switch. `eval()` on a traced
module changes a flag that nobody asks any more. Quantization's `prepare` and `convert` observe and
convert the layers as they work in train mode. `torch.jit.freeze` and `fuse_modules` refuse such a
module with an exception.

## Example
```python
import torch
from torch import nn

net = nn.Sequential(nn.Linear(16, 32), nn.Dropout(0.5), nn.Linear(32, 2))
x = torch.ones(1, 16)
graph = torch.jit.trace(net, x, check_trace=False)  # error: [export-in-train]
graph.eval()
with torch.no_grad():
    print(torch.equal(graph(x), graph(x)))
```

## Use instead
```python
import torch
from torch import nn

net = nn.Sequential(nn.Linear(16, 32), nn.Dropout(0.5), nn.Linear(32, 2))
x = torch.ones(1, 16)
net.eval()
graph = torch.jit.trace(net, x, check_trace=False)
graph.eval()
with torch.no_grad():
    print(torch.equal(graph(x), graph(x)))
```

## When to ignore
When the exported program is to be trained further, or is only looked at, as a graph or for its
size. evalguard is silent for the forms that are made for training (`prepare_qat` and its kin),
for `torch.jit.script`, whose result can still be switched, and for the older ONNX exporter
(`dynamo=False`), which switches to eval mode itself. The newer one records dropout as it works
in train mode, but writes batch norm with its own statistics in either mode: a network that has
nothing else is not reported there.

## Fix safety
Unsafe: `eval()` before the export changes the exported program, which is the cure. Where the export
stands in a loop that trains, `train()` is put after it.

## Known limits
Which exporter `torch.onnx.export` takes if `dynamo` isn't given depends on the version of
PyTorch: evalguard judges by the present one, where it is the newer, which keeps the mode.
"""

from __future__ import annotations

from collections.abc import Iterator

from evalguard.facts import Exported, Fact
from evalguard.finding import Confidence, Severity
from evalguard.modes import Mode, Sensitivity
from evalguard.repair import Action
from evalguard.rule import Rule, Verdict
from evalguard.rules._story import may_be, mending, named, spoils, switch, told

_SEEN_BOTH_WAYS = Mode.TRAIN | Mode.EVAL


def check(fact: Fact) -> Iterator[Verdict]:
    """Is a module handed over in train mode to what wants it in eval mode?"""
    if not isinstance(fact, Exported) or fact.needs != Mode.EVAL or fact.mixed:
        return
    if fact.mode not in (Mode.TRAIN, _SEEN_BOTH_WAYS) or fact.module.sensitive is Sensitivity.NO:
        return
    yield Verdict(
        fact.place,
        f"{named(fact.module)} {may_be(fact.mode, Mode.TRAIN)} in train mode here: {_effect(fact)}",
        _sure(fact),
        told(fact),
        f"call {switch(fact.module, 'eval')} before it",
        fix=mending(fact, Action.EVAL_BEFORE),
    )


def _effect(fact: Exported) -> str:
    if fact.raises:
        return f"`{fact.call}` raises unless it is in eval mode"
    return f"in what `{fact.call}` makes of it, {spoils(fact.module)}"


def _sure(fact: Exported) -> Confidence:
    if fact.mode != Mode.TRAIN or fact.module.unsure:
        return Confidence.POSSIBLE
    known = fact.module.surely and not fact.assumed
    return Confidence.CERTAIN if known else Confidence.LIKELY


RULE = Rule(
    code="EG106",
    name="export-in-train",
    severity=Severity.ERROR,
    since="0.1.0",
    page=__doc__,
    asks=Exported,
    check=check,
)
