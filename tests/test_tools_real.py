"""The command that measures on real code judges as it says, and runs nothing that it reads."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tools import real, scans  # noqa: E402 (the root is no place where pytest looks)
from tools.runs import Limits, Run, Seen, Spot, run  # noqa: E402
from tools.verdicts import Outcome, Pointer, Region, outcome, read_pointers  # noqa: E402

BUGGY, FIXED = "someone+nets@aaaaaaaaaaaa", "someone+nets@bbbbbbbbbbbb"

NET = """\
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        return F.dropout(x, 0.5)
"""
CURED = NET.replace("0.5", "0.5, training=self.training")
USE = """\
import torch
from net import Net

net = Net()
net.eval()
with torch.no_grad():
    print(net(torch.ones(1, 2)).argmax())
"""
BUG = {
    "id": "nets-1",
    "repo": "someone/nets",
    "buggy_commit": "a" * 40,
    "fixed_commit": "b" * 40,
    "path": "net.py",
    "line": 8,
    "kind": "functional-dropout",
    "lines_also_acceptable": [20],
    "also_other_files": ["use.py:7"],
    "fixed_path": "net.py",
    "fixed_line_region": [5, 7],
}
TRAP = {
    "id": "trap-1",
    "repo": "someone/nets",
    "commit": "b" * 40,
    "path": "net.py",
    "line": 7,
    "looks_like": "functional-dropout",
}


@pytest.fixture
def checkouts(tmp_path: Path) -> Path:
    for name, net in ((BUGGY, NET), (FIXED, CURED)):
        folder = tmp_path / "checkouts" / name
        folder.mkdir(parents=True)
        (folder / "net.py").write_text(net)
        (folder / "use.py").write_text(USE)
    return tmp_path / "checkouts"


def write_lines(path: Path, lines: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def pointer(path: Path, told: dict[str, Any]) -> Pointer:
    (read,) = read_pointers(write_lines(path, [told]))
    return read


def finding(
    rule: str = "functional-dropout",
    path: str = "net.py",
    line: int = 8,
    *,
    confidence: str = "likely",
    evidence: tuple[Spot, ...] = (),
    text: str = "return F.dropout(x)",
) -> Seen:
    return Seen(rule, confidence, "error", Spot(path, line, "wrong"), text, evidence)


def judged(tmp_path: Path, code: Sequence[Seen], fixed: Sequence[Seen] = ()) -> Outcome:
    runs = {
        BUGGY: Run(BUGGY, 1.0, seen=tuple(code)),
        FIXED: Run(FIXED, 1.0, seen=tuple(fixed)),
    }
    return outcome(pointer(tmp_path / "bugs.jsonl", BUG), runs)


def words(told: Outcome) -> tuple[str, str]:
    assert told.fixed is not None
    return told.code.word, told.fixed.word


def test_a_pointer_is_read(tmp_path: Path) -> None:
    read = pointer(tmp_path / "bugs.jsonl", BUG)
    assert read.regions == (
        Region("net.py", 6, 10),
        Region("net.py", 18, 22),
        Region("use.py", 4, 10),
    )
    assert (read.checkout, read.fixed_checkout) == (BUGGY, FIXED)
    assert read.fixed == Region("net.py", 5, 7)


@pytest.mark.parametrize(
    ("seen", "word"),
    [
        (finding(line=6), "shown"),
        (finding(line=10), "shown"),
        (finding(line=22), "shown"),
        (finding(path="use.py", line=10), "shown"),
        (finding(confidence="possible"), "hidden"),
        (finding(path="far.py", evidence=(Spot("net.py", 8, "made here"),)), "shown"),
        (finding(line=5), "nothing"),
        (finding(line=11), "nothing"),
        (finding(path="use.py", line=11), "nothing"),
        (finding("module-in-forward"), "nothing"),
    ],
)
def test_found_near_the_lines_by_a_related_rule(tmp_path: Path, seen: Seen, word: str) -> None:
    assert words(judged(tmp_path, [seen])) == (word, "nothing")


@pytest.mark.parametrize(
    ("seen", "word"),
    [
        (finding(line=7, text="other"), "shown"),
        (finding(line=4, text="other"), "nothing"),
        (finding(line=4, confidence="possible"), "hidden"),
        (finding(line=400), "shown"),
        (finding("module-in-forward", line=7), "nothing"),
    ],
)
def test_fixed_is_silent_in_its_region_and_where_the_bug_has_moved(
    tmp_path: Path, seen: Seen, word: str
) -> None:
    assert words(judged(tmp_path, [finding()], [seen])) == ("shown", word)


def test_one_of_several_equal_lines_cured_is_silent(tmp_path: Path) -> None:
    told = judged(tmp_path, [finding(), finding(line=40)], [finding(line=41)])
    assert words(told) == ("shown", "nothing")


def test_what_else_is_shown_in_the_file_is_told(tmp_path: Path) -> None:
    other, hidden = finding(line=70, text="other"), finding(line=71, confidence="possible")
    told = judged(tmp_path, [], [other, hidden, finding(path="use.py")])
    assert told.fixed is not None
    assert told.fixed.elsewhere == (other,)


def test_a_failed_run_is_neither_found_nor_silent(tmp_path: Path) -> None:
    runs = {name: Run(name, 1.0, "not done after 1 s") for name in (BUGGY, FIXED)}
    assert words(outcome(pointer(tmp_path / "bugs.jsonl", BUG), runs)) == ("failed", "failed")


def test_a_bug_is_found_and_its_fix_silent(
    checkouts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pointers = write_lines(tmp_path / "bugs.jsonl", [BUG])
    assert real.main(["bugs", str(pointers), str(checkouts), "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    (hit,) = told["code"]["hits"]
    assert (hit["rule"], hit["path"], hit["line"]) == ("functional-dropout", "net.py", 7)
    assert told["fixed"]["verdict"] == "nothing"
    assert real.main(["bugs", str(pointers), str(checkouts), "--verbose"]) == 0
    assert "told apart    1 of 1" in capsys.readouterr().out


def test_a_trap_is_silent(
    checkouts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pointers = write_lines(tmp_path / "traps.jsonl", [TRAP])
    assert real.main(["bugs", str(pointers), str(checkouts), "--traps"]) == 0
    assert "silent  1 of 1 (yes 1)" in capsys.readouterr().out


def test_a_checkout_that_is_missing_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pointers = write_lines(tmp_path / "bugs.jsonl", [BUG])
    assert real.main(["bugs", str(pointers), str(tmp_path)]) == 0
    assert "found         0 of 1 (failed 1)" in capsys.readouterr().out


def test_a_hang_is_told(checkouts: Path) -> None:
    assert run(checkouts / BUGGY, Limits(seconds=0.001)).failure == "not done after 0.001 s"


def test_a_crash_is_told(checkouts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.runs.ROOT", checkouts)
    assert "No module named 'tools'" in run(checkouts / BUGGY, Limits()).failure


def test_a_scan_runs_nothing_of_what_it_reads(checkouts: Path, tmp_path: Path) -> None:
    trap = f"open({str(tmp_path / 'ran')!r}, 'w')\n"
    for name in ("json.py", "libcst.py", "evalguard.py", "sitecustomize.py"):
        (checkouts / BUGGY / name).write_text(trap)
    scanned = scan(checkouts, tmp_path / "new.jsonl")
    assert not (tmp_path / "ran").exists()
    assert [(line["repo"], line["path"], line["line"]) for line in scanned] == [
        (BUGGY, "net.py", 7)
    ]
    assert scanned[0]["text"] == "return F.dropout(x, 0.5)"


def scan(folder: Path, out: Path) -> list[scans.Line]:
    assert real.main(["scan", str(folder), "--out", str(out)]) == 0
    assert [line["repo"] for line in scans.read_lines(scans.runs_path(out))] == [BUGGY, FIXED]
    return scans.read_lines(out)


def line(path: str, confidence: str = "likely", repo: str = "here") -> scans.Line:
    told = finding(path=path, confidence=confidence)
    (written,) = scans.finding_lines(Run(repo, 1.0, seen=(told,)))
    return written


def test_diff_tells_what_came_went_and_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = [line("went.py"), line("kept.py"), line("surer.py", "possible"), line("x.py", repo="a")]
    new = [line("kept.py"), line("surer.py"), line("came.py"), line("faint.py", "possible")]
    before = write_lines(tmp_path / "old.jsonl", old)
    after = write_lines(tmp_path / "new.jsonl", new)
    assert real.main(["diff", str(before), str(after)]) == 0
    told = capsys.readouterr().out
    assert [text[:15].split(":")[0] for text in told.splitlines()[:3]] == [
        "+ here came.py",
        "~ here surer.py",
        "- here went.py",
    ]
    assert "1 came, 1 went, 1 changed confidence" in told
    assert "scanned in one only: a" in told
    assert "faint.py" not in told


def test_diff_leaves_out_what_failed(tmp_path: Path) -> None:
    before = write_lines(tmp_path / "old.jsonl", [line("kept.py")])
    after = write_lines(tmp_path / "new.jsonl", [])
    write_lines(scans.runs_path(before), [scans.run_line(Run("here", 1.0))])
    write_lines(scans.runs_path(after), [scans.run_line(Run("here", 1.0, "killed by SIGSEGV"))])
    assert scans.difference(before, after) == scans.Difference((), ("here",))
