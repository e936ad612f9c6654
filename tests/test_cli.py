"""The command: its options, what it prints where, and its exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import evalguard
from evalguard import check, cli
from evalguard.check import Options
from evalguard.finding import Confidence, FileError, Result
from evalguard.progress import with_bar
from evalguard.report.formats import FORMATS
from evalguard.rules import load
from samples import BROKEN, CLEAN, ERROR, MIXED, NOTE


@pytest.fixture(autouse=True)
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


@pytest.fixture
def outcome(monkeypatch: pytest.MonkeyPatch) -> Callable[[Result], list[Any]]:
    """Let every check have this result; what it is called with is in the list."""

    def settle(result: Result) -> list[Any]:
        calls: list[Any] = []

        def checked(paths: Sequence[str], options: Options, **_: object) -> Result:
            calls.append((tuple(paths), options))
            return result

        monkeypatch.setattr(check, "check_paths", checked)
        return calls

    return settle


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "evalguard", *arguments],
        capture_output=True,
        check=False,
        encoding="utf-8",
        env=os.environ | {"PYTHONUTF8": "1"},
    )


def test_options_reach_the_check(outcome: Callable[[Result], list[Any]]) -> None:
    calls = outcome(CLEAN)
    assert cli.main(["check"]) == 0
    assert cli.main(["check", "a", "b.py", "--select", "EG1, EG2", "--select", "EG301"]) == 0
    assert cli.main(["check", "--ignore", "EG101", "--min-confidence", "possible"]) == 0
    assert calls == [
        ((".",), Options()),
        (("a", "b.py"), Options(select=("EG1", "EG2", "EG301"))),
        ((".",), Options(ignore=("EG101",), min_confidence=Confidence.POSSIBLE)),
    ]


@pytest.mark.parametrize(
    ("result", "arguments", "code"),
    [
        (CLEAN, "", 0),
        (Result((), (), 0), "", 0),
        (Result((ERROR,), (), 1), "", 1),
        (Result((ERROR,), (), 1), "--exit-zero", 0),
        (Result((NOTE,), (), 1), "", 0),
        (Result((NOTE,), (), 1), "--fail-on note", 1),
        (Result((NOTE,), (), 1), "--fail-on error", 0),
        (Result((ERROR,), (), 1), "--fail-on error", 1),
        (MIXED, "", 1),
        (MIXED, "--strict-files", 2),
        (MIXED, "--strict-files --exit-zero", 2),
        (Result((), (BROKEN,), 1), "", 0),
        (Result((), (BROKEN,), 1), "--strict-files", 2),
        (Result((), (BROKEN,), 0), "", 2),
        (Result((), (BROKEN,), 0), "--exit-zero", 2),
    ],
)
def test_exit_codes(
    outcome: Callable[[Result], list[Any]], result: Result, arguments: str, code: int
) -> None:
    outcome(result)
    assert cli.main(["check", *arguments.split()]) == code


def test_the_format_chooses_the_report(
    outcome: Callable[[Result], list[Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    outcome(MIXED)
    for form, beginning in (("full", "error[EG101]"), ("concise", "app/run.py:6"), ("json", "{")):
        assert cli.main(["check", "--output-format", form]) == 1
        printed = capsys.readouterr()
        assert printed.out.startswith(beginning)
        assert "\x1b" not in printed.out
        assert printed.err == ""


def test_quiet_and_verbose(
    outcome: Callable[[Result], list[Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    outcome(CLEAN)
    cli.main(["check", "-q"])
    assert capsys.readouterr() == ("", "")
    cli.main(["check", "-v"])
    printed = capsys.readouterr()
    assert printed.out == "No problems found in 1 file.\n"
    assert printed.err.startswith(f"evalguard {evalguard.__version__}: ")


def test_nothing_to_check_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check"]) == 0
    assert capsys.readouterr().err == "evalguard: no Python files or notebooks in .\n"
    assert cli.main(["check", "-q"]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["check", "gone.py"], "Error: no such file or directory: gone.py"),
        (["check", "--select", "EG191"], "Error: unknown rule: EG191; did you mean EG1"),
        (["check", "--ignore", "zzz"], "Error: unknown rule: zzz"),
        (["check", "--fail-on", "fatal"], "fatal"),
        (["check", "--min-confidence", "no"], "no"),
        (["check", "--colour"], "No such option"),
        (["rule", "inference-without-evil"], "did you mean inference-without-eval"),
        (["chekc"], "No such command"),
        (["."], "no such command: .; to check it: evalguard check ."),
    ],
)
def test_what_can_t_run_exits_with_2_and_a_clear_line(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert told in printed.err.splitlines()[-1]


def test_a_crash_is_no_finding(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def crash(*_: object, **__: object) -> Result:
        raise ZeroDivisionError

    monkeypatch.setattr(check, "check_paths", crash)
    assert cli.main(["check"]) == 2
    assert "internal error" in capsys.readouterr().err


def test_an_interrupt_exits_with_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> Result:
        raise KeyboardInterrupt

    monkeypatch.setattr(check, "check_paths", interrupted)
    assert cli.main(["check"]) == 130
    assert capsys.readouterr().err.endswith("evalguard: interrupted\n")


def test_rules_and_rule_without_a_name_are_the_same_table(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["rules"]) == 0
    table = capsys.readouterr().out
    assert all(rule.name in table for rule in load())
    assert cli.main(["rule"]) == 0
    assert capsys.readouterr().out == table


@pytest.mark.parametrize("word", ["EG101", "eg101", "inference-without-eval"])
def test_a_rule_s_page_is_markdown_where_no_terminal_is(
    word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["rule", word]) == 0
    page = capsys.readouterr().out
    assert page.startswith("# inference-without-eval (EG101)\n")
    assert "\n## When to ignore\n" in page


def test_version() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"evalguard {evalguard.__version__}\n")


def test_a_run_over_good_and_bad_files(empty: Path) -> None:
    (empty / "good.py").write_text("x = 1\n")
    (empty / "bad.py").write_text("x = (\n")
    done = run("check")
    assert (done.returncode, done.stderr) == (0, "")
    first, *_, last = done.stdout.splitlines()
    assert first.startswith("error: bad.py:1:5: could not be checked: syntax error: ")
    assert last == "No problems found in 1 file; 1 file could not be checked."
    assert run("check", "--strict-files").returncode == 2
    assert run("check", "bad.py").returncode == 2


@pytest.mark.skipif(os.name == "nt", reason="a pipe of another kind")
def test_a_closed_pipe_is_no_crash(empty: Path) -> None:
    (empty / "bad.py").write_text("x = (\n")
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "evalguard", "check"],
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (2, b"")


def test_output_that_doesn_t_know_a_character(empty: Path) -> None:
    (empty / "naïve.py").write_text("x = (\n")
    done = subprocess.run(
        [sys.executable, "-m", "evalguard", "check", "naïve.py"],
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 2
    assert done.stdout.startswith(rb"error: na\xefve.py:1:5: could not be checked")


def test_importing_evalguard_imports_nothing_heavy() -> None:
    code = "import sys, evalguard; print(*sys.modules); evalguard.Finding"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, encoding="utf-8"
    )
    loaded = set(done.stdout.split())
    assert loaded.isdisjoint({"libcst", "click", "rich", "evalguard.check", "evalguard.facts"})


def test_public_names() -> None:
    for name in evalguard.__all__:
        assert getattr(evalguard, name) is not None
    assert set(dir(evalguard)) == set(evalguard.__all__)
    with pytest.raises(AttributeError):
        evalguard.check_everything  # noqa: B018


class Terminal:
    """A standard error that is a terminal."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None: ...

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("patience", "is_shown"), [(1000.0, False), (-1.0, True)])
def test_a_bar_is_shown_on_a_terminal_and_in_long_runs_only(
    monkeypatch: pytest.MonkeyPatch, patience: float, is_shown: bool
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr("evalguard.progress.PATIENCE", patience)
    assert list(with_bar(["a", "b", "c"])) == ["a", "b", "c"]
    assert ("Checking" in terminal.text) == is_shown
    monkeypatch.setattr(terminal, "isatty", lambda: False)
    terminal.text = ""
    assert list(with_bar(["a", "b", "c"])) == ["a", "b", "c"]
    assert terminal.text == ""


def test_errors_alone_are_told_in_every_format(
    outcome: Callable[[Result], list[Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    outcome(Result((), (FileError("x.py", "broken beyond repair"),), 3))
    for form in ("full", "concise", "json"):
        assert cli.main(["check", "-q", "--output-format", form]) == 0
        assert "broken beyond repair" in capsys.readouterr().out


def test_a_report_goes_to_a_file(
    outcome: Callable[[Result], list[Any]], empty: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome(MIXED)
    assert cli.main(["check", "--output-format", "concise", "--output-file", "out.txt"]) == 1
    told = (empty / "out.txt").read_bytes()
    assert told.startswith(b"app/run.py:6:11: EG101 ")
    assert b"\r" not in told
    assert capsys.readouterr().out == ""
    assert cli.main(["check", "--output-file", "none/out.txt"]) == 2
    assert "none/out.txt can't be written: no such file or directory" in capsys.readouterr().err


def test_statistics(
    outcome: Callable[[Result], list[Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    outcome(MIXED)
    assert cli.main(["check", "--statistics"]) == 1
    assert capsys.readouterr().out.startswith("1  EG101  inference-without-eval\n")
    for more in (["--output-format", "sarif"], ["--diff"]):
        assert cli.main(["check", "--statistics", *more]) == 2
        assert "goes with neither --output-format nor --diff" in capsys.readouterr().err


def test_statistics_take_the_place_of_the_configured_report(
    outcome: Callable[[Result], list[Any]], empty: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome(MIXED)
    (empty / "evalguard.toml").write_text('output-format = "json"', encoding="utf-8")
    assert cli.main(["check", "--statistics"]) == 1
    assert capsys.readouterr().out.startswith("1  EG101  inference-without-eval\n")


@pytest.mark.parametrize("name", FORMATS)
def test_every_form_is_written(
    name: str, outcome: Callable[[Result], list[Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    outcome(MIXED)
    assert cli.main(["check", "--output-format", name]) == 1
    assert "EG101" in capsys.readouterr().out
