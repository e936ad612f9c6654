"""A layer → whether its mode matters, found out by trying it in both modes."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from copy import deepcopy
from typing import Any

import torch

TRIALS = 4
SHAPES = ((4, 8), (4, 4), (4, 8, 6), (4, 4, 6), (4, 8, 6, 6), (4, 4, 6, 6))

Given = tuple[tuple[Any, ...], dict[str, Any]]


class Trials:
    """Tries layers out, and remembers the outcome for others that are made alike."""

    def __init__(self) -> None:
        self._outcomes: dict[Hashable, bool | None] = {}

    def meet(self, layer: Any, given: Given) -> None:
        """A layer is called: try it on what it is given, unless one like it was tried."""
        key = kind(layer)
        if self._outcomes.get(key) is None:
            self._outcomes[key] = _differs(layer, given)

    def outcome(self, layer: Any) -> bool | None:
        """Whether a layer's own mode matters; None if it can't be called with anything known."""
        key = kind(layer)
        if key not in self._outcomes:
            tried = (_differs(layer, given) for given in _made_up())
            only_holds = type(layer).forward is torch.nn.Module.forward
            found = (
                False if only_holds else next((each for each in tried if each is not None), None)
            )
            self._outcomes[key] = found
        return self._outcomes[key]


def kind(layer: Any) -> Hashable:
    """What layers that are made alike have in common."""
    plain = [
        (name, value)
        for name, value in vars(layer).items()
        if name != "training" and isinstance(value, (bool, int, float, str))
    ]
    return type(layer).__qualname__, type(layer).forward.__code__, tuple(plain), _parts(layer)


def _parts(layer: Any) -> int:
    return sum(1 for _ in layer.modules())


def _made_up() -> Iterator[Given]:
    for shape in SHAPES:
        yield (torch.randn(shape),), {}
    yield (torch.zeros(4, 3, dtype=torch.long),), {}


def _differs(layer: Any, given: Given) -> bool | None:
    """Whether the layer's own flag makes a difference; None if it can't be called so."""
    try:
        return any(
            not _same(_outcome(layer, given, True, seed), _outcome(layer, given, False, seed))
            for seed in range(TRIALS)
        )
    except Exception:  # noqa: BLE001 (a layer may fail in any way on inputs that aren't its own)
        return None


def _outcome(layer: Any, given: Given, training: bool, seed: int) -> list[Any]:
    """What a copy returns and keeps, its parts in eval mode."""
    twin = deepcopy(layer)
    for part in twin.modules():
        part.training = False
    twin.training = training
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        args, kwargs = deepcopy(_detached(given))
        result = type(twin).forward(twin, *_noise(args), **kwargs)
        return [*_tensors(result), *twin.state_dict().values()]


def _detached(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.detach()
    if isinstance(value, (tuple, list)):
        return type(value)(_detached(item) for item in value)
    if isinstance(value, dict):
        return {key: _detached(item) for key, item in value.items()}
    return value


def _noise(args: tuple[Any, ...]) -> list[Any]:
    """Random numbers in place of what is given: of zeros, nothing shows."""
    return [
        torch.randn_like(each)
        if isinstance(each, torch.Tensor) and each.is_floating_point()
        else each
        for each in args
    ]


def _tensors(value: Any) -> Iterator[Any]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _tensors(item)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))
    else:
        yield torch.tensor(hash(repr(type(value))) % 997)


def _same(one: list[Any], other: list[Any]) -> bool:
    return len(one) == len(other) and all(map(torch.equal, one, other))
