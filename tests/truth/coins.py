"""``random.random()`` in a program → all the ways that it can go."""

from __future__ import annotations

import random
from collections.abc import Iterator

MOST = 32


class Coins:
    """Numbers on either side of a half, as a script tells; beyond its end, on the low side."""

    def __init__(self, script: list[bool]) -> None:
        self._script = script
        self.fallen: list[bool] = []

    def random(self) -> float:
        """Stands in for ``random.random``."""
        number = len(self.fallen)
        high = self._script[number] if number < len(self._script) else False
        self.fallen.append(high)
        return 0.75 if high else 0.25


def throws() -> Iterator[Coins]:
    """A program's runs, until each way was gone; of very many ways, some."""
    script: list[bool] = []
    for _ in range(MOST):
        coins = Coins(script)
        yield coins
        script = coins.fallen
        while script and script[-1]:
            script.pop()
        if not script:
            return
        script[-1] = True
    dice = random.Random(0)  # noqa: S311 (nothing here is secret)
    for _ in range(MOST):
        yield Coins([dice.random() < 0.5 for _ in range(64)])
