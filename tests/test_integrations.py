"""What other programs run evalguard by: pre-commit's hook and the GitHub Action."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.integrations import ACTION, HOOKS, PAGE, rewritten

ROOT = Path(__file__).parents[1]
PROJECT = (
    "src",
    "hatch_build.py",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "action.yml",
    ".pre-commit-hooks.yaml",
)
SLIP = "from torch import nn\n\nnet = nn.Dropout()\nnet.eval\n"
USER = """\
from evalguard import Finding, Options, Result, check_paths, check_source

result: Result = check_source("", "x.py", Options(select=("EG1",)))
findings: tuple[Finding, ...] = check_paths(["."]).findings
reveal_type([finding.place.line for finding in result.findings])
check_paths(3)
"""
BASH = shutil.which("bash")


def run(
    *command: str, cwd: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command that doesn't know of the source that is tested here."""
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        command,
        cwd=cwd,
        env={**clean, **(env or {})},
        capture_output=True,
        check=False,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
    )


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    done = run("git", *who, *arguments, cwd=folder)
    assert done.returncode == 0, done.stderr


def repository(folder: Path, files: Mapping[str, str]) -> Path:
    """Make a git repository with these files staged."""
    folder.mkdir()
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    return folder


@pytest.fixture
def evalguard(tmp_path: Path) -> Path:
    """A repository of evalguard's own, with a commit."""
    folder = repository(tmp_path / "evalguard", {})
    for name in PROJECT:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name)
        else:
            shutil.copy(ROOT / name, folder)
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "All of it")
    return folder


def script() -> str:
    """What the action runs."""
    action = yaml.safe_load(ACTION.read_text(encoding="utf-8"))
    command: str = action["runs"]["steps"][-1]["run"]
    return command


def test_the_hooks_are_as_pre_commit_wants_them() -> None:
    done = run(sys.executable, "-m", "pre_commit", "validate-manifest", str(HOOKS), cwd=ROOT)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_action_is_as_github_wants_it() -> None:
    schema = ("--builtin-schema", "vendor.github-actions")
    done = run(sys.executable, "-m", "check_jsonschema", *schema, str(ACTION), cwd=ROOT)
    assert done.returncode == 0, done.stdout


def test_each_input_reaches_the_script_by_its_environment_only() -> None:
    action: dict[str, Any] = yaml.safe_load(ACTION.read_text(encoding="utf-8"))
    *_, step = action["runs"]["steps"]
    used = json.dumps(action["runs"])
    assert [name for name in action["inputs"] if f"inputs.{name}" not in used] == []
    assert "${{" not in step["run"]
    assert [name for name in step["env"] if f"${name}" not in step["run"].replace("{", "")] == []


STAND_IN = """\
#!/bin/sh
# Makes an environment whose commands are this one, which tells what it is called with.
case "$1 $2" in
"-m venv") mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && cp "$0" "$3/bin/evalguard" ;;
*) printf '%s' "$(basename "$0")" && printf '|%s' "$@" && echo ;;
esac
"""


@pytest.mark.skipif(BASH is None, reason="there is no bash")
@pytest.mark.parametrize(
    ("inputs", "installed", "checked"),
    [
        ({"PATHS": "."}, "|/the action", "|--|."),
        ({"PATHS": "a b\nc\n", "VERSION": "0.1.0"}, "|evalguard==0.1.0", "|--|a|b|c"),
        ({"PATHS": "$(touch x) *", "ARGS": ""}, "|/the action", "|--|$(touch|x)|*"),
        (
            {"PATHS": "-q", "ARGS": "--select EG1\n--fail-on note"},
            "|/the action",
            "|--select|EG1|--fail-on|note|--|-q",
        ),
    ],
)
def test_the_action_s_script_hands_its_inputs_on(
    inputs: dict[str, str], installed: str, checked: str, tmp_path: Path
) -> None:
    python = tmp_path / "python3"
    python.write_text(STAND_IN)
    python.chmod(0o755)
    given = {"PYTHON": str(python), "RUNNER_TEMP": str(tmp_path / "a b"), "VERSION": "", "ARGS": ""}
    done = run(
        *("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script()),
        cwd=tmp_path,
        env={**given, "GITHUB_ACTION_PATH": "/the action", **inputs},
    )
    assert done.stderr == ""
    install, check = done.stdout.splitlines()
    assert install == f"python|-m|pip|install|--quiet|--disable-pip-version-check{installed}"
    assert check == f"evalguard|check|--output-format|github{checked}"
    assert not (tmp_path / "x").exists()


@pytest.mark.installs
def test_pre_commit_runs_the_hook_on_what_is_staged(evalguard: Path, tmp_path: Path) -> None:
    cell = {"cell_type": "code", "source": SLIP, "metadata": {}, "outputs": []}
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    files = {
        "slip.py": SLIP,
        "notes.txt": SLIP,
        "slip.ipynb": json.dumps(notebook),
        "build/slip.py": SLIP,
    }
    project = repository(tmp_path / "project", files)
    (project / "new.py").write_text(SLIP)
    command = (sys.executable, "-m", "pre_commit", "try-repo", str(evalguard), "evalguard")
    home = {"PRE_COMMIT_HOME": str(tmp_path / "home")}
    done = run(*command, cwd=project, env=home)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "--> slip.py:4:1" in done.stdout
    assert "--> slip.ipynb:cell 1:4:1" in done.stdout
    assert "Found 2 problems (2 errors) in 2 files." in done.stdout
    (project / "slip.py").write_text(SLIP.replace("net.eval", "net.eval()"))
    git(project, "rm", "-q", "--cached", "slip.ipynb")
    git(project, "add", "slip.py")
    done = run(*command, cwd=project, env=home)
    assert (done.returncode, "Passed" in done.stdout) == (0, True), done.stdout


@pytest.mark.installs
@pytest.mark.skipif(BASH is None, reason="there is no bash")
def test_the_action_annotates_and_fails(evalguard: Path, tmp_path: Path) -> None:
    project = repository(tmp_path / "project", {"slip.py": SLIP, "other/slip.py": SLIP})
    given = {"PYTHON": sys.executable, "RUNNER_TEMP": str(tmp_path), "VERSION": "", "ARGS": ""}
    env = {**given, "GITHUB_ACTION_PATH": str(evalguard), "PATHS": "slip.py"}
    shell = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script())
    done = run(*shell, cwd=project, env=env)
    assert done.stdout.startswith("::error "), done.stdout + done.stderr
    assert "file=slip.py,line=4" in done.stdout
    assert (done.stdout.count("::error "), done.returncode) == (1, 1)


@pytest.mark.installs
def test_flake8_and_mypy_find_what_is_installed(evalguard: Path, tmp_path: Path) -> None:
    project = repository(tmp_path / "project", {"slip.py": SLIP})
    run(sys.executable, "-m", "venv", str(tmp_path / "venv"), cwd=tmp_path)
    python = str(tmp_path / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
    done = run(python, "-m", "pip", "install", "-q", "flake8", str(evalguard), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    done = run(python, "-m", "flake8", "--require-plugins", "evalguard", cwd=project)
    assert done.stdout.startswith("./slip.py:4:1: EG401 attr-without-call: "), done.stdout
    (project / "user.py").write_text(USER)
    mypy = (sys.executable, "-m", "mypy", "--strict", "--python-executable", python, "user.py")
    revealed, wrong, _ = run(*mypy, cwd=project).stdout.splitlines()
    assert "list[" in revealed
    assert 'Argument 1 to "check_paths"' in wrong


def test_the_page_shows_what_is_declared() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert rewritten(text) == text, "run `python -m tools.integrations`"
    assert "id: evalguard" in text
    assert "| `python-version` |" in text
