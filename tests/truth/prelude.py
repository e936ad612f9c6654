"""What generated programs begin with: classes of modules, wrappers, contexts, decorators.

Every module takes and gives batches of eight numbers, so that any may stand for any other.
"""

from __future__ import annotations

IMPORTS = """\
import copy
import functools
import random
from contextlib import contextmanager
from types import SimpleNamespace

import torch
from torch import nn
from torch.nn import functional as F
"""

NET = """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.5))
        self.head = nn.Linear(8, 8)
        self.norm = nn.BatchNorm1d(8)

    def forward(self, x):
        return self.norm(self.head(self.body(x)))
"""

DEEP = """\
class Deep(nn.Module):
    def __init__(self, depth=2):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(8, 8) for _ in range(depth)])
        self.drop = nn.Dropout(p=0.5)

    def forward(self, x):
        for layer in self.layers:
            x = self.drop(layer(x))
        return x
"""

PLAIN = """\
class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 8)

    def forward(self, x):
        return torch.relu(self.fc(x))
"""

ASKING = """\
class Asking(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 8)

    def forward(self, x):
        return F.dropout(self.fc(x), 0.5, training=self.training)
"""

FROZEN = """\
class Frozen(nn.Module):
    def __init__(self):
        super().__init__()
        self.base = Net()
        self.base.requires_grad_(False)
        self.out = nn.Sequential(nn.Dropout(0.5), nn.Linear(8, 8))

    def train(self, mode=True):
        super().train(mode)
        self.base.eval()
        return self

    def forward(self, x):
        return self.out(self.base(x))
"""

CHILD = """\
class Child(Net):
    def __init__(self):
        super().__init__()
        self.extra = nn.Dropout(0.5)

    def forward(self, x):
        return self.extra(super().forward(x))

    def freeze(self):
        self.norm.eval()
        return self

    def predict(self, x):
        self.eval()
        with torch.no_grad():
            return self(x)
"""

WRAP = """\
class Wrap(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner(x)
"""

HOLDER = """\
class Holder:
    def __init__(self, net):
        self.net = net

    def __call__(self, x):
        return self.net(x)

    def train(self, mode=True):
        self.net.train(mode)
        return self

    def eval(self):
        return self.train(False)
"""

LEARN = """\
def learn(loss):
    if loss.requires_grad:
        loss.backward()
"""

EVALUATING = """\
@contextmanager
def evaluating(net):
    was = net.training
    net.eval()
    try:
        yield net
    finally:
        net.train(was)
"""

MODE = """\
class Mode:
    def __init__(self, net, mode):
        self.net = net
        self.mode = mode

    def __enter__(self):
        self.was = self.net.training
        self.net.train(self.mode)
        return self.net

    def __exit__(self, *args):
        self.net.train(self.was)
"""

IN_EVAL = """\
def in_eval(function):
    @functools.wraps(function)
    def inner(net, *args):
        net.eval()
        try:
            return function(net, *args)
        finally:
            net.train()

    return inner
"""

DATA = """\
x = torch.randn(4, 8)
xs = [torch.randn(4, 8) for _ in range(2)]
"""

BATCHES = """\
def batches(count=2):
    for _ in range(count):
        yield torch.randn(4, 8)
"""

# What a module's class gives to reach into: attribute or item → the class of what is there.
PARTS = {
    "Net": {".body": "Pair", ".norm": "", ".head": ""},
    "Child": {".body": "Pair", ".norm": "", ".extra": ""},
    "Deep": {".drop": "", ".layers[0]": ""},
    "Plain": {".fc": ""},
    "Asking": {".fc": ""},
    "Frozen": {".base": "Net", ".out": "Pair"},
    "Pair": {"[0]": "", "[1]": ""},
    "Wrap": {".inner": ""},
    "DataParallel": {".module": ""},
}
MADE = {
    "Net": "Net()",
    "Child": "Child()",
    "Deep": "Deep()",
    "Plain": "Plain()",
    "Asking": "Asking()",
    "Frozen": "Frozen()",
    "Pair": "nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.5))",
}
TEXTS = {
    "Net": NET,
    "Deep": DEEP,
    "Plain": PLAIN,
    "Asking": ASKING,
    "Frozen": FROZEN,
    "Child": CHILD,
    "Wrap": WRAP,
    "Holder": HOLDER,
    "learn": LEARN,
    "evaluating": EVALUATING,
    "Mode": MODE,
    "in_eval": IN_EVAL,
    "batches": BATCHES,
}
NEEDS = {"Frozen": ("Net",), "Child": ("Net",)}


def prelude(names: set[str]) -> str:
    """The imports, and the definitions of some names and of what they need."""
    wanted = names | {other for name in names for other in NEEDS.get(name, ())}
    return "\n\n".join([IMPORTS, *(text for name, text in TEXTS.items() if name in wanted), DATA])
