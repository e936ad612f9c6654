"""The cache: what is looked at again after what, and that the output never tells."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import literate
from evalguard import cli, judging
from evalguard.cache import keys, store
from evalguard.cache.codec import Foreign, decoded, encoded
from evalguard.cache.store import Store, usual
from evalguard.check import check_paths, check_texts
from evalguard.finding import Confidence, FileError, Result
from evalguard.options import Options
from evalguard.places import Cell
from evalguard.programs import Files
from evalguard.report.formats import FORMATS
from test_programs import LEAK, NET, write

SHOWN = Options(min_confidence=Confidence.POSSIBLE)
LONG_AGO = time.time() - 1000


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs, long unchanged; it is the current one."""
    folder = tmp_path / "project"
    monkeypatch.chdir(tmp_path)
    write(folder, {
        "pyproject.toml": "",
        "a/nets.py": NET, "a/run.py": LEAK.format(nets="nets"),
        "b/nets.py": NET, "b/run.py": LEAK.format(nets="nets"),
        "plain.py": "import json\n", "bad.py": "x = (\n",
        "cells.ipynb": json.dumps({
            "cells": [{"cell_type": "code", "source": LEAK.format(nets="a.nets")}],
            "nbformat": 4, "metadata": {},
        }),
    })  # fmt: skip
    age(folder)
    monkeypatch.chdir(folder)
    return folder


def age(folder: Path) -> None:
    for path in folder.rglob("*.*"):
        os.utime(path, (LONG_AGO, LONG_AGO))


@pytest.fixture
def kept(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "cache"))


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The first file of each program that is checked from now on."""
    seen: list[str] = []
    check = judging.Judge.files

    def noted(self: judging.Judge, files: Files, *each: Callable[[], object]) -> Result:
        seen.append(files.asked[0])
        return check(self, files, *each)

    monkeypatch.setattr(judging.Judge, "files", noted)
    return seen


def touch(project: Path) -> None:
    os.utime(project / "a/run.py", (LONG_AGO + 5, LONG_AGO + 5))


def change(project: Path) -> None:
    path = project / "a/run.py"
    path.write_text("# changed\n" + path.read_text())


def cure(project: Path) -> None:
    (project / "a/run.py").write_text("import nets\n")


def add(project: Path) -> None:
    (project / "b/more.py").write_text("import run\n")


def add_alone(project: Path) -> None:
    (project / "more.py").write_text("x = 1\n")


def delete(project: Path) -> None:
    (project / "b/nets.py").unlink()


def rename(project: Path) -> None:
    (project / "a/nets.py").rename(project / "a/networks.py")


def part(project: Path) -> None:
    """Make two projects of one."""
    (project / "pyproject.toml").unlink()
    (project / "bad.py").rename(project / "b/bad.py")


def nothing(_: Path) -> None:
    """Change nothing."""


CHANGES = {
    nothing: [],
    touch: [],
    change: ["a/nets.py"],
    cure: ["a/nets.py"],
    add: ["b/more.py"],
    add_alone: ["more.py"],
    delete: ["b/run.py"],
    rename: ["a/networks.py", "a/run.py", "cells.ipynb"],
}


@pytest.mark.parametrize("form", FORMATS)
def test_cold_and_warm_are_the_same(
    project: Path, kept: Store, form: str, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    command = ["check", "--min-confidence", "possible", "--output-format", form]

    def output(*more: str) -> tuple[int, bytes]:
        code = cli.main([*command, *more])
        out, err = capsysbinary.readouterr()
        assert err == b""
        return code, out

    warm = ("--cache-dir", kept.folder)
    for apply in (nothing, *CHANGES, part):
        apply(project)
        expected = output("--no-cache")
        assert output(*warm) == expected, apply
        age(project)
        assert output(*warm) == expected, apply
        assert output(*warm, "--jobs", "2") == expected, apply


@pytest.mark.parametrize("apply", CHANGES)
def test_only_what_depends_on_a_change_is_looked_at_again(
    project: Path, kept: Store, looked_at: list[str], apply: Callable[[Path], None]
) -> None:
    check_paths(["."], SHOWN, store=kept)
    assert looked_at == ["a/nets.py", "b/nets.py", "bad.py", "plain.py"]
    looked_at.clear()
    apply(project)
    result = check_paths(["."], SHOWN, store=kept)
    assert looked_at == CHANGES[apply]
    assert result == check_paths(["."], SHOWN)


def test_nothing_is_opened_if_nothing_has_changed(
    project: Path, kept: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = check_paths(["."], store=kept)
    monkeypatch.setattr("evalguard.source.raw", None)
    monkeypatch.setattr("evalguard.judging.Judge", None)
    assert check_paths(["."], store=kept) == first
    assert project.exists()


def test_other_options_and_knowledge_have_results_of_their_own(
    project: Path, kept: Store, looked_at: list[str]
) -> None:
    layers: dict[str, dict[str, object]] = {"torch.nn.Dropout": {"sensitive": "no"}}
    for options in (SHOWN, Options(select=("EG2",)), Options(knowledge={"layers": layers})):
        expected = check_paths(["."], options)
        looked_at.clear()
        assert check_paths(["."], options, store=kept) == expected
        assert looked_at
        looked_at.clear()
        assert check_paths(["."], options, store=kept) == expected
        assert not looked_at
    assert project.exists()


def test_another_evalguard_has_results_of_its_own(
    project: Path, kept: Store, looked_at: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    check_paths(["."], store=kept)
    for name, value in (("__version__", "99"), ("_own", lambda: iter([("x.py", 1, 1)]))):
        looked_at.clear()
        monkeypatch.setattr(keys, name, value)
        check_paths(["."], store=kept)
        assert looked_at
    assert project.exists()


def test_a_file_alone_depends_on_its_project(
    project: Path, kept: Store, looked_at: list[str]
) -> None:
    for apply, again in ((nothing, 1), (nothing, 0), (touch, 1), (add_alone, 1)):
        apply(project)
        looked_at.clear()
        result = check_paths(["b/run.py"], store=kept)
        assert len(looked_at) == again, apply
        assert result == check_paths(["b/run.py"])


def test_a_change_in_the_same_moment_is_seen(project: Path, kept: Store) -> None:
    """Its size and times tell nothing: as in git, who is too young isn't trusted."""
    path = project / "plain.py"
    for text in ("x = 1\n", "x = (\n", "x = 2\n"):
        path.write_text(text)
        now = time.time()
        os.utime(path, (now, now))
        result = check_paths(["."], store=kept)
        assert ("plain.py" in [error.path for error in result.errors]) is ("(" in text)


def test_a_file_that_can_t_be_read_is_tried_again(project: Path, kept: Store) -> None:
    shutil.rmtree(project / "a")
    os.symlink("gone.py", project / "a.py")
    first = check_paths(["a.py", "plain.py"] if os.path.exists("a.py") else ["."], store=kept)
    (project / "gone.py").write_text("x = 1\n")
    assert check_paths(["."], store=kept).files > first.files


BROKEN: list[Callable[[bytes], bytes]] = [
    lambda _: b"",
    lambda data: data[: len(data) // 2],
    lambda _: b"\x80\x04garbage",
    lambda _: b"[" * 100_000,
    lambda _: b"null",
    lambda _: b"{}",
    lambda data: data.replace(b"1", b'"1"'),
    lambda data: data.replace(b"[", b"{", 1).replace(b'"', b"", 2),
    lambda data: data.replace(b"true", b"null"),
    lambda data: data.replace(b"run.py", b"gun.py"),
    lambda data: data.replace(b"EG", b"EG\x1b[31m"),
]


@pytest.mark.parametrize("spoil", BROKEN)
@pytest.mark.parametrize("which", ["run-*", "parts-*", "*"])
def test_a_broken_cache_is_made_anew(
    project: Path, kept: Store, spoil: Callable[[bytes], bytes], which: str
) -> None:
    expected = check_paths(["."], SHOWN, store=kept)
    for path in Path(kept.folder).glob(which):
        path.write_bytes(spoil(path.read_bytes()))
    if which != "run-*":
        touch(project)
    found = check_paths(["."], SHOWN, store=kept)
    if spoil not in BROKEN[-2:]:
        assert found == expected
    shutil.rmtree(kept.folder)
    assert check_paths(["."], SHOWN, store=kept) == expected


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs owners")
def test_a_folder_that_others_may_write_to_is_not_used(
    project: Path, kept: Store, looked_at: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    check_paths(["."], store=kept)
    assert stat.S_IMODE(os.stat(kept.folder).st_mode) == 0o700
    os.chmod(kept.folder, 0o777)  # noqa: S103 (that is what is tested)
    looked_at.clear()
    check_paths(["."], store=kept)
    assert looked_at
    os.chmod(kept.folder, 0o700)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    looked_at.clear()
    check_paths(["."], store=kept)
    assert looked_at
    assert project.exists()


def test_a_cache_that_can_t_be_written_is_done_without(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    expected = check_paths(["."])
    assert check_paths(["."], store=Store(str(tmp_path / "file" / "cache"))) == expected

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    folder = tmp_path / "full"
    assert check_paths(["."], store=Store(str(folder))) == expected
    assert list(folder.iterdir()) == []
    assert project.exists()


def test_old_and_many_entries_go(kept: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("old", "large", "new"):
        kept.save(name, name * 30)
    os.utime(f"{kept.folder}/old{store.ENDING}", (1, 1))
    os.utime(f"{kept.folder}/large{store.ENDING}", (LONG_AGO, LONG_AGO))
    kept.save("newer", "x")
    assert [kept.load(name) is not None for name in ("old", "large", "new", "newer")] == [
        False, True, True, True,
    ]  # fmt: skip
    monkeypatch.setattr(store, "MOST_BYTES", 50)
    kept.save("newest", "y" * 40)
    assert [kept.load(name) is not None for name in ("large", "new", "newest")] == [
        False, False, True,
    ]  # fmt: skip


def test_only_the_cache_s_own_is_dropped(kept: Store, capsys: pytest.CaptureFixture[str]) -> None:
    kept.save("one", 1)
    mine = Path(kept.folder, "mine.txt")
    mine.write_text("")
    assert cli.main(["clean", "--cache-dir", kept.folder]) == 0
    assert [*Path(kept.folder).iterdir()] == [mine]
    assert capsys.readouterr().err == f"evalguard: 1 dropped from {kept.folder}\n"
    mine.unlink()
    assert cli.main(["clean", "--cache-dir", kept.folder]) == 0
    assert not Path(kept.folder).exists()


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os.path, "expanduser", lambda _: "/home/me")
    monkeypatch.delenv("EVALGUARD_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    for platform, folder in (
        ("linux", os.path.join("/home/me", ".cache", "evalguard")),
        ("darwin", os.path.join("/home/me", "Library", "Caches", "evalguard")),
    ):
        monkeypatch.setattr(sys, "platform", platform)
        assert usual() == folder
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert usual() == str(tmp_path / "evalguard")
    monkeypatch.setenv("EVALGUARD_CACHE_DIR", "here")
    assert usual() == "here"


def test_two_at_once_do_no_harm(project: Path, kept: Store) -> None:
    command = [
        sys.executable,
        "-m",
        "evalguard",
        "check",
        "--exit-zero",
        "--cache-dir",
        kept.folder,
    ]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, cwd=project) for _ in range(3)]
    outputs = [run.communicate()[0] for run in runs]
    assert len(set(outputs)) == 1
    names = [path.name for path in Path(kept.folder).iterdir()]
    assert sorted(name.partition("-")[0] for name in names) == ["parts", "run"]


def results() -> Iterator[Result]:
    """What the fixtures tell, with all sorts of stories and fixes."""
    for page in sorted((Path(__file__).parent / "fixtures" / "rules").glob("*.md")):
        for case in literate.cases(page):
            yield check_texts(case.texts(), SHOWN)


def test_results_survive_the_way() -> None:
    errors = (FileError("a\udc80.py", "why", 1, 2, Cell(1, 2, 3)), FileError("b.py", "why"))
    for result in (*results(), Result((), errors, 3)):
        assert decoded(json.loads(json.dumps(encoded(result)))) == result


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=9) | st.dictionaries(st.text(max_size=3), inner),
)


@given(JSON)
def test_what_is_no_result_is_refused(plain: object) -> None:
    with suppress(Foreign):
        assert isinstance(decoded(plain), Result)


def test_a_run_that_is_known_imports_little(project: Path, kept: Store) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "evalguard", "check", "--exit-zero"]
    for _ in range(2):
        done = subprocess.run(
            [*command, "--output-format", "concise", "--cache-dir", kept.folder],
            capture_output=True, text=True, check=True, cwd=project,
        )  # fmt: skip
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    heavy = ("libcst", "rich", "multiprocessing", "subprocess")
    rooms = ("flow", "lower", "link", "rules", "knowledge", "judging", "sharing", "fix")
    assert loaded.isdisjoint({*heavy, *(f"evalguard.{room}" for room in rooms)})
    assert "evalguard.cache" in loaded
