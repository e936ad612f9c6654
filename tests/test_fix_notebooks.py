"""Notebooks, and scripts of cells, are changed in their cells: fixes, comments, baselines."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat import v4

from evalguard import cli
from evalguard.fix.text import edited
from evalguard.places import Span
from evalguard.repair import Edit

NET = """\
%matplotlib inline
import torch
from torch import nn
net = nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.5))
!pip list
net.load_state_dict(torch.load("naïve.pt"))
net.eval"""
SHOW = "%%bash\nls -l"
PREDICT = """\
%%time
for x in torch.load("x.pt"):  # 日本
    !echo $x
    print(net(x).argmax(1).tolist())"""
LAST = "%time out = net(torch.load('x.pt')).argmax(1).tolist()\nprint(out)"
CELLS = (NET, SHOW, PREDICT, LAST)
SAFE = {0: f"{NET}()"}
UNSAFE = SAFE | {
    2: """\
%%time
with torch.no_grad():
    for x in torch.load("x.pt"):  # 日本
        !echo $x
        print(net(x).argmax(1).tolist())"""
}
IGNORED = {
    0: f"{NET}  # evalguard: ignore[attr-without-call]",
    2: f"{PREDICT}  # evalguard: ignore[inference-without-eval]",
    3: LAST.replace("\n", "  # evalguard: ignore[inference-without-eval]\n"),
}


def notebook(*cells: str) -> str:
    made = [v4.new_markdown_cell("# Títle"), *map(v4.new_code_cell, cells)]
    for number, cell in enumerate(made):
        cell.id = f"cell{number}"
    text: str = nbformat.writes(v4.new_notebook(cells=made))
    return text


def sources(path: Path) -> list[str]:
    """The sources of the code cells of a notebook, which is valid."""
    page = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    nbformat.validate(page)
    return [cell.source for cell in page.cells[1:]]


def with_cells(changed: dict[int, str]) -> list[str]:
    return [changed.get(number, cell) for number, cell in enumerate(CELLS)]


@pytest.fixture(params=["\n", "\r\n"], ids=["lf", "crlf"])
def page(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "page.ipynb"
    path.write_bytes(notebook(*CELLS).replace("\n", request.param).encode())
    return path


@pytest.mark.parametrize(
    ("options", "changed"),
    [(["--fix"], SAFE), (["--fix", "--unsafe-fixes"], UNSAFE), (["--add-ignores"], IGNORED)],
    ids=["safe", "unsafe", "ignored"],
)
def test_cells_are_changed_and_nothing_else(
    page: Path, options: list[str], changed: dict[int, str]
) -> None:
    end = b"\r\n" if b"\r" in page.read_bytes() else b"\n"
    cli.main(["check", *options])
    assert sources(page) == with_cells(changed)
    new = page.read_bytes()
    assert new.replace(end, b"").count(b"\r") == new.replace(end, b"").count(b"\n") == 0
    assert json.loads(new) == json.loads(notebook(*with_cells(changed)))
    cli.main(["check", *options])
    assert page.read_bytes() == new


def test_a_diff_has_a_part_for_each_cell(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = page.read_bytes()
    assert cli.main(["check", "--diff", "--unsafe-fixes"]) == 1
    assert page.read_bytes() == before
    assert (
        capsys.readouterr().out
        == """\
--- page.ipynb:cell 2
+++ page.ipynb:cell 2
@@ -4,4 +4,4 @@
 net = nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.5))
 !pip list
 net.load_state_dict(torch.load("naïve.pt"))
-net.eval
+net.eval()
--- page.ipynb:cell 4
+++ page.ipynb:cell 4
@@ -1,4 +1,5 @@
 %%time
-for x in torch.load("x.pt"):  # 日本
-    !echo $x
-    print(net(x).argmax(1).tolist())
+with torch.no_grad():
+    for x in torch.load("x.pt"):  # 日本
+        !echo $x
+        print(net(x).argmax(1).tolist())
"""
    )


@pytest.mark.parametrize("form", ["json", "json-lines"])
def test_edits_are_places_of_cells(
    page: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    cli.main(["check", "--select", "EG4", "--output-format", form])
    told = json.loads(capsys.readouterr().out)
    (finding,) = told["findings"] if form == "json" else [told]
    assert finding["cell"] == 2
    (edit,) = finding["fix"]["edits"]
    span = Span(edit["line"], edit["column"], edit["end_line"], edit["end_column"])
    assert edit["cell"] == 2
    assert edited(sources(page)[0], [Edit(span, edit["text"])]) == SAFE[0]


@pytest.mark.parametrize("form", ["sarif", "rdjson"])
def test_reports_by_file_have_fixes_of_scripts_only(
    page: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    cli.main(["check", "--select", "EG4", "--output-format", form])
    assert '"text": "()"' not in capsys.readouterr().out
    page.unlink()
    page.with_suffix(".py").write_text("import torch\ntorch.nn.Dropout().eval\n", encoding="utf-8")
    cli.main(["check", "--select", "EG4", "--output-format", form])
    assert '"text": "()"' in capsys.readouterr().out


@pytest.mark.parametrize(
    "cells",
    [
        ("import torch\nnet = torch.nn.Linear(8, 8)\ntorch.no_grad()", "print(net(x).tolist())"),
        ("import torch\nnet = torch.nn.Linear(8, 8)\ntorch.no_grad()\n!ls\nnet(x)", "y = 1"),
    ],
)
def test_a_fix_that_would_span_cells_is_not_made(page: Path, cells: tuple[str, ...]) -> None:
    page.write_text(notebook(*cells), encoding="utf-8")
    before = page.read_bytes()
    cli.main(["check", "--fix", "--unsafe-fixes", "--select", "no-grad-without-effect"])
    assert page.read_bytes() == before


def test_a_baseline_knows_code_in_whatever_cell(
    page: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["baseline", "-q"]) == 0
    known = json.loads(Path("evalguard-baseline.json").read_text(encoding="utf-8"))["findings"]
    assert [entry["code"] for entry in known] == ["net.eval", "net(torch.load('x.pt'))", "net(x)"]
    moved = ("import os", f"\n\n{NET}", PREDICT.replace("net(x)", "net( x )"), LAST)
    page.write_text(notebook(*moved), encoding="utf-8")
    check = ["check", "--output-format", "concise", "--baseline", "evalguard-baseline.json"]
    assert cli.main(check) == 0
    page.write_text(notebook(*moved, PREDICT), encoding="utf-8")
    capsys.readouterr()
    assert cli.main(check) == 1
    assert capsys.readouterr().out.startswith("page.ipynb:cell 6:4:11: EG101")


def test_comments_that_are_of_no_use_go_from_their_cells(page: Path) -> None:
    idle = f"%pwd\n# evalguard: ignore-file[EG3]\n{NET}", f"{LAST}  # evalguard: ignore[EG4] no"
    page.write_text(notebook(*idle, SHOW), encoding="utf-8")
    cli.main(["check", "--fix", "--warn-unused-ignores"])
    assert sources(page) == [f"%pwd\n{SAFE[0]}", LAST, SHOW]


def test_a_comment_speaks_for_the_whole_notebook(
    page: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page.write_text(notebook(*CELLS, "# evalguard: ignore-file[EG1, nothing]"), encoding="utf-8")
    assert cli.main(["check", "--output-format", "concise"]) == 1
    assert [line.split(" (")[0] for line in capsys.readouterr().out.splitlines()] == [
        "page.ipynb:cell 2:7:1: EG401 attr-without-call",
        "page.ipynb:cell 6:1:31: EG002 invalid-ignore",
    ]


def test_magics_of_a_script_of_cells_stay(
    page: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written: Callable[[list[str]], str] = "\n# %%\n".join
    end = "\r\n" if b"\r" in page.read_bytes() else "\n"
    page.unlink()
    script = tmp_path / "script.py"
    for options, changed in ((["--fix", "--unsafe-fixes"], UNSAFE), (["--add-ignores"], IGNORED)):
        text = f"# %%\n{written(list(CELLS))}\n"
        script.write_bytes(text.replace("\n", end).encode())
        cli.main(["check", "--diff"])
        assert "\n !pip list\n" in capsys.readouterr().out
        cli.main(["check", *options])
        new = script.read_bytes().decode()
        assert new == f"# %%\n{written(with_cells(changed))}\n".replace("\n", end)
