"""The command that times reading tells a row for each stage, over the files it says."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks import packages, reading  # noqa: E402 (the root is no place where pytest looks)

NET = "import torch\nnet = torch.nn.Dropout()\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("a.py", "b.py", "c.py"):
        (tmp_path / name).write_text(NET)
    (tmp_path / "plain.py").write_text("x = 1\n")
    (tmp_path / "broken.py").write_text("def (torch\n")
    return tmp_path


def test_a_row_for_each_stage(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert reading.main([str(project), "--repeats", "1", "--sample", "2"]) == 0
    head, *_ = text = capsys.readouterr().out.splitlines()
    assert "median of 1" in head
    assert text[1] == "4 files (1 more don't parse), 3 mention torch, libcst on 2 of them"
    rows = [line.split(" | ") for line in text if line.startswith("| ")][1:]
    assert [row[0].removeprefix("| ") for row in rows] == [
        "libcst.parse_module",
        "ast.parse, the same files",
        "read and lower, the same files",
        "ast.parse",
        "read and lower",
        "link and flow",
        "evalguard check, as a process",
    ]
    assert [row[1] for row in rows] == ["3", "3", "3", "4", "4", "4", "4"]
    assert rows[0][-1] == "1.000 |"


def test_ratios_are_to_the_first_row(project: Path) -> None:
    read = reading.corpus([str(project)], 0)
    fast, slow = (reading.Stage(name, read.files, lambda: 0.0) for name in ("fast", "slow"))
    rows = (reading.Timing(slow, 4.0), reading.Timing(fast, 1.0))
    assert reading.table(rows).splitlines()[-1].endswith("| 1.00 | 250.0 | 0.250 |")


def test_the_median_of_several_turns_counts(project: Path) -> None:
    times = iter((5.0, 1.0, 2.0))
    stage = reading.Stage("stage", reading.corpus([str(project)], 0).files, lambda: next(times), 10)
    ((_, seconds),) = reading.timings([stage], 3)
    assert seconds == 20.0


def test_a_sample_is_spaced_evenly_and_scaled_by_size(project: Path) -> None:
    assert reading.evenly(range(10), 4) == (0, 2, 5, 7)
    read = reading.corpus([str(project)], 1)
    assert (len(read.sample), read.scale) == (1, 3.0)
    assert reading.corpus([str(project)], 0).scale == 1.0


def test_nothing_to_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "plain.py").write_text("x = 1\n")
    assert reading.main([str(tmp_path)]) == 2
    assert "no file mentions torch" in capsys.readouterr().err


def test_packages_are_measured_each_on_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "net.py").write_text("import torch\n", encoding="utf-8")
    packages.main([str(tmp_path / "one"), str(tmp_path / "two")])
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert [row.split("|")[1].strip() for row in rows] == ["package", "one", "two"]
    assert all(row.split("|")[2].strip() == "1" for row in rows[1:])
