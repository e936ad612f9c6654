"""The command that times reading tells a row for each stage, over the files it says."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks import clock, compare, fetch, grown, packages, reading, tools  # noqa: E402 (the root is no place where pytest looks)

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
    assert [row.split("|")[1].strip() for row in rows] == ["package", "one", "two", "all"]
    assert [row.split("|")[2].strip() for row in rows[1:]] == ["1", "1", "2"]


def test_what_a_process_and_its_children_take() -> None:
    work = "sum(range(10**6))"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {work!r}])"
    alone, nested = (
        clock.timed(clock.Command(name, [sys.executable, "-c", code]))
        for name, code in (("alone", work), ("nested", child))
    )
    assert 0 < alone.cpu < nested.cpu
    assert alone.scaled(2).cpu == 2 * alone.cpu
    assert alone.scaled(2).peak == alone.peak


def test_a_command_that_fails_is_no_figure() -> None:
    with pytest.raises(clock.WentWrong, match="odd ended with 3"):
        clock.timed(clock.Command("odd", [sys.executable, "-c", "raise SystemExit(3)"]))


def test_ratios_are_taken_within_each_turn() -> None:
    command = clock.Command("x", ())
    fast, slow = (
        clock.Row(command, [clock.Time(0, cpu, 0) for cpu in cpus])
        for cpus in ((1.0, 2.0, 4.0), (2.0, 6.0, 8.0))
    )
    assert slow.over(fast) == (2.0, 2.0, 3.0)
    assert slow.over(fast).told(".1f") == "2.0 (2.0 to 3.0)"
    assert slow.over(slow).told(".1f") == "1.0"


def test_the_power_of_growth() -> None:
    assert clock.exponent([1, 10, 100], [3, 30, 300]) == pytest.approx(1)
    assert clock.exponent([1, 10, 100], [3, 300, 30000]) == pytest.approx(2)


def test_grown_files_and_trees(tmp_path: Path) -> None:
    path = grown.file(tmp_path / "net.py", 50_000)
    assert path.stat().st_size == pytest.approx(50_000, rel=0.05)
    compile(path.read_text(encoding="utf-8"), "net.py", "exec")
    tree = grown.tree(tmp_path / "tree", 120)
    assert len([*tree.rglob("net*.py")]) == 120
    for use in tree.rglob("use*.py"):
        compile(use.read_text(encoding="utf-8"), "use.py", "exec")


def test_sections_that_need_no_other_tool(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Speed\n\n{compare.START}\nold\n{compare.END}\n\nEnd\n", encoding="utf-8")
    asked = [str(project), "--quick", "--turns", "1", "--sections", "growth"]
    assert compare.main([*asked, "--write", str(page)]) == 0
    out = capsys.readouterr().out
    assert "| 100,000 bytes |" in out
    assert "| 10 files |" in out
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# Speed\n\n{compare.START}\n2")
    assert text.endswith(f"{compare.END}\n\nEnd\n")
    assert "old" not in text
    assert out.strip() in text


def test_other_tools_run_beside_it(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """TorchFix isn't among what tests need, so another stands in for it."""
    monkeypatch.setattr(tools.Tools, "torchfix", stand_in)
    (project / "switch.py").write_text(f"{NET}net.eval()\n", encoding="utf-8")
    sections = ["cold", "switches", "one", "warm"]
    asked = [str(project), "--turns", "1", "--sample", "2", "--sections", *sections]
    assert compare.main(asked) == 0
    out = capsys.readouterr().out
    rows = [line.split(" | ")[0].removeprefix("| ") for line in out.splitlines()]
    wanted = {
        "evalguard check", "evalguard check --jobs=1", "evalguard check --jobs=2",
        "evalguard check, again", "libcst.parse_module", "ast.parse", "flake8", "TorchFix",
        "ruff check --select=E9",
    }  # fmt: skip
    assert wanted <= {*rows}
    assert "6 files (0.0 MB), nothing changed:" in out
    assert "6 files (0.0 MB), one file changed:" in out
    assert "To libcst.parse_module: " in out
    assert "libcst reads 2 of these" in out


def test_nothing_is_kept_unless_asked_for(tmp_path: Path) -> None:
    mine = tools.Tools(None).evalguard
    assert "--no-cache" in mine(["a.py"]).arguments
    assert f"--cache-dir={tmp_path}" in mine(["a.py"], kept=tmp_path).arguments
    assert "--no-cache" not in mine(["a.py"], kept=tmp_path).arguments


def test_a_change_shows_in_size_and_time(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text(NET, encoding="utf-8")
    before = path.stat()
    compare.changed(path)
    after = path.stat()
    assert after.st_size > before.st_size
    assert after.st_mtime_ns == before.st_mtime_ns + 10**9
    assert path.read_text(encoding="utf-8").startswith(NET)


def stand_in(_: tools.Tools, paths: Sequence[Path], scale: float = 1.0) -> clock.Command:
    arguments = [sys.executable, "-m", "flake8", "--isolated", "-j1", *map(str, paths)]
    return clock.Command("TorchFix", arguments, (0, 1), scale)


def wheel(path: Path, *names: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, NET)
    return path


def test_packages_are_unpacked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Sequence[str]] = []

    def pip(command: Sequence[str]) -> None:
        asked.append(command)
        home = Path(command[command.index("--dest") + 1])
        home.mkdir(parents=True)
        wheel(home / "one-1.0-py3-none-any.whl", "one/net.py", "one/data.bin", "one-1.0/METADATA")

    monkeypatch.setattr(fetch, "run", pip)
    for _ in range(2):
        assert fetch.main([str(tmp_path), "--packages", "one==1.0"]) == 0
    (command,) = asked
    assert "--only-binary=:all:" in command
    files = [path for path in (tmp_path / "one-1.0").rglob("*") if path.is_file()]
    assert files == [tmp_path / "one-1.0" / "one" / "net.py"]


@pytest.mark.parametrize("name", ["../evil.py", "/evil.py", "a/../../evil.py", "C:/evil.py"])
def test_an_archive_stays_in_its_folder(tmp_path: Path, name: str) -> None:
    archive = wheel(tmp_path / "evil.whl", "good.py", name)
    with pytest.raises(fetch.UnsafeName):
        fetch.unpack(archive, tmp_path / "home")
    assert not (tmp_path / "home").exists()


def test_packages_are_pinned() -> None:
    assert len(set(fetch.PACKAGES)) == len(fetch.PACKAGES) >= 28
    assert all(each.count("==") == 1 for each in fetch.PACKAGES)


def test_the_parsers_skip_what_they_cannot_read(project: Path) -> None:
    listed = project / "files.txt"
    listed.write_text("\n".join(str(path) for path in sorted(project.glob("*.py"))), "utf-8")
    for kind in ("ast", "libcst"):
        script = ROOT / "benchmarks" / "parse.py"
        subprocess.run([sys.executable, str(script), kind, str(listed)], check=True)
