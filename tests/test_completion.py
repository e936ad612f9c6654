"""Completion, as real shells ask for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from evalguard.cli import main
from evalguard.cli.completing import SHELLS
from evalguard.rules import load

BASH = shutil.which("bash")


@pytest.fixture
def path(tmp_path: Path) -> str:
    """The path to commands, with evalguard as a command there."""
    command = tmp_path / "evalguard"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m evalguard "$@"\n')
    command.chmod(0o755)
    return f"{tmp_path}{os.pathsep}{os.environ['PATH']}"


def completed(path: str, line: str) -> list[str]:
    """What bash offers at the end of a line."""
    *_, last = words = line.split(" ")
    before = words[-2] if len(words) > 1 else ""
    script = f"""\
eval "$(evalguard completion bash)"
COMP_WORDS=({line!s} {'""' if not last else ""})
COMP_CWORD={len(words) - 1}
_evalguard_completion evalguard "{last}" "{before}"
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        check=True,
        encoding="utf-8",
        env=os.environ | {"PATH": path},
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.skipif(BASH is None, reason="there is no bash")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("evalguard co", ["completion", "config"]),
        ("evalguard completion ", list(SHELLS)),
        ("evalguard check --output-format sa", ["sarif"]),
        ("evalguard check --stdin", ["--stdin-filename"]),
        ("evalguard rule never", ["never-back-to-train"]),
        ("evalguard check --select EG101,train-", ["EG101,train-in-eval"]),
    ],
)
def test_bash_completes(path: str, line: str, offered: list[str]) -> None:
    assert completed(path, line) == offered


@pytest.mark.skipif(BASH is None, reason="there is no bash")
def test_bash_knows_all_rules(path: str) -> None:
    names = {word for rule in load() for word in (rule.name, rule.code)}
    assert set(completed(path, "evalguard rule ")) == names


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_for_each_shell(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert f"_EVALGUARD_COMPLETE={shell}_complete" in script
    checker = shutil.which(shell)
    if checker:
        subprocess.run([checker, "-n"], input=script, check=True, encoding="utf-8")


def test_the_variable_works_as_well() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "evalguard"],
        capture_output=True,
        check=True,
        encoding="utf-8",
        env=os.environ | {"_EVALGUARD_COMPLETE": "fish_source"},
    )
    assert "complete --no-files --command evalguard" in done.stdout


def test_other_shells_are_told() -> None:
    assert main(["completion", "tcsh"]) == 2
