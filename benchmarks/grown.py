"""Sizes → Python files and trees of these sizes, to see how time and memory grow."""

from __future__ import annotations

from pathlib import Path

UNIT = '''\
import torch
from torch import nn
from torch.nn import functional as F


class Net{number}(nn.Module):
    """A small network."""

    def __init__(self, width=64, rate=0.5):
        super().__init__()
        self.first = nn.Linear(width, width)
        self.norm = nn.BatchNorm1d(width)
        self.drop = nn.Dropout(rate)
        self.last = nn.Linear(width, 10)

    def forward(self, x, mask=None):
        x = F.relu(self.norm(self.first(x)))
        if mask is not None:
            x = x * mask
        return self.last(self.drop(x))


def evaluate{number}(net, loader, device="cpu"):
    net.eval()
    hits, total = 0, 0
    with torch.no_grad():
        for x, y in loader:
            scores = net(x.to(device))
            hits += (scores.argmax(1) == y.to(device)).sum().item()
            total += len(y)
    net.train()
    return hits / max(total, 1)


def train{number}(loader, epochs=10):
    net = Net{number}()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for epoch in range(epochs):
        net.train()
        for x, y in loader:
            loss = F.cross_entropy(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, evaluate{number}(net, loader))
    return net


'''


def file(path: Path, size: int) -> Path:
    """Write a file of about so many bytes."""
    count = max(1, round(size / len(UNIT)))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(UNIT.replace("{number}", str(n)) for n in range(count)), "utf-8")
    return path


def tree(folder: Path, files: int) -> Path:
    """Write a tree of so many files, a hundred to a folder, of which each tenth uses another."""
    for number in range(files):
        package, name = folder / f"part{number // 100}", f"net{number}.py"
        file(package / name, len(UNIT))
        if number % 10 == 0 and number:
            other = number - 10
            line = f"from part{other // 100}.net{other} import Net0, evaluate0\n\n"
            text = f"{line}print(evaluate0(Net0(), []))\n"
            (package / f"use{number}.py").write_text(text, "utf-8")
    return folder
