"""``evalguard check --fix``: what is written, what is told, and how it exits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from evalguard.fix.text import edited
from evalguard.places import NOWHERE, Span
from evalguard.repair import Edit

NET = """\
import torch
from torch import nn

net = nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.5))
net.eval
"""
PREDICT = """\
import torch
from torch import nn

net = nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.5))
net.load_state_dict(torch.load("net.pt"))
with torch.no_grad():
    print(net(torch.load("x.pt")).argmax(1).tolist())
"""


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(NET, encoding="utf-8")
    (tmp_path / "predict.py").write_text(PREDICT, encoding="utf-8")
    return tmp_path


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "evalguard", "check", *arguments],
        capture_output=True,
        check=False,
        encoding="utf-8",
        env=os.environ | {"PYTHONUTF8": "1"},
    )


def test_safe_fixes_are_written_and_the_rest_is_reported(files: Path) -> None:
    done = run("--fix", "--output-format", "concise")
    assert done.returncode == 1
    assert (files / "net.py").read_text() == NET.replace("net.eval\n", "net.eval()\n")
    assert (files / "predict.py").read_text() == PREDICT
    assert done.stdout.startswith("predict.py:7:11: EG102")
    assert done.stderr == "evalguard: Fixed 1 problem in 1 file; 1 fix needs --unsafe-fixes.\n"


def test_unsafe_fixes_are_written_if_asked_for(files: Path) -> None:
    done = run("--fix", "--unsafe-fixes")
    assert done.returncode == 0
    assert "net.eval()\nwith" in (files / "predict.py").read_text()
    assert done.stdout == "No problems found in 2 files.\n"
    assert done.stderr == "evalguard: Fixed 2 problems in 2 files.\n"


def test_a_fix_that_cannot_be_made_is_no_longer_promised(files: Path) -> None:
    (files / "predict.py").write_text(PREDICT.replace("    print", "    x = 1; print"))
    assert "1 fix with --fix --unsafe-fixes.\n" in run("predict.py").stdout
    assert "fix with" not in run("--fix", "--unsafe-fixes", "predict.py").stdout


def test_a_second_run_changes_nothing(files: Path) -> None:
    run("--fix", "--unsafe-fixes")
    before = {path: path.stat().st_mtime_ns for path in files.iterdir()}
    done = run("--fix", "--unsafe-fixes")
    assert done.stderr == "evalguard: Fixed 0 problems in 0 files.\n"
    assert {path: path.stat().st_mtime_ns for path in files.iterdir()} == before


def test_a_diff_writes_nothing_and_exits_by_what_was_found(files: Path) -> None:
    done = run("--diff", "--fix")
    assert done.returncode == 1
    assert done.stdout == (
        "--- net.py\n+++ net.py\n@@ -2,4 +2,4 @@\n from torch import nn\n \n"
        " net = nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.5))\n-net.eval\n+net.eval()\n"
    )
    assert done.stderr == "evalguard: Would fix 1 problem in 1 file; 1 fix needs --unsafe-fixes.\n"
    assert (files / "net.py").read_text() == NET


def test_the_diff_of_a_last_line_without_an_end(files: Path) -> None:
    (files / "net.py").write_text(NET.rstrip("\n"))
    done = run("--diff", "net.py")
    assert done.stdout.endswith(
        "-net.eval\n\\ No newline at end of file\n+net.eval()\n\\ No newline at end of file\n"
    )


def test_only_selected_rules_are_mended(files: Path) -> None:
    done = run("--fix", "--unsafe-fixes", "--select", "EG1")
    assert done.stderr == "evalguard: Fixed 1 problem in 1 file.\n"
    assert (files / "net.py").read_text() == NET


def test_what_a_baseline_knows_is_left_as_it_is(files: Path) -> None:
    check = [sys.executable, "-m", "evalguard", "baseline", "-q"]
    subprocess.run(check, check=True)
    (files / "net.py").write_text(f"import os\n\n{NET}print(net.training)\nnet.eval\n")
    options = ["--unsafe-fixes", "--baseline", "evalguard-baseline.json"]
    assert run("--diff", *options).stdout.count("\n+") == 2
    done = run("--fix", *options)
    assert (done.returncode, done.stdout) == (0, "No problems found in 2 files.\n")
    assert done.stderr == "evalguard: Fixed 1 problem in 1 file.\n"
    assert (files / "net.py").read_text().count("net.eval()") == 1
    assert (files / "predict.py").read_text() == PREDICT


def test_quiet_tells_nothing() -> None:
    assert run("--fix", "--quiet", "net.py").stderr == ""


IDLE = "# evalguard: ignore[frozen-in-train] old"


def test_comments_of_no_use_are_taken_away_if_asked_for(files: Path) -> None:
    (files / "net.py").write_bytes(
        NET.replace("nn\n", f"nn  {IDLE}\n").encode().replace(b"\n", b"\r\n")
    )
    done = run("--fix", "net.py")
    assert done.stderr == "evalguard: Fixed 1 problem in 1 file.\n"
    assert IDLE.encode() in (files / "net.py").read_bytes()
    done = run("--diff", "--warn-unused-ignores", "net.py")
    assert done.returncode == 1
    assert done.stdout.count(IDLE) == 1
    done = run("--fix", "--warn-unused-ignores", "net.py")
    assert done.returncode == 0
    assert done.stderr == "evalguard: Fixed 1 problem in 1 file.\n"
    fixed = NET.replace("net.eval\n", "net.eval()\n").encode().replace(b"\n", b"\r\n")
    assert (files / "net.py").read_bytes() == fixed


def test_a_fix_that_makes_a_comment_idle_takes_it_along(files: Path) -> None:
    comment = "# evalguard: ignore[no-grad-instead-of-eval, EG2]"
    text = PREDICT.replace("tolist())", f"tolist())  {comment}")
    (files / "predict.py").write_text(text.replace("with torch", "net.eval\nwith torch"))
    done = run("--fix", "--warn-unused-ignores", "predict.py")
    assert (done.returncode, done.stdout) == (0, "No problems found in 1 file.\n")
    expected = PREDICT.replace("with torch", "net.eval()\nwith torch")
    assert (files / "predict.py").read_text() == expected


def test_what_is_wrong_with_comments_stays_told(files: Path) -> None:
    (files / "net.py").write_text("x = 1  # evalguard: ignore[zzz]\n")
    done = run("--fix", "--select", "EG1", "--output-format", "concise", "net.py")
    assert (done.returncode, "EG002" in done.stdout) == (1, True)


def test_ignores_aren_t_added_to_what_is_fixed() -> None:
    done = run("--fix", "--add-ignores")
    assert done.returncode == 2
    assert "--add-ignores goes with neither" in done.stderr


def test_unsafe_fixes_alone_are_a_wrong_option() -> None:
    done = run("--unsafe-fixes")
    assert done.returncode == 2
    assert "--fix or --diff" in done.stderr


def test_a_file_that_cannot_be_written_is_told_and_the_others_are_written(files: Path) -> None:
    (files / "net.py").chmod(0o444)
    done = run("--fix", "--unsafe-fixes", "--output-format", "concise")
    assert done.returncode == 2
    assert "evalguard: net.py: not fixed: can't be written: it is read-only\n" in done.stderr
    assert done.stderr.endswith("Fixed 1 problem in 1 file.\n")
    assert done.stdout.startswith("net.py:5:1: EG401")
    assert "net.eval()" in (files / "predict.py").read_text()


def test_json_stays_json_and_its_edits_are_the_fix(files: Path) -> None:
    document = json.loads(run("--output-format", "json").stdout)
    texts = {"net.py": NET, "predict.py": PREDICT}
    for finding in document["findings"]:
        edits = [
            Edit(Span(*(item[key] for key in NOWHERE.as_dict())), item["text"])
            for item in finding["fix"]["edits"]
        ]
        texts[finding["path"]] = edited(texts[finding["path"]], edits)
    assert [finding["fix"]["safe"] for finding in document["findings"]] == [True, False]
    done = run("--fix", "--unsafe-fixes", "--output-format", "json")
    assert json.loads(done.stdout)["findings"] == []
    assert {path: (files / path).read_text() for path in texts} == texts


def test_the_report_marks_what_can_be_fixed() -> None:
    done = run()
    assert "= help: write `net.eval()` [*]\n" in done.stdout
    assert done.stdout.endswith("[*] 1 fix with --fix, 1 more with --fix --unsafe-fixes.\n")
