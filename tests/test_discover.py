"""Which files a path stands for, and what they are called."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from evalguard.discover import Found, NoSuchPath, TooMany, below, discover
from evalguard.finding import FileError


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory to stand in; no repository is above it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    return tmp_path


def plant(*paths: str) -> None:
    for path in map(Path, paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def git(*arguments: str, at: str = ".") -> None:
    subprocess.run(["git", "-C", at, *arguments], check=True, capture_output=True)


def files(*paths: str) -> list[str]:
    found = discover(paths)
    assert not found.errors
    return list(found.files)


SMALL = ("b.py", "a/z.py", "a/b/c.py", "a.py", "a-b/x.py", "notes.txt", "stub.pyi", "page.ipynb")
SMALL_FOUND = ["a/b/c.py", "a/z.py", "a-b/x.py", "a.py", "b.py", "page.ipynb"]


@pytest.fixture(params=["walk", "git"])
def way(request: pytest.FixtureRequest, tree: Path) -> Path:
    if request.param == "git":
        git("init", "-q")
    return tree


@pytest.mark.usefixtures("way")
def test_the_current_directory_is_not_named() -> None:
    plant(*SMALL)
    assert files(".") == SMALL_FOUND


@pytest.mark.parametrize("given", ["src", "src/", "./src", "../{here}/src", "{top}/src"])
def test_paths_are_as_given_joined_with_what_is_below(way: Path, given: str) -> None:
    plant(*(f"src/{path}" for path in SMALL), "other.py")
    given = given.format(here=way.name, top=way)
    assert files(given) == [os.path.join(given, path) for path in SMALL_FOUND]


@pytest.mark.usefixtures("way")
def test_directories_without_code_of_the_project_are_left_out() -> None:
    plant(".venv/a.py", "build/a.py", "x/node_modules/a.py", "x/__pycache__/a.py", "x/.tox/y/a.py")
    plant("my-env/pyvenv.cfg", "my-env/lib/a.py", ".github/a.py", "rebuild/a.py", "x/build.py")
    assert files(".") == [".github/a.py", "rebuild/a.py", "x/build.py"]


@pytest.mark.usefixtures("way")
def test_what_is_given_is_checked() -> None:
    plant("build/a.py", "build/lib/venv/b.py", "tool")
    assert files("build", "tool") == ["build/a.py", "tool"]
    assert files("build/lib/venv") == ["build/lib/venv/b.py"]


@pytest.mark.usefixtures("way")
def test_each_file_comes_once_under_its_first_name() -> None:
    plant("a/x.py", "a/y.py")
    assert files("./a/y.py", "a", ".") == ["./a/y.py", "a/x.py"]


def test_links(way: Path) -> None:
    plant("a/x.py", "elsewhere/y.py")
    Path("a/loop").symlink_to(way, target_is_directory=True)
    Path("a/link.py").symlink_to(way / "a/x.py")
    Path("a/broken.py").symlink_to("nowhere")
    Path("a/away").symlink_to(way / "elsewhere", target_is_directory=True)
    Path("a/out.py").symlink_to(way / "elsewhere/y.py")
    assert files("a") == ["a/link.py", "a/x.py"]
    assert files("a/away") == ["a/away/y.py"]
    assert files("a/out.py") == ["a/out.py"]


@pytest.mark.usefixtures("way")
def test_what_is_no_file() -> None:
    plant("a/x.py", "a/folder.py/y.py")
    Path("a/round.py").symlink_to("round.py")
    if hasattr(os, "mkfifo"):
        os.mkfifo("a/pipe.py")
    assert files("a") == ["a/folder.py/y.py", "a/x.py"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no path is that long")
@pytest.mark.usefixtures("tree")
def test_folders_deeper_than_python_calls() -> None:
    deep = "/".join("d" * 1500)
    here = Path.cwd()
    for _ in range(3):
        half = "/".join("d" * 500)
        os.makedirs(half)
        os.chdir(half)
    Path("x.py").touch()
    os.chdir(here)
    found = files("d")
    Path(f"{deep}/x.py").unlink()
    os.removedirs(deep)  # what clears up after tests calls itself for each folder
    assert found == [f"{deep}/x.py"]


def test_environments_that_git_tracks(repository: Path) -> None:
    plant("env/pyvenv.cfg", "env/lib/deep/a.py")
    git("add", "-f", "env")
    assert files(".") == ["kept.py", "new.py", "sub/deep/b.py"]
    assert files("env") == ["env/lib/deep/a.py"]
    assert files(str(repository / "env/lib")) == [str(repository / "env/lib/deep/a.py")]


@pytest.mark.usefixtures("repository")
def test_a_tracked_folder_that_can_t_be_listed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def scandir(path: str, real: Callable[[str], object] = os.scandir) -> object:
        if path.endswith("deep"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert discover(["."]) == Found(
        ("kept.py", "new.py", "sub/deep/b.py"),
        (FileError("sub/deep", "can't be listed: permission denied"),),
    )


def test_a_path_that_does_not_exist(tree: Path) -> None:
    plant("a.py")
    with pytest.raises(NoSuchPath, match=r"no such file or directory: b\.py"):
        discover(["a.py", "b.py"])
    (tree / "dangling").symlink_to("nowhere")
    with pytest.raises(NoSuchPath):
        discover(["dangling"])


@pytest.mark.usefixtures("tree")
def test_nothing_to_find() -> None:
    plant("a/readme.md")
    assert discover(["a"]) == Found((), ())


@pytest.mark.usefixtures("tree")
def test_a_directory_that_can_t_be_listed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def scandir(path: str, real: Callable[[str], object] = os.scandir) -> object:
        if path.endswith("locked"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    plant("locked/x.py", "open/y.py")
    monkeypatch.setattr(os, "scandir", scandir)
    assert discover(["."]) == Found(
        ("open/y.py",), (FileError("locked", "can't be listed: permission denied"),)
    )


@pytest.fixture
def repository(tree: Path) -> Path:
    git("init", "-q")
    plant("kept.py", "new.py", "skipped.py", "out/a.py", "sub/deep/b.py", "sub/deep/local.py")
    Path(".gitignore").write_text("skipped.py\n/out/\n")
    Path("sub/.gitignore").write_text("local.py\n")
    git("add", "kept.py")
    return tree


@pytest.mark.usefixtures("repository")
def test_what_git_ignores_is_left_out() -> None:
    assert files(".") == ["kept.py", "new.py", "sub/deep/b.py"]
    assert files("sub/deep") == ["sub/deep/b.py"]


@pytest.mark.usefixtures("repository")
def test_what_git_ignores_is_checked_if_given() -> None:
    assert files("out", "skipped.py") == ["out/a.py", "skipped.py"]


@pytest.mark.usefixtures("repository")
def test_what_is_tracked_but_deleted_is_no_file() -> None:
    Path("kept.py").unlink()
    assert files(".") == ["new.py", "sub/deep/b.py"]


@pytest.mark.usefixtures("repository")
def test_a_repository_in_the_repository_is_searched() -> None:
    plant("inner/a.py", "inner/ignored.py", "inner/build/c.py")
    git("init", "-q", at="inner")
    Path("inner/.gitignore").write_text("ignored.py\n")
    assert files(".") == ["inner/a.py", "kept.py", "new.py", "sub/deep/b.py"]


@pytest.mark.usefixtures("repository")
def test_names_that_git_would_quote() -> None:
    plant("naïve name.py", 'say "x".py')
    assert files(".")[1:4] == ["naïve name.py", "new.py", 'say "x".py']


def test_no_hook_of_the_repository_is_run(repository: Path) -> None:
    hook = repository / "hook"
    hook.write_text("#!/bin/sh\ntouch ran\n")
    hook.chmod(0o755)
    git("config", "core.fsmonitor", "./hook")
    assert files(".") == ["kept.py", "new.py", "sub/deep/b.py"]
    assert not (repository / "ran").exists()


@pytest.mark.usefixtures("repository")
def test_without_git_the_tree_is_walked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert "skipped.py" in files(".")


@pytest.mark.usefixtures("way")
def test_below() -> None:
    plant("a/x.py", "a/b/y.py", "a/notes.txt", "a/.venv/z.py")
    assert below("a", 2) == (os.path.join("a", "b", "y.py"), os.path.join("a", "x.py"))
    with pytest.raises(TooMany):
        below("a", 1)


@pytest.mark.usefixtures("tree")
def test_below_a_folder_full_of_other_things() -> None:
    plant("a/x.py", *(f"a/{number}.txt" for number in range(100)))
    with pytest.raises(TooMany):
        below("a", 1)
    assert below("a", 2) == (os.path.join("a", "x.py"),)
