"""Workers: their answers, their deaths, and interrupts."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from evalguard.workers import Died, Failed, answers

STARTS = [each for each in ("fork", "spawn") if each in multiprocessing.get_all_start_methods()]


def tripled() -> Callable[[int], int]:
    return lambda number: number * 3


def dying() -> Callable[[int], int]:
    def answer(number: int) -> int:
        if number == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        if number == 3:
            os._exit(7)
        return number

    return answer


def raising() -> Callable[[int], int]:
    return lambda number: 1 // number


def waiting() -> Callable[[int], None]:
    return lambda number: time.sleep(60 if number else 0)


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("jobs", [1, 3, 50])
def test_every_task_is_answered_once(start: str, jobs: int) -> None:
    if start == "spawn" and jobs > 3:
        pytest.skip("slow, and the same")
    found = [*answers(range(20), tripled, jobs, start)]
    assert sorted(found) == [(number, number * 3) for number in range(20)]


@pytest.mark.parametrize("start", STARTS)
def test_nothing_to_do(start: str) -> None:
    assert [*answers([], tripled, 2, start)] == []


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_who_dies_is_replaced(start: str) -> None:
    found = dict(answers(range(6), dying, 2, start))
    assert found == {0: 0, 1: 1, 2: Died(-9), 3: Died(7), 4: 4, 5: 5}
    assert [Died(-9).reason, Died(7).reason, Died(-99).reason] == [
        "SIGKILL", "exit code 7", "signal 99",
    ]  # fmt: skip


def test_an_exception_is_raised_here() -> None:
    with pytest.raises(Failed, match="ZeroDivisionError"):
        list(answers([1, 0], raising, 2, STARTS[0]))


def test_nobody_is_left_behind() -> None:
    under_way = answers([0, 1, 1], waiting, 2, STARTS[0])
    assert next(under_way) == (0, None)
    assert multiprocessing.active_children()
    under_way.close()  # type: ignore[attr-defined]
    assert not multiprocessing.active_children()


def children(process: int) -> list[int]:
    path = Path(f"/proc/{process}/task/{process}/children")
    return [int(each) for each in path.read_text().split()]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc")
@pytest.mark.parametrize("whole_group", [True, False])
def test_an_interrupt_ends_everybody(tmp_path: Path, whole_group: bool) -> None:
    body = "".join(f"    x = net(x) if x else {number}\n" for number in range(30_000))
    for number in range(2):
        (tmp_path / f"{number}.py").write_text(f"import torch\ndef f(net, x):\n{body}")
    process = subprocess.Popen(
        [sys.executable, "-m", "evalguard", "check", "--jobs", "2", str(tmp_path)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        found: list[int] = []
        while len(found) < 2:
            assert process.poll() is None
            time.sleep(0.01)
            found = children(process.pid)
        os.kill(-process.pid if whole_group else process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, out, err.strip()) == (130, "", "evalguard: interrupted")
    assert not any(Path(f"/proc/{child}").exists() for child in found)
