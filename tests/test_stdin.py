"""Standard input that is checked as if it were a file, in that file's project."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import NamedTuple

import pytest

from evalguard.cli import main
from samples import HELPER, NET

MAIN = """\
from app.helper import predict
from app.net import Net

net = Net()
print(predict(net, None))
"""
SLIP = "from app.net import Net\n\nnet = Net()\nnet.eval\n"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app").mkdir()
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "app" / "__init__.py").touch()
    (tmp_path / "app" / "net.py").write_text(NET)
    (tmp_path / "main.py").write_text(MAIN)
    return tmp_path


class Done(NamedTuple):
    returncode: int
    stdout: bytes
    stderr: bytes


Run = Callable[..., Done]
Checked = Callable[..., list[str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Check a text on standard input."""

    def checked(text: str | bytes, *arguments: str) -> Done:
        data = text.encode() if isinstance(text, str) else text
        monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(data)))
        return Done(main(["check", *arguments]), *capfdbinary.readouterr())

    return checked


@pytest.fixture
def concise(run: Run) -> Checked:
    """Check a text on standard input, and report each finding in a line."""

    def checked(text: str | bytes, *arguments: str) -> list[str]:
        done = run(text, "--output-format", "concise", "-q", *arguments)
        assert done.stderr == b""
        return done.stdout.decode().splitlines()

    return checked


def test_it_is_judged_in_the_project_of_its_file_which_needn_t_exist(concise: Checked) -> None:
    (told,) = concise(HELPER, "--stdin-filename", "app/helper.py")
    assert told.startswith("app/helper.py:6:16: EG102 ")
    assert concise(HELPER, "-") == []


def test_the_file_on_disk_doesn_t_count(project: Path, concise: Checked) -> None:
    (project / "app" / "helper.py").write_text(HELPER)
    assert concise(HELPER.replace("    with", "    net.eval()\n    with"), "-") == []
    right = HELPER.replace("    with", "    net.eval()\n    with")
    assert concise(right, "-", "--stdin-filename", "app/helper.py") == []
    (told,) = concise("\n" + HELPER, "--stdin-filename", str(project / "app" / "helper.py"))
    assert told.startswith(f"{project}/app/helper.py:7:16: EG102 ")


def test_without_a_name_it_is_a_file_here(concise: Checked) -> None:
    (told,) = concise(SLIP, "-")
    assert told.startswith("-:4:1: EG401 ")


def test_the_report_shows_the_text(project: Path, run: Run) -> None:
    (project / "slip.py").write_text("# something else\n" * 9)
    done = run(SLIP, "--stdin-filename", "slip.py")
    assert b"4 | net.eval\n" in done.stdout
    report = json.loads(run(SLIP, "--stdin-filename", "slip.py", "--output-format=json").stdout)
    (found,) = report["findings"]
    assert found["fix"]["edits"]


def test_its_configuration_and_comments_count(project: Path, concise: Checked) -> None:
    (project / "app" / "evalguard.toml").write_text('ignore = ["EG401"]\n')
    assert concise(SLIP, "--stdin-filename", "app/slip.py") == []
    assert len(concise(SLIP, "--stdin-filename", "slip.py")) == 1
    heard = SLIP.replace("eval", "eval  # evalguard: ignore[EG401] a test")
    assert concise(heard, "-") == []
    assert (
        concise(SLIP, "--stdin-filename", "slip.py", "--force-exclude", "--exclude=slip.py") == []
    )


def test_its_baseline_counts(project: Path, concise: Checked) -> None:
    (project / "slip.py").write_text(SLIP)
    assert main(["baseline", "-q", "slip.py"]) == 0
    (project / "slip.py").unlink()
    known = ("--stdin-filename", "slip.py", "--baseline", "evalguard-baseline.json")
    assert concise(f"# moved\n{SLIP}", *known) == []
    assert len(concise(f"{SLIP}net.train\n", *known)) == 1


@pytest.mark.parametrize(
    "text",
    [SLIP.encode(), SLIP.replace("\n", "\r\n").encode(), b"\xef\xbb\xbf" + SLIP.encode(),
     b"# coding: latin-1\n# \xe9\n" + SLIP.encode()],
    ids=["plain", "line ends", "byte order mark", "another encoding"],
)  # fmt: skip
def test_fix_writes_the_mended_text_and_reports_beside_it(
    project: Path, text: bytes, run: Run
) -> None:
    (project / "slip.py").write_text("pass\n")
    done = run(text, "--fix", "--stdin-filename", "slip.py")
    assert done.stdout == text.replace(b"net.eval", b"net.eval()")
    assert b"Fixed 1 problem in 1 file." in done.stderr
    assert b"No problems found" in done.stderr
    assert done.returncode == 0
    assert (project / "slip.py").read_text() == "pass\n"


@pytest.mark.parametrize(
    ("text", "arguments", "code"),
    [
        (HELPER, ["--stdin-filename", "app/helper.py"], 1),
        ("x = (\n", ["-"], 2),
        ("x = 1\n", ["-"], 0),
        (SLIP, ["--stdin-filename", "s.py", "--exclude", "s.py", "--force-exclude"], 0),
    ],
)
def test_what_isn_t_mended_comes_out_as_it_was(
    text: str, arguments: list[str], code: int, run: Run
) -> None:
    done = run(text, "--fix", *arguments)
    assert (done.stdout.decode(), done.returncode) == (text, code)


def test_fix_leaves_what_the_baseline_knows(project: Path, run: Run) -> None:
    (project / "slip.py").write_text(SLIP)
    assert main(["baseline", "-q", "slip.py"]) == 0
    (project / "slip.py").unlink()
    known = ("--stdin-filename", "slip.py", "--baseline", "evalguard-baseline.json", "-q")
    done = run(f"{SLIP}net.train\n", "--fix", *known)
    assert done.stdout.decode() == f"{SLIP}net.train()\n"
    assert (done.returncode, done.stderr) == (0, b"")


def test_diff_shows_what_would_change(run: Run) -> None:
    done = run(SLIP, "--diff", "--stdin-filename", "app/slip.py")
    assert done.stdout.startswith(b"--- app/slip.py\n+++ app/slip.py\n")
    assert b"-net.eval\n+net.eval()\n" in done.stdout


def test_a_notebook_is_one_by_its_name(concise: Checked) -> None:
    cell = {"cell_type": "code", "source": SLIP, "metadata": {}, "outputs": []}
    notebook = json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    (told,) = concise(notebook, "--stdin-filename", "slip.ipynb")
    assert told.startswith("slip.ipynb:cell 1:4:1: EG401 ")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["-", "main.py"], "it goes with no other path"),
        (["main.py", "--stdin-filename", "main.py"], "it goes with no other path"),
        (["--stdin-filename", "app"], "--stdin-filename: app is a directory"),
        (["-", "--add-ignores"], "--add-ignores writes into files"),
    ],
)
def test_what_can_t_be_meant_is_told(arguments: list[str], told: str, run: Run) -> None:
    done = run(SLIP, *arguments)
    assert (done.returncode, done.stdout) == (2, b"")
    assert told in done.stderr.decode()


def test_it_is_read_in_a_process_of_its_own() -> None:
    command = [sys.executable, "-m", "evalguard", "check", "-", "--fix", "-q"]
    done = subprocess.run(command, input=SLIP.encode(), capture_output=True, check=True)
    assert done.stdout == SLIP.replace("net.eval", "net.eval()").encode()
