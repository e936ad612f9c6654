"""The plugin, as the real flake8 runs it."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import pytest

from evalguard.config.files import ConfigError
from evalguard.flake8 import plugin
from samples import HELPER, NET

ROOT = Path(__file__).parents[1]
MAIN = """\
from helper import predict
from net import Net

net = Net()
net.eval
print(predict(net, None))
"""
CONFIGURATION = "[flake8]\njobs = 1\n"
# The entry point, for an evalguard that is imported from its source and installed without it.
LOCAL = "[flake8:local-plugins]\nextension =\n    EG = evalguard.flake8:plugin\n"
IS_INSTALLED = bool(entry_points(group="flake8.extension", name="EG"))


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in (("net", NET), ("helper", HELPER), ("main", MAIN)):
        (tmp_path / f"{name}.py").write_text(text)
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / ".flake8").write_text(CONFIGURATION + ("" if IS_INSTALLED else LOCAL))
    return tmp_path


def flake8(*arguments: str, text: str | None = None) -> tuple[list[str], str]:
    done = subprocess.run(
        [sys.executable, "-m", "flake8", "--select", "EG", *arguments],
        input=text,
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    return done.stdout.splitlines(), done.stderr


def told(name: str, text: str) -> list[str]:
    return [report.text.split(":")[0] for report in plugin(None, name, text.splitlines(True))]  # type: ignore[arg-type]


def test_it_reports_each_file_in_its_project() -> None:
    found, errors = flake8(".")
    assert errors == ""
    assert [line.split(": ")[:2] for line in found] == [
        ["./helper.py:6:16", "EG102 no-grad-instead-of-eval"],
        ["./main.py:5:1", "EG401 attr-without-call"],
    ]


def test_comments_configuration_and_flake8_s_own_choice_count(project: Path) -> None:
    heard = MAIN.replace("net.eval\n", "net.eval  # evalguard: ignore[EG401] a test\n")
    (project / "main.py").write_text(heard)
    assert flake8("--extend-ignore", "EG102", ".") == ([], "")
    (project / "main.py").write_text(MAIN.replace("net.eval\n", "net.eval  # noqa: EG401\n"))
    (project / "evalguard.toml").write_text('ignore = ["EG1"]\n')
    assert flake8(".") == ([], "")


def test_standard_input_has_a_name() -> None:
    found, errors = flake8("--stdin-display-name", "main.py", "-", text=f"\n{MAIN}")
    assert (len(found), errors) == (1, "")
    assert found[0].startswith("main.py:6:1: EG401 ")


def test_a_configuration_that_can_t_be_used_is_told(project: Path) -> None:
    (project / "evalguard.toml").write_text("\nignroe = []\n")
    found, _ = flake8("main.py")
    assert "evalguard.toml:2: unknown key `ignroe`" in found[0]
    with pytest.raises(ConfigError):
        told("main.py", MAIN)


def test_what_is_excluded_is_left_out(project: Path) -> None:
    assert told("main.py", MAIN) == ["EG401 attr-without-call"]
    (project / "evalguard.toml").write_text('exclude = ["main.py"]\n')
    assert told("main.py", MAIN) == []


def test_what_the_baseline_knows_is_left_out(project: Path) -> None:
    subprocess.run([sys.executable, "-m", "evalguard", "baseline", "-q"], check=True)
    (project / "evalguard.toml").write_text('baseline = "evalguard-baseline.json"\n')
    assert told("main.py", f"# moved\n{MAIN}") == []
    assert told("main.py", f"{MAIN}net.train\n") == ["EG401 attr-without-call"]


def test_the_entry_point_leads_to_it() -> None:
    line = next(
        line for line in (ROOT / "pyproject.toml").read_text().splitlines() if line[:5] == "EG = "
    )
    name, value = line.replace('"', "").split(" = ")
    assert EntryPoint(name, value, "flake8.extension").load() is plugin
