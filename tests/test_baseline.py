"""Baselines: what is known stays silent wherever it moves, and what is new is never hidden."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalguard import cli
from evalguard.check import check_paths
from evalguard.finding import Finding
from evalguard.source import lines
from evalguard.suppress.baseline import BaselineError, Mark, compared, marks, read, written
from samples import finding, place

HEAD = """\
import torch
from torch import nn

net = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5))
net.train()
"""
CALL = "with torch.no_grad():\n    print(net(torch.zeros(4)).argmax())\n"
OTHER = CALL.replace("zeros", "ones")
FILE = "evalguard-baseline.json"
Run = Callable[..., tuple[int, list[str], str]]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Check against the baseline: the exit code, the lines of what is found, what is told."""

    def check(*arguments: str) -> tuple[int, list[str], str]:
        capsys.readouterr()
        code = cli.main(["check", "--output-format", "concise", "--baseline", FILE, *arguments])
        printed = capsys.readouterr()
        places = [":".join(line.split(":")[:2]) for line in printed.out.splitlines()]
        return code, places, printed.err.splitlines()[-1] if printed.err else ""

    return check


def write(path: str, *parts: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text("".join(parts), encoding="utf-8")


def rewrite(*arguments: str) -> None:
    assert cli.main(["baseline", "-q", "-o", FILE, *arguments]) == 0


def entries() -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(Path(FILE).read_text(encoding="utf-8"))["findings"]
    return found


SILENT: tuple[int, list[str], str] = (0, [], "")
ENTRY = written(Counter({Mark("x", "r", "", ""): 1})).encode()


def test_what_is_known_is_silent_and_what_is_new_is_not(run: Run) -> None:
    write("x.py", HEAD, CALL)
    rewrite()
    assert run() == SILENT
    write("x.py", HEAD, OTHER, CALL)
    assert run() == (1, ["x.py:7"], "")
    assert cli.main(["check"]) == 1


def test_what_has_moved_is_known(run: Run) -> None:
    write("x.py", HEAD, CALL)
    rewrite()
    write("x.py", HEAD, CALL.replace("net(torch.zeros(4)", "net(\n  torch . zeros( 4, )\n"))
    assert run() == SILENT
    write("x.py", HEAD, CALL.replace("zeros(4)", "zeros(5)"))
    assert run()[0] == 1, "other code than before"
    write("x.py", "# one\n# two\n", HEAD, "x = 1\n\n", CALL.replace("    print", "  y = print"))
    assert run() == SILENT
    write("x.py", HEAD, "if x:\n    ", CALL.replace("\n", "\n    ").rstrip(), "  # a comment\n")
    assert run() == SILENT


def test_line_ends_and_comments_make_no_difference(run: Run) -> None:
    write("x.py", HEAD, CALL)
    rewrite()
    text = (HEAD + CALL).replace("argmax())", "argmax())  # TODO").replace("\n", "\r\n")
    Path("x.py").write_bytes(text.encode())
    assert run() == SILENT


def test_only_as_many_as_there_were_are_known(run: Run) -> None:
    write("x.py", HEAD, CALL)
    rewrite()
    write("x.py", HEAD, CALL, CALL)
    assert run() == (1, ["x.py:9"], "")
    rewrite()
    assert entries()[0]["count"] == 2
    assert run() == SILENT


def test_the_same_code_in_another_function_is_new(run: Run) -> None:
    body = CALL.replace("\n", "\n        ").rstrip()
    first = f"class A:\n    @staticmethod\n    def f():\n        {body}\n\nA.f()\n"
    write("x.py", HEAD, first)
    rewrite()
    assert [entry["scope"] for entry in entries()] == ["A.f"]
    assert run() == SILENT
    write("x.py", HEAD, first.replace("f()", "g()"))
    code, found, told = run()
    assert (code, found) == (1, ["x.py:10"])
    assert (
        told == f"evalguard: 1 finding of {FILE} no longer there; `evalguard baseline` rewrites it"
    )


def test_what_is_cured_is_told_and_taken_out(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    write("x.py", HEAD, CALL, OTHER)
    rewrite()
    write("x.py", HEAD, CALL)
    code, found, told = run()
    assert (code, found) == (0, [])
    assert (
        told == f"evalguard: 1 finding of {FILE} no longer there; `evalguard baseline` rewrites it"
    )
    assert run("-q") == SILENT
    assert cli.main(["baseline", "-o", FILE]) == 0
    assert capsys.readouterr().err == (
        f"evalguard: 1 known in {FILE}, 0 new, 1 gone\n"
        f"evalguard: use it: evalguard check --baseline {FILE}\n"
    )
    assert run() == SILENT
    write("x.py", HEAD, CALL, OTHER)
    assert run()[:2] == (1, ["x.py:9"])


def test_other_paths_and_other_rules_are_left_alone(run: Run) -> None:
    write("a/x.py", HEAD, CALL)
    write("b/x.py", HEAD, CALL)
    rewrite()
    before = Path(FILE).read_bytes()
    assert run("a") == SILENT
    assert run("a/x.py") == SILENT
    assert run("--select", "EG3") == SILENT
    rewrite("a")
    rewrite("--select", "EG3")
    assert Path(FILE).read_bytes() == before
    write("a/x.py", "x = 1\n")
    assert run("b") == SILENT
    rewrite("b")
    assert Path(FILE).read_bytes() == before
    rewrite("a")
    assert [entry["path"] for entry in entries()] == ["b/x.py"]


def test_a_file_that_can_t_be_checked_now_keeps_its_entries(run: Run) -> None:
    write("x.py", HEAD, CALL)
    write("y.py", "x = 1\n")
    rewrite()
    before = Path(FILE).read_bytes()
    write("x.py", HEAD, CALL, "x = (\n")
    assert run()[2] == ""
    rewrite()
    assert Path(FILE).read_bytes() == before


def test_a_deleted_file_is_cured(run: Run) -> None:
    write("x.py", HEAD, CALL)
    write("y.py", "x = 1\n")
    rewrite()
    Path("x.py").unlink()
    assert "1 finding" in run()[2]
    rewrite()
    assert entries() == []


def test_where_it_is_called_from_makes_no_difference(
    run: Run, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("a/b/x.py", HEAD, CALL)
    rewrite()
    before = Path(FILE).read_bytes()
    assert run(str(here)) == SILENT
    monkeypatch.chdir("a/b")
    assert cli.main(["check", "--baseline", f"../../{FILE}"]) == 0
    assert cli.main(["check", "--baseline", f"../../{FILE}", str(here)]) == 0
    assert cli.main(["baseline", "-q", "-o", f"../../{FILE}", "."]) == 0
    assert (here / FILE).read_bytes() == before


def test_it_can_be_configured(capsys: pytest.CaptureFixture[str]) -> None:
    write("x.py", HEAD, CALL)
    write("evalguard.toml", 'baseline = "ci/known.json"\n')
    Path("ci").mkdir()
    assert cli.main(["check"]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == "Error: ci/known.json: no such file: `evalguard baseline` writes one"
    assert cli.main(["baseline", "-q"]) == 0
    assert Path("ci/known.json").exists()
    assert cli.main(["check"]) == 0
    assert cli.main(["check", "--isolated"]) == 1
    assert cli.main(["baseline", "-q", "--isolated"]) == 0
    assert Path(FILE).exists()


def test_it_can_be_written_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    write("x.py", HEAD, CALL)
    assert cli.main(["baseline", "-q", "-o", "-"]) == 0
    text = capsys.readouterr().out
    assert text == (
        '{\n  "version": 1,\n  "findings": [\n'
        '    {"path": "x.py", "rule": "no-grad-instead-of-eval", "scope": "",'
        ' "code": "net(torch.zeros(4))", "count": 1}\n'
        "  ]\n}\n"
    )
    assert not Path("-").exists()


def test_comments_and_configuration_come_before() -> None:
    write("x.py", HEAD, CALL.replace("argmax())", "argmax())  # evalguard: ignore"))
    write("y.py", HEAD, CALL)
    write("evalguard.toml", '[per-file-ignores]\n"y.py" = ["EG"]\n')
    rewrite()
    assert entries() == []


def test_what_is_known_gets_no_comment() -> None:
    write("x.py", HEAD, CALL)
    rewrite()
    write("x.py", HEAD, CALL, OTHER)
    assert cli.main(["check", "--baseline", FILE, "--add-ignores", "-q"]) == 0
    text = Path("x.py").read_text(encoding="utf-8")
    assert text.count("evalguard: ignore") == 1
    assert text.endswith("argmax())  # evalguard: ignore[no-grad-instead-of-eval]\n")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", ":1: not JSON: Expecting value"),
        (b'{\n"version": 1,\n', ":3: not JSON: "),
        (b"[" * 100_000, ": not a baseline"),
        (b"\xff\xfe", ": not a baseline"),
        (b"9" * 5000, ": not a baseline"),
        (b"[]", ": not a baseline: `evalguard baseline` writes one"),
        (b'{"name": "x"}', ": not a baseline: `evalguard baseline` writes one"),
        (b'{"version": 1, "findings": {}}', ": not a baseline: `evalguard baseline` writes one"),
        (b'{"version": 2, "findings": []}', ": a baseline of version 2; this evalguard knows 1"),
        (b'{"version": 1, "findings": [1]}', ": entry 1 must have path, rule, scope, code, count"),
        (ENTRY.replace(b"1}", b"true}"), ": entry 1 must have"),
        (ENTRY.replace(b"1}", b"0}"), ": entry 1 must count at least 1"),
        (ENTRY.replace(b"1}", b'1, "x": 1}'), ": entry 1 must have"),
    ],
)
def test_a_file_that_is_none_is_told_and_left(run: Run, data: bytes, told: str) -> None:
    write("x.py", HEAD, CALL)
    Path(FILE).write_bytes(data)
    code, found, message = run()
    assert (code, found) == (2, [])
    assert message.startswith(f"Error: {FILE}{told}")
    assert cli.main(["baseline", "-o", FILE]) == 2
    assert Path(FILE).read_bytes() == data
    with pytest.raises(BaselineError):
        read(FILE)


def test_a_file_that_can_t_be_written_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    write("x.py", HEAD, CALL)
    assert cli.main(["baseline", "-o", "no/such/folder.json"]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == "Error: no/such/folder.json: can't be written: no such file or directory"


def test_a_hostile_path_leads_nowhere(run: Run) -> None:
    write("x.py", HEAD, CALL)
    known = Counter({Mark("../../etc/passwd", "r", "", ""): 1, Mark("\0", "r", "", ""): 10**20})
    Path(FILE).write_text(written(known), encoding="utf-8")
    assert run("x.py") == (1, ["x.py:7"], "")


def test_the_order_of_entries_is_fixed() -> None:
    one, two = Mark("a", "r", "", "x"), Mark("b", "r", "", "x")
    assert written(Counter({two: 1, one: 2})) == written(Counter({one: 2, two: 1}))
    Path(FILE).write_text(written(Counter({two: 1, one: 2})), encoding="utf-8")
    assert read(FILE) == Counter({one: 2, two: 1})


def test_code_is_told_apart_even_if_it_is_long() -> None:
    text = "f(" + "a, " * 100 + "{})\n"
    write("x.py", text.format("b"))
    write("y.py", text.format("c"))
    ends = len(text) - 1
    (one,) = marks([finding(place("x.py", 1, 1, ends))], str(Path.cwd()), lines)
    (two,) = marks([finding(place("y.py", 1, 1, ends))], str(Path.cwd()), lines)
    assert len(one.code) < 200
    assert one.code != two.code


def test_a_file_that_is_gone_has_findings_all_the_same() -> None:
    found = [finding(place("gone.py", 3, 1, 5)), finding(place("gone.py", 9, 1, 5))]
    known = Counter(marks(found, "/", lines))
    assert compared(found, known, "/", lines).new == ()
    assert len(compared([*found, found[0]], known, "/", lines).new) == 1


TEXT = ("class A:", "  def f(x):", "    g(x); h(x)", "  y = g(x)", "def f(x):", "  return g(x)", "")
SPOTS = st.sampled_from(
    [place("x.py", line, 3 + shift, 7 + shift) for line in range(1, 7) for shift in (0, 2, 8)]
)
FINDINGS = st.lists(
    st.builds(lambda at, rule: finding(at, rule=rule), SPOTS, st.sampled_from("ab")), max_size=8
)


def text_of(_: str) -> Sequence[str]:
    return TEXT


@given(old=FINDINGS, now=FINDINGS)
@settings(deadline=None)
def test_nothing_new_is_hidden_and_nothing_known_is_shown(
    old: list[Finding], now: list[Finding]
) -> None:
    known = Counter(marks(old, "/", text_of))
    found = compared(now, known, "/", text_of)
    here = Counter(marks(now, "/", text_of))
    assert Counter(marks(found.new, "/", text_of)) == here - known
    assert found.gone == known - here
    assert compared(old, known, "/", text_of) == ((), Counter())
    assert [each for each in now if each in found.new][: len(found.new)] or not found.new


def test_real_files_give_real_marks() -> None:
    write("x.py", HEAD, CALL)
    result = check_paths(["x.py"])
    (mark,) = marks(result.findings, str(Path.cwd()), lines)
    assert mark == Mark("x.py", "no-grad-instead-of-eval", "", "net(torch.zeros(4))")
