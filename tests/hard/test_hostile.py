"""A repository that means harm: it speaks to no terminal or workflow, and leads nowhere else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import pytest

from evalguard.check import check_source
from evalguard.cli import main
from evalguard.report.formats import FORMATS

BAD = "\x1b[31m\x1b]8;;http://x\x07\x9b2J\u202e\u200b\r::error file=x::[bold]%0A<&>\u2028"
NAME = BAD.replace("/", "")
PROGRAM = f"""\
import torch
net = torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.Dropout())
s = {NAME!r}  # {BAD.replace(chr(13), "").replace("<", "")} evalguard: ignor[x{chr(27)}]
with torch.no_grad():
    print(net(x, "{BAD.replace(chr(13), "")}").argmax())  # evalguard: ignore[EG999{chr(0x9B)}]
"""
HARMFUL = {"Cc", "Cf", "Cs", "Zl", "Zp"}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / f"{NAME}.py").write_text(PROGRAM, "utf-8", newline="")
    (folder / f"broken{NAME}.py").write_text(f"x = {BAD}\n", "utf-8", newline="")
    (folder / f"broken{NAME}.ipynb").write_text(f"[{BAD}", "utf-8", newline="")
    (folder / os.fsdecode(b"\xff\x1b[2J.py")).write_text("x = (\n", "utf-8")
    return folder


def run(*arguments: str, at: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        (sys.executable, "-m", "evalguard", *arguments),
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONUTF8": "1"},
        cwd=at,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def harm(output: bytes) -> set[str]:
    """What a terminal would obey or hide."""
    text = output.decode("utf-8", "surrogateescape").replace("\n", "")
    return {char for char in text if unicodedata.category(char) in HARMFUL}


def test_the_program_is_read_and_has_something_to_tell() -> None:
    result = check_source(PROGRAM)
    assert not result.errors
    assert {finding.rule for finding in result.findings} >= {"no-grad-instead-of-eval"}


WAYS: tuple[Sequence[str], ...] = (
    *(("--output-format", name) for name in FORMATS),
    ("--statistics",),
    ("-v",),
    ("--warn-unused-ignores",),
    ("--add-ignores",),
    ("--fix", "--unsafe-fixes"),
)


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("way", WAYS, ids=" ".join)
def test_nothing_speaks_to_a_terminal_or_a_workflow(way: Sequence[str]) -> None:
    done = run("check", "--min-confidence", "possible", *way)
    assert b"internal error" not in done.stderr
    assert harm(done.stdout + done.stderr) == set()
    lines = (done.stdout + done.stderr).decode("utf-8", "surrogateescape").split("\n")
    commands = [line for line in lines if line.lstrip().startswith(("::", "##["))]
    assert not commands or "github" in way
    for line in commands:
        assert re.fullmatch(r"::(error|warning|notice) file=[^:]*::[^\r\n]*", line)


@pytest.mark.parametrize(
    "line",
    [
        "KEY = 1",
        "select = [VALUE]",
        "output-format = VALUE",
        "per-file-ignores = { VALUE = [VALUE] }",
        "baseline = VALUE",
        "exclude = [VALUE, '']",
        "severity = { VALUE = VALUE }",
        "knowledge = { VALUE = { VALUE = VALUE } }",
        "src = [VALUE]\nselect = 1",
        "= VALUE",
    ],
)
def test_configuration_speaks_to_no_terminal(repository: Path, line: str) -> None:
    value = '"' + "".join(f"\\u{ord(char):04x}" for char in NAME) + '"'
    text = line.replace("VALUE", value).replace("KEY", value)
    (repository / "evalguard.toml").write_text(f"{text}\n", "utf-8")
    for command in (["check"], ["config"], ["baseline", "-o", "-"]):
        done = run(*command)
        assert b"internal error" not in done.stderr
        assert harm(done.stdout + done.stderr) == set()
        assert b"\n::" not in done.stdout + done.stderr


def test_a_baseline_speaks_to_no_terminal(repository: Path) -> None:
    (repository / NAME).write_text('{"version": "\\u001b[2J\\u202e", "findings": []}', "utf-8")
    value = "".join(f"\\u{ord(char):04x}" for char in NAME)
    (repository / "evalguard.toml").write_text(f'baseline = "{value}"\n', "utf-8")
    done = run("check")
    assert done.returncode == 2
    assert harm(done.stdout + done.stderr) == set()


@pytest.mark.usefixtures("repository")
def test_a_diff_speaks_to_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["check", "--diff", "--unsafe-fixes", f"{NAME}.py"]) == 1
    told = capsys.readouterr().out
    assert "+" in told
    assert harm(told.encode()) == set()


def test_a_link_leads_nowhere_else(repository: Path) -> None:
    outside = repository.parent / "outside.py"
    outside.write_text(PROGRAM, "utf-8")
    (repository / "link.py").symlink_to(outside)
    done = run("check", "--fix", "--unsafe-fixes", "--output-format", "concise")
    assert b"link.py" not in done.stdout
    assert outside.read_text("utf-8") == PROGRAM


def test_what_is_written_follows_no_link(repository: Path) -> None:
    for name in ("evalguard-baseline.json", "evalguard-baseline.json.tmp"):
        (repository / name).symlink_to(repository.parent / f"of {name}")
    assert run("baseline").returncode == 0
    assert [path.name for path in repository.parent.iterdir()] == ["repository"]


def test_the_code_that_is_read_is_never_run(repository: Path) -> None:
    bomb = f"import os\nos.mkdir({os.fspath(repository.parent / 'ran')!r})\n"
    for name in ("torch", "click", "evalguard", "json", "sitecustomize", "conftest", "setup"):
        (repository / f"{name}.py").write_text(bomb, "utf-8")
    (repository / "torch.py").write_text(f"{bomb}{PROGRAM}", "utf-8")
    script = Path(sys.executable).with_name("evalguard")
    command = [os.fspath(script)] if script.exists() else [sys.executable, "-P", "-m", "evalguard"]
    if not script.exists() and sys.version_info < (3, 11):
        pytest.skip("without the script, Python itself would look into the current folder")
    subprocess.run([*command, "check", "--fix"], capture_output=True, check=False)
    assert not (repository.parent / "ran").exists()
