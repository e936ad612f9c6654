"""A small network for two-class points, with dropout."""

import torch
import torch.nn.functional as F
from torch import nn


class SpiralNet(nn.Module):
    """Two hidden layers; batch norm after the first, dropout after both."""

    def __init__(self, width: int = 64, p: float = 0.2) -> None:
        super().__init__()
        self.p = p
        self.first = nn.Linear(2, width)
        self.norm = nn.BatchNorm1d(width)
        self.second = nn.Linear(width, width)
        self.drop = nn.Dropout(p)
        self.head = nn.Linear(width, 2)

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        hidden = torch.relu(self.norm(self.first(points)))
        hidden = F.dropout(hidden, self.p)
        hidden = self.drop(torch.relu(self.second(hidden)))
        return self.head(hidden)
