"""The laws of the lattices: join makes them what the flow analysis takes them for."""

from __future__ import annotations

import pickle
from itertools import product
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalguard.modes import NO_GRAD, NO_MODE, Grad, Mode

MODES = [Mode(bits) for bits in range(8)]
GRADS = [Grad(bits) for bits in range(8)]

Point = TypeVar("Point", Mode, Grad)

modes = st.sampled_from(MODES)
grads = st.sampled_from(GRADS)
pairs = st.tuples(modes, modes) | st.tuples(grads, grads)
triples = st.tuples(modes, modes, modes) | st.tuples(grads, grads, grads)


@given(pairs)
def test_join_is_commutative(points: tuple[Point, Point]) -> None:
    a, b = points
    assert a | b == b | a


@given(triples)
def test_join_is_associative(points: tuple[Point, Point, Point]) -> None:
    a, b, c = points
    assert (a | b) | c == a | (b | c)


@given(modes | grads)
def test_join_is_idempotent(point: Mode | Grad) -> None:
    assert point | point == point  # type: ignore[operator]


@pytest.mark.parametrize("points", [MODES, GRADS])
def test_join_is_the_least_upper_bound(points: list[Point]) -> None:
    for a, b in product(points, repeat=2):
        bounds = [c for c in points if a in c and b in c]
        assert a | b in bounds
        assert all(a | b in bound for bound in bounds)


@pytest.mark.parametrize("mode", MODES)
def test_the_bottom_mode_adds_nothing(mode: Mode) -> None:
    assert mode | NO_MODE == mode
    assert NO_MODE in mode


@pytest.mark.parametrize("grad", GRADS)
def test_the_bottom_grad_adds_nothing(grad: Grad) -> None:
    assert grad | NO_GRAD == grad
    assert NO_GRAD in grad


def test_seen_both_ways_is_not_unseen() -> None:
    assert Mode.TRAIN | Mode.EVAL != Mode.UNSEEN
    assert Mode.UNSEEN not in Mode.TRAIN | Mode.EVAL


@pytest.mark.parametrize("training", [True, False])
def test_a_flag_names_its_mode(training: bool) -> None:
    assert Mode.of(training) == (Mode.TRAIN if training else Mode.EVAL)
    assert Grad.of(training) == (Grad.ON if training else Grad.OFF)


@given(modes | grads)
def test_points_survive_pickling(point: Mode | Grad) -> None:
    assert pickle.loads(pickle.dumps(point)) is point  # noqa: S301
