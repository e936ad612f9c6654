"""Notebooks: one program of their cells, places in cells, and changed text put back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat import v3, v4

from evalguard.check import check_paths, check_texts
from evalguard.finding import FileError
from evalguard.lower import lower
from evalguard.places import Cell
from evalguard.report import concise, terminal
from evalguard.report import json as json_report
from evalguard.source import Unreadable, from_text, lines, read, rewritten
from evalguard.source.notebook import parse

CODE = "code"
TEXT = "markdown"


def document(*cells: str | tuple[str, str], language: str = "python") -> Any:
    """A notebook of these cells, code but for those that say what they are."""
    made = {CODE: v4.new_code_cell, TEXT: v4.new_markdown_cell, "raw": v4.new_raw_cell}
    kinds = [(CODE, cell) if isinstance(cell, str) else cell for cell in cells]
    metadata = {"kernelspec": {"name": "k", "display_name": "K", "language": language}}
    return v4.new_notebook(cells=[made[kind](text) for kind, text in kinds], metadata=metadata)


def notebook(*cells: str | tuple[str, str], language: str = "python") -> str:
    text: str = nbformat.writes(document(*cells, language=language))
    return text


NET = """\
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout()

    def forward(self, x):
        return self.drop(x)
"""
PREDICT = "%matplotlib inline\n%time out = net(x)\nprint(out.argmax())"
PAGE = notebook((TEXT, "# Title"), NET, "net = Net()", "%%bash\nls (", PREDICT)


def test_the_cells_are_one_program() -> None:
    assert (
        from_text(
            notebook((TEXT, "no"), "a = 1\n", "%%bash\nls", ("raw", "no"), "b"), "n.ipynb"
        ).text
        == "# %% [cell 2]\na = 1\n\n# %% [cell 3]\n\n\n# %% [cell 5]\nb\n"
    )


def test_findings_are_told_by_cell() -> None:
    (finding,) = check_texts({"page.ipynb": PAGE}).findings
    assert finding.rule == "inference-without-eval"
    assert (finding.cell, finding.place.shown.start) == (5, (2, 13))
    assert [
        (item.place.cell and item.place.cell.number, item.place.shown.line)
        for item in finding.evidence
    ] == [(3, 1), (2, 6)]


def test_every_report_tells_the_cell(tmp_path: Path) -> None:
    file = tmp_path / "page.ipynb"
    file.write_text(PAGE, encoding="utf-8")
    result = check_paths([str(file)])
    assert f"{file}:cell 5:2:13: EG101" in concise.render(result)
    (found,) = json.loads(json_report.render(result))["findings"]
    assert (found["cell"], found["line"], found["end_line"]) == (5, 2, 2)
    assert [(item["cell"], item["line"]) for item in found["evidence"]] == [(3, 1), (2, 6)]
    full = terminal.render(result, lines).splitlines()
    assert f" --> {file}:cell 5:2:13" in full
    assert "1 | %matplotlib inline" in full
    assert "2 | %time out = net(x)" in full
    assert f" ::: {file}:cell 3:1:7" in full
    assert not [line for line in full if "[cell" in line]


def test_lines_of_the_file() -> None:
    raw = PAGE.splitlines()
    for cell in from_text(PAGE, "n.ipynb").cells:
        assert '"source": [' in "".join(raw[cell.file_line - cell.line - 1 : cell.file_line])
    cells = from_text(PAGE, "n.ipynb").cells
    assert [raw[cell.file_line - 1].strip() for cell in cells[-3:]] == [
        '"%matplotlib inline\\n",',
        '"%time out = net(x)\\n",',
        '"print(out.argmax())"',
    ]


def test_sources_in_one_string() -> None:
    made = document("a\nb", "")
    made["cells"] = [dict(cell) for cell in made["cells"]]
    source = from_text(json.dumps(made), "n.ipynb")
    assert source.text == "# %% [cell 1]\na\nb\n# %% [cell 2]\n\n"
    assert source.cells == (
        Cell(1, 1, 1), Cell(1, 1, 1), Cell(1, 2, 1), Cell(2, 1, 1), Cell(2, 1, 1)
    )  # fmt: skip


@pytest.mark.parametrize(
    "cell", ["  x = 1\n  y = 2", "  # indented\n\n  x = 1\ny = 2", "\tx = 1", "await net(x)"]
)
def test_what_ipython_allows_beyond_python(cell: str) -> None:
    lower(from_text(notebook(cell, "x = 1"), "n.ipynb"))


def test_an_older_format() -> None:
    cells = [
        v3.new_text_cell("markdown", source="no"),
        v3.new_code_cell(input=NET),
        v3.new_code_cell(input="ls", language="bash"),
        v3.new_code_cell(input="net = Net()\nprint(net(x).argmax())"),
    ]
    page = v3.writes_json(v3.new_notebook(worksheets=[v3.new_worksheet(cells=cells)]))
    (finding,) = check_texts({"old.ipynb": page}).findings
    assert (finding.cell, finding.place.shown.line) == (4, 2)


@pytest.mark.parametrize("language", ["R", "julia", "scala"])
def test_other_languages_are_skipped(language: str) -> None:
    assert from_text(notebook("x <- (", language=language), "n.ipynb").text == ""


def test_cells_of_other_languages_are_skipped() -> None:
    made = document("x", "y (")
    made.cells[1].metadata["vscode"] = {"languageId": "javascript"}
    assert from_text(nbformat.writes(made), "n.ipynb").text == "# %% [cell 1]\nx\n"


@pytest.mark.parametrize(
    ("text", "reason", "place"),
    [
        ("", "not valid JSON: Expecting value", (1, 1)),
        ('{\n  "cells": [,]\n}', "not valid JSON: Expecting value", (2, 13)),
        ("[" * 100_000, "nested too deeply to be a notebook", (0, 0)),
        ("[1]", "not a notebook: it doesn't tell its `nbformat`", (0, 0)),
        (
            '{"nbformat": 2}',
            "a notebook of a format before 3: save it with a newer Jupyter",
            (0, 0),
        ),
        ('{"nbformat": 4, "cells": 1}', "not a notebook: `cells` isn't a list of objects", (0, 0)),
        (
            '{"nbformat": 3, "worksheets": 1}',
            "not a notebook: `worksheets` isn't a list of objects",
            (0, 0),
        ),
        (
            '{"nbformat": 4, "cells": [{"cell_type": "code", "source": [1]}]}',
            "not a valid notebook: cell 1 has no source",
            (0, 0),
        ),
    ],
)
def test_what_is_no_notebook(text: str, reason: str, place: tuple[int, int]) -> None:
    with pytest.raises(Unreadable) as caught:
        from_text(text, "n.ipynb")
    assert (caught.value.reason, (caught.value.line, caught.value.column)) == (reason, place)


def test_an_empty_notebook_is_none_of_these() -> None:
    for text in (
        '{"nbformat": 4}',
        notebook(),
        notebook((TEXT, "x")),
        '{"nbformat": 3, "worksheets": []}',
    ):
        assert from_text(text, "n.ipynb").text == ""


def test_errors_are_told_by_cell() -> None:
    texts = {
        "syntax.ipynb": notebook("x = 1", "\nwith x:\ny"),
        "null.ipynb": notebook("x", "y\n\0"),
        "end.ipynb": notebook("x", "f("),
    }
    syntax, null, end = check_texts(texts).errors
    assert (syntax.cell and syntax.cell.number, syntax.line, syntax.column) == (2, 3, 1)
    assert syntax.reason == (
        "syntax error: expected an indented block after 'with' statement on line 2"
    )
    assert (null.cell and null.cell.number, null.line, null.column) == (2, 2, 1)
    assert (end.cell and end.cell.number, end.line) == (2, 1)
    result = check_texts({"syntax.ipynb": texts["syntax.ipynb"]})
    assert concise.render(result).startswith("syntax.ipynb:cell 2:3:1: could not be checked: ")
    (error,) = json.loads(json_report.render(result))["errors"]
    assert (error["cell"], error["line"]) == (2, 3)


def test_files(tmp_path: Path) -> None:
    page, broken = tmp_path / "page.ipynb", tmp_path / "broken.ipynb"
    page.write_bytes(b"\xef\xbb\xbf" + notebook("x = 'é'").encode())
    broken.write_bytes(b'{"nbformat": \xff}')
    assert read(str(page)).text == "# %% [cell 1]\nx = 'é'\n"
    assert lines(str(page), 1) == ("x = 'é'",)
    assert lines(str(page), 2) == ("",)
    result = check_paths([str(tmp_path)])
    assert result.errors == (
        FileError(str(broken), "not text in utf-8: invalid start byte", 1, 14),
    )
    assert result.files == 1


def test_a_notebook_uses_modules_and_isn_t_one(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NET, encoding="utf-8")
    user = "from net import Net\nnet = Net()", "print(net(x).argmax())"
    (tmp_path / "net.ipynb").write_text(notebook(*user), encoding="utf-8")
    for given_path in (tmp_path, tmp_path / "net.ipynb"):
        (finding,) = check_paths([str(given_path)]).findings
        assert finding.cell == 2
        assert Path(finding.evidence[1].place.path).name == "net.py"
        assert finding.evidence[1].place.cell is None


def edited(raw: str, *edits: tuple[str, str]) -> str:
    text = parse(raw).code
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    return parse(raw).with_code(text)


def sources(raw: str) -> list[str]:
    return ["".join(cell["source"]) for cell in json.loads(raw)["cells"]]


def test_unchanged_text_gives_the_same_notebook() -> None:
    assert edited(PAGE) == PAGE


def test_only_changed_cells_are_written() -> None:
    new = edited(PAGE, ("print(out", "net.eval()\nprint(out"))
    nbformat.validate(nbformat.reads(new, as_version=4))
    before, after = PAGE.splitlines(), new.splitlines()
    at = before.index('    "print(out.argmax())"')
    assert after == [*before[:at], '    "net.eval()\\n",', *before[at:]]
    assert new.endswith("}\n") == PAGE.endswith("}\n")


def test_magics_are_put_back() -> None:
    new = edited(PAGE, ("out = net(x)", "out = net(x.to('é'))"))
    assert sources(new)[4] == PREDICT.replace("(x)", "(x.to('é'))")
    assert "é" in new


@pytest.mark.parametrize(
    ("cell", "old", "new", "written"),
    [
        ("!ls\n!pwd\nx", "x", "y", "!ls\n!pwd\ny"),
        ("x\n!ls \\\n  -l\ny", "y", "z", "x\n!ls \\\n  -l\nz"),
        ("%%time\nx", "x", "with y:\n    x", "%%time\nwith y:\n    x"),
        ("a = %time f(x)\nb", "f(x)", "g(x)", "a = %time g(x)\nb"),
        ("%time f(x)\n!ls", "0;", "if y:\n    0;", "if y:\n    %time f(x)\n!ls"),
        ("for x in y:\n    !ls\nz", "z", "", "for x in y:\n    !ls\n"),
    ],
)
def test_what_is_blanked_survives_changes(cell: str, old: str, new: str, written: str) -> None:
    assert sources(edited(notebook(cell), (old, new))) == [written]


@pytest.mark.parametrize(
    ("cell", "old", "new"),
    [
        ("%time f(x)", "0;    f(x)", "g(x)"),
        ("!ls\nx", "0  \nx", "y"),
        ("%%bash\nls", "\n\n", "\nx\n"),
    ],
)
def test_what_is_blanked_can_t_be_changed(cell: str, old: str, new: str) -> None:
    with pytest.raises(ValueError, match="what only IPython understands"):
        edited(notebook(cell), (old, new))


STYLES: tuple[dict[str, Any], ...] = (
    {"indent": 1},
    {"indent": 4, "ensure_ascii": False},
    {"indent": "\t", "sort_keys": True},
    {"separators": (",", ":")},
    {},
)
CELLS = ("# é", "net = Net()\nnet(x)\n", "one")
CHANGED = ("# é", "net = Net()\nnet.eval()\nnet('ü')\n", "one\ntwo")


def with_sources(raw: str, sources: Sequence[str], as_list: bool) -> Any:
    made = json.loads(raw)
    for cell, text in zip(made["cells"], sources, strict=True):
        cell["source"] = text.splitlines(keepends=True) if as_list else text
    return made


@pytest.mark.parametrize("style", STYLES, ids=str)
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
@pytest.mark.parametrize("as_list", [True, False])
def test_the_form_is_kept(style: dict[str, Any], end: str, as_list: bool) -> None:
    raw = json.dumps(with_sources(notebook(*CELLS), CELLS, as_list), **style) + end
    new = edited(raw, ("net(x)", "net.eval()\nnet('ü')"), ("one", "one\ntwo"))
    assert new == json.dumps(with_sources(raw, CHANGED, as_list), **style) + end
    nbformat.validate(nbformat.reads(new, as_version=4))


TEXTS = st.text(st.sampled_from('ab\n# \x0c\x1c\u2028é\ud800"\\'), max_size=12)


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=4), st.sampled_from(STYLES), st.booleans())
def test_any_text_is_put_back(
    changes: list[tuple[str, str]], style: dict[str, Any], as_list: bool
) -> None:
    cells = [
        {"cell_type": "code", "source": old.split("|") if as_list else old} for old, _ in changes
    ]
    raw = json.dumps({"nbformat": 4, "cells": cells, "metadata": {"é": 1}}, **style)
    page = parse(raw)
    heads = [part.head for part in page.parts]
    new = page.with_code(
        "".join(f"{head}{text}\n" for head, (_, text) in zip(heads, changes, strict=True))
    )
    assert sources(new) == [text for _, text in changes]
    emptied = [{**cell, "source": ""} for cell in json.loads(new)["cells"]]
    assert {**json.loads(new), "cells": emptied} == {
        **json.loads(raw),
        "cells": [{**cell, "source": ""} for cell in cells],
    }


def test_other_line_ends_are_kept_where_nothing_changed() -> None:
    raw = notebook("x").replace('"x"', r'"a\r\n", "b\r\n", "c"')
    assert sources(edited(raw, ("b", "d"))) == ["a\r\nd\nc"]


def test_an_older_notebook_is_put_back() -> None:
    cells = [v3.new_code_cell(input="net(x)"), v3.new_code_cell(input="y")]
    raw = v3.writes_json(v3.new_notebook(worksheets=[v3.new_worksheet(cells=cells)]))
    new = edited(raw, ("net(x)", "net.eval()\nnet(x)"))
    assert v3.reads_json(new).worksheets[0].cells[0].input == "net.eval()\nnet(x)"
    nbformat.validate(v3.reads_json(new), version=3)


def test_marks_and_line_ends_are_put_back() -> None:
    page = "\ufeff" + PAGE.replace("\n", "\r\n")
    text = parse(PAGE).code
    assert rewritten(page, "page.ipynb", text) == page
    new = rewritten(page, "page.ipynb", text.replace("net = Net()", "net = Net().eval()"))
    assert new == page.replace("net = Net()", "net = Net().eval()")


@pytest.mark.parametrize(
    "broken", ["", "x\n", "# %% [cell 1]\n", "# %% [cell 2]\nb\n# %% [cell 1]\na\n"]
)
def test_text_of_other_cells_is_refused(broken: str) -> None:
    with pytest.raises(ValueError, match="lines between the cells"):
        parse(notebook("a", "b")).with_code(broken)


def test_what_is_put_before_all_cells_begins_the_first() -> None:
    page = parse(notebook((TEXT, "x"), "a", "b"))
    assert sources(page.with_code(f"import y\n{page.code}")) == ["x", "import y\na", "b"]
    for cell in ("%%time\na", "  a"):
        page = parse(notebook(cell))
        with pytest.raises(ValueError, match="can't begin with anything else"):
            page.with_code(f"import y\n{page.code}")


def test_a_line_of_a_cell_that_looks_like_one_between_cells() -> None:
    page = parse(notebook("a", "# %% [cell 1]\nb"))
    with pytest.raises(ValueError, match="lines between the cells"):
        page.with_code(page.code)
