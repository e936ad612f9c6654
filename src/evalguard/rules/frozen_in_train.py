"""A frozen part runs in train mode while the rest of its network is trained.

## Why is this bad?
`requires_grad = False` keeps the optimizer away from parameters. It doesn't touch the mode: the
`model.train()` of the training loop puts the frozen part in train mode with everything else, and
undoes an earlier `backbone.eval()`, be it in the constructor of the whole. Its batch norm then
normalises with the statistics of each batch and goes on changing the running ones, so the features
that were to stay as they are drift away from the weights that go with them; its dropout makes them
noisy. At evaluation the frozen part computes something that the trained part has never seen.

A part that the forward pass calls under `no_grad`, and nothing calls otherwise, is as good as
frozen. And so it goes with layers that are put in eval mode by themselves, as by a `freeze_bn()`:
the next `train()` of the whole puts them back.

## Example
```python
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(16, 32), nn.BatchNorm1d(32))
        self.head = nn.Linear(32, 2)
        for parameter in self.backbone.parameters():
            parameter.requires_grad = False

    def forward(self, x):
        return self.head(self.backbone(x))  # error: [frozen-in-train]


net = Net()
optimizer = torch.optim.SGD(net.head.parameters(), lr=0.1)
batches = [(torch.randn(8, 16), torch.randint(0, 2, (8,))) for _ in range(4)]

before = net.backbone[1].running_mean.clone()
net.train()
for inputs, labels in batches:
    loss = nn.functional.cross_entropy(net(inputs), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(torch.equal(before, net.backbone[1].running_mean))
```

## Use instead
```python
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(16, 32), nn.BatchNorm1d(32))
        self.head = nn.Linear(32, 2)
        for parameter in self.backbone.parameters():
            parameter.requires_grad = False

    def train(self, mode=True):
        super().train(mode)
        self.backbone.eval()
        return self

    def forward(self, x):
        return self.head(self.backbone(x))


net = Net()
optimizer = torch.optim.SGD(net.head.parameters(), lr=0.1)
batches = [(torch.randn(8, 16), torch.randint(0, 2, (8,))) for _ in range(4)]

before = net.backbone[1].running_mean.clone()
net.train()
for inputs, labels in batches:
    loss = nn.functional.cross_entropy(net(inputs), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(torch.equal(before, net.backbone[1].running_mean))
```

## When to ignore
People disagree about this one, hence a warning. There are good reasons for train mode:

- The new data differs much from the data that the part was trained on, and its batch norm is
  meant to adapt to it while the weights stay.
- The dropout of a frozen language model is kept as regularisation of the adapters or the head
  trained on top. Some recipes for fine-tuning do so.
- The freeze lasts for a warm-up only, and the part is trained soon after.

What speaks against it is that it is seldom decided: it comes about because `model.train()` is
called at the top of an epoch. If it was decided, leave the rule out with
`--ignore frozen-in-train`. evalguard is silent where the part holds no dropout and no batch norm
with statistics, where some of the part's layers are kept in eval mode on purpose, and of dropout
that stands in one container with a new layer, as it is that layer's.

## Fix safety
Keeping the part in eval mode changes the features that the rest is trained on: right for a new
training, wrong in the middle of one. There is no fix by itself.

## Known limits
A part that is only left out of the optimizer isn't known to be frozen. Whether a frozen part
whose class can't be seen holds such layers isn't known either: reported as `possible` only. Where
the `train` of an heir keeps the part in eval mode, the class itself isn't reported.
"""

from __future__ import annotations

from collections.abc import Iterator

from evalguard.facts import Fact, FrozenPart
from evalguard.finding import Confidence, Severity
from evalguard.modes import Mode, Sensitivity
from evalguard.rule import Rule, Verdict
from evalguard.rules._story import named, spoils, switch, told


def check(fact: Fact) -> Iterator[Verdict]:
    """Does a frozen part run in train mode?"""
    if not isinstance(fact, FrozenPart) or fact.mode != Mode.TRAIN or fact.mixed:
        return
    if fact.module.sensitive is Sensitivity.NO:
        return
    yield Verdict(
        fact.place,
        f"{_what(fact)}: {spoils(fact.module)}",
        _sure(fact),
        told(
            fact,
            (None if fact.layers or fact.kept else fact.frozen, _how(fact)),
            (fact.trained, f"the rest of {_whole(fact)} is trained here"),
        ),
        f"{_mending(fact)} after each `train()` of the whole, best in an override of `train`",
    )


def _what(fact: FrozenPart) -> str:
    whole = _whole(fact)
    if fact.layers:
        return f"layers of {whole} are put in eval mode, but it is trained after a `train()`"
    if fact.kept:
        return f"{named(fact.module)} is put in eval mode, but `train()` of {whole} has ended that"
    part = f"{named(fact.module)} {'never gets a gradient' if fact.cut else 'is frozen'}"
    if fact.undone:
        return f"{part} but doesn't stay in eval mode, the first `train()` of {whole} ends it"
    return f"{part} but is in train mode while the rest of {whole} is trained"


def _whole(fact: FrozenPart) -> str:
    return f"`{fact.owner}`" if fact.owner else "the network"


def _mending(fact: FrozenPart) -> str:
    return "do so again" if fact.layers else f"call {switch(fact.module, 'eval')}"


def _how(fact: FrozenPart) -> str:
    if fact.cut:
        return "it is called with gradients off here, which doesn't change its mode"
    return "its parameters are frozen here, which doesn't change its mode"


def _sure(fact: FrozenPart) -> Confidence:
    """Never certain: some want it so."""
    known = fact.module.sensitive is Sensitivity.YES and not fact.module.unsure
    seen = fact.stepped or fact.undone
    return Confidence.LIKELY if known and seen else Confidence.POSSIBLE


RULE = Rule(
    code="EG105",
    name="frozen-in-train",
    severity=Severity.WARNING,
    since="0.1.0",
    page=__doc__,
    asks=FrozenPart,
    check=check,
)
