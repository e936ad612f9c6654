"""Which other files belong to the project of a path."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from evalguard.context import project
from evalguard.context.project import neighbours


@pytest.fixture(autouse=True)
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to stand in, which is no project; nothing above it is looked at."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    return here


def plant(*paths: str) -> None:
    for path in map(Path, paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def around(*paths: str) -> list[str]:
    files = [path for path in paths if not os.path.isdir(path)]
    return list(neighbours(paths, files))


@pytest.mark.parametrize("mark", ["pyproject.toml", "setup.py", "setup.cfg", ".git", "README.md"])
def test_a_mark_tells_the_project(mark: str) -> None:
    plant(f"a/{mark}", "a/pkg/sub/x.py", "a/run.py", "b/y.py")
    others = ["a/run.py", f"a/{mark}"] if mark == "setup.py" else ["a/run.py"]
    assert around("a/pkg/sub/x.py") == others


def test_the_nearest_mark_counts() -> None:
    plant("pyproject.toml", "a/pyproject.toml", "a/lib/x.py", "a/lib/y.py", "z.py")
    assert around("a/lib/x.py") == ["a/lib/y.py"]


def test_a_surer_mark_counts_before_a_nearer_one() -> None:
    plant("pyproject.toml", "a/README.md", "a/x.py", "z.py")
    assert around("a/x.py") == ["z.py"]


def test_a_package_is_no_project() -> None:
    plant("pyproject.toml", "a/__init__.py", "a/ops/__init__.py", "a/ops/setup.py", "a/ops/x.py")
    assert around("a/ops/x.py") == ["a/__init__.py", "a/ops/__init__.py", "a/ops/setup.py"]


@pytest.mark.parametrize("mark", [".git", "setup.py", "LICENSE"])
def test_a_project_that_is_a_package_itself(mark: str) -> None:
    plant("a/__init__.py", f"a/{mark}", "a/lib/__init__.py", "a/lib/x.py", "other/y.py")
    found = around("a/lib/x.py")
    assert found == sorted({"a/__init__.py", "a/lib/__init__.py", f"a/{mark}"} - {
        "a/.git", "a/LICENSE",
    })  # fmt: skip


def test_without_a_mark_it_is_the_folder_around_the_package() -> None:
    plant("a/train.py", "a/pkg/__init__.py", "a/pkg/x.py", "a/data/y.py", "z.py")
    assert around("a/pkg/x.py") == ["a/data/y.py", "a/pkg/__init__.py", "a/train.py"]
    assert around("a/train.py") == ["a/data/y.py", "a/pkg/__init__.py", "a/pkg/x.py"]


def test_src() -> None:
    plant("pyproject.toml", "src/pkg/__init__.py", "src/pkg/x.py", "tests/test_x.py")
    assert around("src/pkg/x.py") == ["src/pkg/__init__.py", "tests/test_x.py"]


def test_an_installed_package_is_read_by_itself() -> None:
    plant("pyproject.toml", "run.py", "env/site-packages/a/__init__.py", "env/site-packages/b.py")
    plant("env/site-packages/a/x.py")
    assert around("env/site-packages/a/x.py") == ["env/site-packages/a/__init__.py"]
    assert around("env/site-packages/b.py") == []


def test_the_home_directory_is_no_project(tree: Path) -> None:
    plant("../x.py", "../y.py", "../pyproject.toml", "z.py")
    assert around("../x.py") == ["../y.py"]
    assert around(str(tree / "../x.py")) == [str(tree.parent / "y.py")]


def test_too_large_a_folder_is_no_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project, "MOST_LISTED", 3)
    plant("a/pkg/__init__.py", "a/pkg/x.py", "a/pkg/y.py", "a/z.py")
    assert around("a/pkg/x.py") == ["a/pkg/__init__.py", "a/pkg/y.py"]
    plant("a/pkg/1.py", "a/pkg/sub/2.py")
    assert around("a/pkg/x.py") == ["a/pkg/1.py", "a/pkg/__init__.py", "a/pkg/y.py"]


def test_a_folder_full_of_other_things_is_no_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project, "MOST_LISTED", 1)
    plant("x.py", *(f"data/{number}.txt" for number in range(200)))
    plant("y.py")
    assert around("x.py") == ["y.py"]


def test_folders_in_their_project() -> None:
    plant("pyproject.toml", "a/x.py", "b/y.py")
    assert around("a") == ["a/x.py", "b/y.py"]
    assert neighbours(["a"], ["a/x.py"]) == ("b/y.py",)
    assert around(".") == []
    assert around("a", ".") == []


def test_paths_are_named_as_they_were_given(tree: Path) -> None:
    plant("pyproject.toml", "a/x.py", "b/y.py")
    assert around(str(tree / "a/x.py")) == [str(tree / "b/y.py")]
    os.chdir("a")
    assert around("x.py") == ["../b/y.py"]


def test_what_git_ignores_is_left_out() -> None:
    subprocess.run(["git", "init", "-q"], check=True)
    Path(".gitignore").write_text("out/\n")
    plant("x.py", "out/y.py", "z.py")
    assert around("x.py") == ["z.py"]


def test_links_that_lead_out_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "away.py").touch()
    plant("pyproject.toml", "x.py", "lib/y.py")
    Path("out.py").symlink_to(tmp_path / "away.py")
    Path("in.py").symlink_to("lib/y.py")
    Path("more").symlink_to(tmp_path, target_is_directory=True)
    assert around("x.py") == ["in.py", "lib/y.py"]
