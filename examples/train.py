"""Train a network to tell two spirals apart, and print what it scores.

It runs in a few seconds and prints believable numbers, but it holds two bugs, and `net.py` a third.
"""

import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from net import SpiralNet


def spirals(count: int) -> TensorDataset:
    labels = torch.arange(count) % 2
    turn = torch.rand(count) * 3 * math.pi
    angle = turn + labels * math.pi
    points = torch.stack([turn * angle.cos(), turn * angle.sin()], dim=1)
    return TensorDataset(points + 0.3 * torch.randn_like(points), labels)


def accuracy(net: nn.Module, loader: DataLoader) -> float:
    net.eval()
    right = total = 0
    with torch.no_grad():
        for points, labels in loader:
            right += (net(points).argmax(dim=1) == labels).sum().item()
            total += len(labels)
    return right / total


def fit(net: nn.Module, loader: DataLoader, held_out: DataLoader, epochs: int = 20) -> None:
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    net.train()
    for epoch in range(epochs):
        for points, labels in loader:
            loss = nn.functional.cross_entropy(net(points), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch}: {accuracy(net, held_out):.3f}")


def ask(weights: dict[str, torch.Tensor], x: float, y: float) -> int:
    net = SpiralNet()
    net.load_state_dict(weights)
    with torch.no_grad():
        return net(torch.tensor([[x, y], [-x, -y]])).argmax(dim=1)[0].item()


def main() -> None:
    torch.manual_seed(0)
    net = SpiralNet()
    loader = DataLoader(spirals(2000), batch_size=64, shuffle=True)
    held_out = DataLoader(spirals(500), batch_size=64)
    fit(net, loader, held_out)
    print("(2, 3) is on spiral", ask(net.state_dict(), 2.0, 3.0))


if __name__ == "__main__":
    main()
