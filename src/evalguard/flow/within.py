"""Passes that belong to a training step, though nothing is trained by what they give."""

from __future__ import annotations

from collections.abc import Mapping

from evalguard.flow.passes import Pass
from evalguard.flow.together import meet
from evalguard.modes import Mode


def in_steps(passes: Mapping[int, Pass]) -> set[int]:
    """The passes that belong to a training step: beside one of their module, or made for it.

    Or within one of others: train mode was set, and they are called on what is trained there.
    """
    steps: dict[int, list[Pass]] = {}
    for item in passes.values():
        if item.stepped:
            steps.setdefault(item.thing, []).append(item)
    found = {token for token, item in passes.items() if _beside_step(item, steps)}
    for thing, mine in steps.items():
        for token in set[int]().union(*[step.inputs for step in mine]):
            if -token in passes and passes[-token].thing == thing:
                found.add(-token)  # what it gave, detached, is in what the step is called on
    within = {token for token, item in passes.items() if item.stepped}
    return found | {
        token
        for token, item in passes.items()
        if not within.isdisjoint(map(abs, item.inputs)) and _put_in_train(item)
    }


def _beside_step(item: Pass, steps: Mapping[int, list[Pass]]) -> bool:
    """Whether a pass stands in every round of a loop beside a training step of its module.

    Or in its stead, where a condition decides and nothing is done with what comes out.
    """
    block = item.block
    if block is None or item.stepped:
        return False
    mine = steps.get(item.thing, [])
    if block[1]:
        return any(step.block == block for step in mine)
    return item.idle and any(
        step.block is not None and step.block[0] == block[0] and not meet(item, step)
        for step in mine
    )


def _put_in_train(item: Pass) -> bool:
    """Whether a switch has put its module in train mode, wherever that mode comes from."""
    train = [origin for origin in item.origins if Mode.TRAIN in origin.mode]
    return bool(train) and all(origin.how == "switched" for origin in train)
