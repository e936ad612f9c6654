"""How files are split into programs, and that it can't be told from what is found."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from evalguard import judging, knowledge, sharing
from evalguard.check import check_paths
from evalguard.facts import Fact
from evalguard.finding import Result
from evalguard.flow import flow
from evalguard.knowledge import Knowledge
from evalguard.link import Program
from evalguard.options import Options
from evalguard.programs import Files
from evalguard.programs.glance import Glance, shown
from evalguard.programs.joining import joined
from evalguard.programs.projects import Projects
from evalguard.programs.splitting import programs

LEAK = """
import torch
from {nets} import Net

net = Net()
optimizer = torch.optim.SGD(net.parameters())
for x in range(3):
    net(x).sum().backward()
    optimizer.step()
    net.eval()
"""
NET = """
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout()

    def forward(self, x):
        return self.drop(x)
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, outside of any project."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def parts(files: dict[str, str]) -> set[frozenset[str]]:
    return {
        frozenset(part)
        for part in joined({path: shown(text.encode(), path) for path, text in files.items()})
    }


def together(*paths: str) -> frozenset[str]:
    return frozenset(paths)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import a.b.c", {("a.b.c", 0, None), ("a.b", 0, None), ("a", 0, None)}),
        ("import os; import a", {("os", 0, None), ("a", 0, None)}),
        ("if x: from a import b", {("a", 0, "b")}),
        ("importlib.import_module('a.b')", {("a.b", 0, None)}),
        ("import_module('.b', __package__)", {("b", 1, None)}),
        ("import_module('a.' + b)", {("a.", 0, None)}),
        ('import_module(f"a.b.{c}")', {("a.b.", 0, None)}),
        ("x = 'a.b'", set()),
    ],
)  # fmt: skip
def test_what_joins_a_file_to_others(text: str, expected: set[object]) -> None:
    assert set(shown(text.encode(), "x.py").imports) == expected


def test_a_notebook_s_imports_are_seen() -> None:
    cells = [
        {"cell_type": "code", "source": ["import a\n", "from b import (\n", "  c,\n", "  d)"]},
        {"cell_type": "code", "source": "x = 1\nimport e.f as g"},
    ]
    found = shown(json.dumps({"cells": cells}).encode(), "x.ipynb").imports
    assert {("a", 0, None), ("b", 0, "c"), ("b", 0, "d"), ("e.f", 0, None)} <= set(found)


@pytest.mark.parametrize(
    ("text", "tells"),
    [
        ("import torch", True),
        ("from lightning import Trainer", True),
        ("from .lightning import x", False),
        ("import timm.models as m", True),
        ("import json\nmodel.eval()\nloss.backward()", False),
        ("reveal_mode(x)", True),
    ],
)
def test_what_can_matter(text: str, tells: bool) -> None:
    assert shown(text.encode(), "x.py").tells(knowledge.load().packages) is tells


def test_what_a_user_says_of_a_library_can_matter() -> None:
    layers: dict[str, dict[str, object]] = {"mylib.Noise": {"sensitive": "yes"}}
    known = knowledge.load().extended({"layers": layers})
    assert shown(b"import mylib", "x.py").tells(known.packages)
    anything = knowledge.load().extended({"switches": {"ready": {"mode": "eval"}}})
    assert shown(b"import json", "x.py").tells(anything.packages)


def test_the_standard_library_has_nothing_to_do_with_modules() -> None:
    assert knowledge.load().packages.isdisjoint({"copy", "pickle", "builtins", "numpy", "*"})


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"a.py": "import b", "b.py": "", "c.py": "import os"}, [("a.py", "b.py"), ("c.py",)]),
        ({"a.py": "import c", "b.py": "import c", "c.py": ""}, [("a.py", "b.py", "c.py")]),
        ({"p/__init__.py": "", "p/a.py": "from . import b", "p/b.py": "", "p/c.py": ""},
         [("p/a.py", "p/b.py", "p/__init__.py"), ("p/c.py",)]),
        ({"p/__init__.py": "# (c)\n", "p/a.py": "", "p/b.py": ""},
         [("p/a.py",), ("p/b.py",), ("p/__init__.py",)]),
        ({"p/__init__.py": "x = 1", "p/a.py": ""}, [("p/a.py", "p/__init__.py")]),
        ({"a.py": "import p.q.r", "p/__init__.py": "", "p/q/__init__.py": "", "p/q/r.py": ""},
         [("a.py", "p/__init__.py", "p/q/__init__.py", "p/q/r.py")]),
        ({"s/a.py": "import utils", "s/utils.py": "", "t/a.py": "import utils", "t/utils.py": ""},
         [("s/a.py", "s/utils.py"), ("t/a.py", "t/utils.py")]),
        ({"s/utils.py": "import utils", "utils.py": ""}, [("s/utils.py", "utils.py")]),
        ({"x/a.py": "import sys\nsys.path.append('lib')", "x/b.py": "import c", "y/lib/c.py": ""},
         [("x/a.py", "x/b.py", "y/lib/c.py")]),
        ({"a.py": "import_module('p.q')", "p/q.py": ""}, [("a.py", "p/q.py")]),
        ({"a.py": "import_module('p.' + x)", "p/q.py": "", "p/r.py": "", "p/s/t.py": ""},
         [("a.py", "p/q.py", "p/r.py"), ("p/s/t.py",)]),
        ({"a.py": "import_module(f'p.s.{x}')", "p/q.py": "", "p/s/t.py": "", "s/t.py": ""},
         [("a.py", "p/s/t.py"), ("p/q.py",), ("s/t.py",)]),
    ],
)  # fmt: skip
def test_what_belongs_together(files: dict[str, str], expected: list[tuple[str, ...]]) -> None:
    assert parts(files) == {frozenset(part) for part in expected}


def test_the_order_of_files_doesn_t_matter() -> None:
    files = {f"m{number}.py": f"import m{number * number % 40}" for number in range(40)}
    mixed = random.sample([*files.items()], len(files))
    assert parts(files) == parts(dict(mixed))
    assert len(parts(files)) > 1


def test_projects_beside_one_another(here: Path) -> None:
    files = ("w/a/setup.py", "w/a/p/x.py", "w/a/third/LICENSE", "w/a/third/y.py", "w/b/z.py")
    write(here, dict.fromkeys((*files, "w/b/README.md", "w/c/u.py"), ""))
    of = Projects([name for name in files if name.endswith(".py")]).of
    assert of("w/a/p/x.py") == of("w/a/third/y.py") == str(here / "w/a")
    assert of("w/b/z.py") == str(here / "w/b")
    assert of("w/c/u.py") == ""


def test_a_folder_that_holds_scripts_is_one_project(here: Path) -> None:
    write(here, dict.fromkeys(("w/run.py", "w/a/README.md", "w/a/x.py"), ""))
    of = Projects(["w/run.py", "w/a/x.py"]).of
    assert of("w/a/x.py") == of("w/run.py") == ""


def test_packages_beside_one_another_are_one_project(here: Path) -> None:
    files = ("w/p/__init__.py", "w/p/demo/LICENSE", "w/p/demo/x.py", "w/q/__init__.py")
    write(here, dict.fromkeys(files, ""))
    of = Projects(file for file in files if file.endswith(".py")).of
    assert {of(file) for file in files} == {""}


def test_each_installed_package_is_a_project(here: Path) -> None:
    files = ("w/p/__init__.py", "w/p/demo/LICENSE", "w/p/demo/x.py", "w/q/__init__.py", "w/r.py")
    write(here, dict.fromkeys((*files, "w/p-1.0.dist-info/METADATA"), ""))
    of = Projects(file for file in files if file.endswith(".py")).of
    assert {of(file) for file in files[:3]} == {str(here / "w/p")}
    assert (of("w/q/__init__.py"), of("w/r.py")) == (str(here / "w/q"), "")


def test_a_folder_that_nobody_can_import_is_a_project(here: Path) -> None:
    files = ("w/p-1.0/p/__init__.py", "w/q-2.0/q/__init__.py", "w/r/r/__init__.py")
    write(here, dict.fromkeys(files, ""))
    of = Projects(files).of
    assert [of(file) for file in files] == [str(here / "w/p-1.0"), str(here / "w/q-2.0"), ""]


def test_only_programs_with_something_to_check_count() -> None:
    glances = {
        path: shown(text.encode(), path)
        for path, text in {"a.py": "import b", "b.py": "import torch", "c.py": ""}.items()
    }
    found = programs(["a.py"], glances, Projects([]), {"torch"})
    assert [(files.asked, files.nearby, files.telling) for files in found] == [
        (("a.py",), ("b.py",), True)
    ]
    assert programs([], {"c.py": Glance()}, Projects([]), ()) == []


def told(result: Result) -> list[str]:
    return [f"{each.place.path}:{each.place.line}: {each.code}" for each in result.findings]


def test_a_project_tells_among_others_what_it_tells_alone(here: Path) -> None:
    write(here, {
        "w/one/setup.py": "", "w/one/run.py": LEAK.format(nets="lib.nets"),
        "w/two/setup.py": "", "w/two/run.py": LEAK.format(nets="lib.nets"),
        "w/two/lib/nets.py": NET,
    })  # fmt: skip
    alone = [*told(check_paths(["w/one"])), *told(check_paths(["w/two"]))]
    assert told(check_paths(["w"])) == alone
    assert any(line.startswith("w/two") for line in alone)


@pytest.fixture
def followed(monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """The files of each program that is followed from now on."""
    seen: list[set[str]] = []

    def noted(program: Program) -> tuple[Fact, ...]:
        seen.append(set(program.units))
        return flow(program)

    monkeypatch.setattr(judging, "flow", noted)
    return seen


def test_what_has_nothing_to_do_with_torch_is_only_parsed(
    here: Path, followed: list[set[str]]
) -> None:
    write(here, {
        "a.py": "import b", "b.py": "import json  # evalguard: ignore[nothing]", "bad.py": "x = (",
        "nets.py": NET, "run.py": LEAK.format(nets="nets"),
    })  # fmt: skip
    result = check_paths(["."])
    assert followed == [{"nets.py", "run.py"}]
    assert (result.files, [error.path for error in result.errors]) == (4, ["bad.py"])
    assert told(result) == ["b.py:1: EG002", "run.py:8: EG103"]


def projects(root: Path) -> Iterator[str]:
    """Write some programs that find something; their folders."""
    for number in range(12):
        write(root, {
            f"{number}/setup.py": "",
            f"{number}/nets.py": NET,
            f"{number}/run.py": LEAK.format(nets="nets") + f"# {'x' * 300 * number}\n",
            f"{number}/bad.py": "x = (" if number % 5 == 0 else "",
        })  # fmt: skip
        yield str(number)


@pytest.mark.parametrize(("start", "jobs"), [("fork", 1), ("fork", 2), ("fork", 7), ("spawn", 2)])
def test_workers_and_order_change_nothing(
    here: Path, monkeypatch: pytest.MonkeyPatch, start: str, jobs: int
) -> None:
    folders = [*projects(here)]
    expected = check_paths(folders)
    monkeypatch.setattr(sharing, "STARTING", {start: 0})
    monkeypatch.setattr(sharing, "BATCH", 1000)
    monkeypatch.setattr(sharing, "method", lambda: start)
    watched: list[str] = []

    def progress(paths: list[str]) -> Iterator[str]:
        for path in paths:
            watched.append(path)
            yield path

    found = check_paths(folders, jobs=jobs, progress=progress)  # type: ignore[arg-type]
    assert found == expected
    assert (len(found.findings), len(found.errors)) == (12, 3)
    assert len(watched) == len(set(watched)) == 48
    mixed = random.sample(folders, len(folders))
    assert check_paths(mixed, jobs=jobs).findings == expected.findings


def test_a_worker_that_dies_takes_only_its_program_with_it(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [*projects(here)]

    def checked(_: judging.Judge, files: Files, *__: object) -> Result:
        if any("/run.py" in path and path.startswith("7") for path in files.asked):
            os._exit(9)
        return Result((), (), len(files.asked))

    monkeypatch.setattr(sharing, "STARTING", {"fork": 0})
    monkeypatch.setattr(sharing, "method", lambda: "fork")
    monkeypatch.setattr(judging.Judge, "files", checked)
    result = check_paths(folders, jobs=2)
    (error,) = result.errors
    assert error.path == "7/nets.py"
    assert error.reason.endswith("read this and 1 files that belong to it died: exit code 9")
    assert result.files == 46


def test_little_is_done_here(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evalguard.workers.answers", None)
    write(here, {"run.py": LEAK.format(nets="nets"), "nets.py": NET})
    assert check_paths(["."], Options(), jobs=8).findings


def test_knowledge_survives_a_pipe() -> None:
    import pickle

    judge = pickle.loads(pickle.dumps(judging.Judge(Options(select=("EG1",)))))  # noqa: S301 (ours)
    assert isinstance(judge.knowledge, Knowledge)
