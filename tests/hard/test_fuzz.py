"""Damaged inputs, some of each kind; ``python -m tools.fuzz`` tries as many as one likes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from tools import fuzz
from tools.hard.inputs import made

SEED, PARTS, EACH = 6, 8, 120


@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_breaks_it(part: int, tmp_path: Path) -> None:
    numbers = range(part, PARTS * EACH, PARTS)
    outcomes = [fuzz.attempt(SEED, number, tmp_path)[1] for number in numbers]
    assert [failure for failure in outcomes if failure] == []


def test_an_input_is_made_of_its_seed_and_number() -> None:
    assert made(1, 7) == made(1, 7) != made(2, 7)


def test_a_process_that_dies_is_a_failure_and_the_rest_is_tried(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fuzz, "tried", _dies_once)
    assert fuzz.main(["--inputs", "6", "--seed", "1", "--jobs", "1"]) == 1
    told = capsys.readouterr().out
    assert "the process died: exit code 7" in told
    assert "6 inputs" in told


def _dies_once(given: object, _: Path) -> None:
    import os

    if given == made(1, 3):
        os._exit(7)
