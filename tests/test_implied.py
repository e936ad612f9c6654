"""What one comparison tells of another is held against the numbers that both may be of."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest

from evalguard.flow.atoms import Key, Lit
from evalguard.flow.implied import implied

RANGES: dict[str, Callable[[float, float], bool]] = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}
NUMBERS = [half / 2 for half in range(-2, 9)]


def _lit(value: object) -> Lit:
    return Lit(type(value).__name__, value)


KEYS: list[Key] = [(op, 0, _lit(bound)) for op in (*RANGES, "is") for bound in range(4)] + [
    ("in", 0, (_lit(0), _lit(2))),
    ("in", 0, (_lit(1), _lit(3))),
]


def _holds(key: Key, number: float) -> bool:
    chosen = key[2]
    known = (chosen,) if isinstance(chosen, Lit) else chosen
    assert isinstance(known, tuple)
    if key[0] in RANGES:
        return RANGES[str(key[0])](number, known[0].value)
    return number in [item.value for item in known]


@pytest.mark.parametrize("holds", [True, False])
def test_what_is_told_is_so_for_each_number(holds: bool) -> None:
    for key, other in product(KEYS, KEYS):
        answers = {_holds(key, number) for number in NUMBERS if _holds(other, number) is holds}
        told = implied(key, other, holds)
        assert told is None or answers == {told}, (key, other, told)


def test_what_is_no_number_tells_nothing_of_a_range() -> None:
    assert implied((">", 0, _lit(1)), ("is", 0, _lit(None)), True) is None
    assert implied(("is", 0, _lit("best")), (">", 0, _lit(1)), True) is None


def test_a_number_out_of_a_range_is_known() -> None:
    assert implied(("is", 0, _lit(0)), (">", 0, _lit(0)), True) is False
    assert implied((">=", 0, _lit(1)), ("is", 0, _lit(2)), True) is True
