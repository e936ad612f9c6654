"""Files checked alone: what of their project is read beside them, and what that changes."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from evalguard import judging
from evalguard.check import Options, check_paths
from evalguard.context import needs
from evalguard.context.choosing import MOST_LOOKED_AT, Context
from evalguard.context.project import neighbours
from evalguard.events import Unit
from evalguard.finding import Confidence, Finding
from evalguard.knowledge import load
from evalguard.lower import lower
from evalguard.source import Source, read

NET = """
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.5))

    def forward(self, x):
        return self.layers(x)
"""
EVALUATE = """
import torch


def evaluate(net, loader):
    with torch.no_grad():
        return [net(x).argmax(1).tolist() for x in loader]
"""
SCRIPT = """
import torch

{line}

net = {name}()
net.load_state_dict(torch.load("net.pt"))
with torch.no_grad():
    for x in torch.load("data.pt"):
        print(net(x).argmax(1).tolist())
"""
AT = 10

Plant = Callable[..., Path]


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plant:
    """Stand in an empty project and write files in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").touch()

    def written(**texts: str) -> Path:
        for name, text in texts.items():
            path = tmp_path / (name.replace("__", "/").replace("INIT", "__init__") + ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return written


def found(*paths: str) -> list[Finding]:
    result = check_paths(paths)
    assert result.errors == ()
    return list(result.findings)


def places(*paths: str) -> list[tuple[str, str, int]]:
    return [(item.code, item.place.path, item.place.line) for item in found(*paths)]


def reading(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that are read closely from now on."""
    paths: list[str] = []

    def noted(path: str) -> Source:
        paths.append(path)
        return read(path)

    monkeypatch.setattr(judging, "read", noted)
    return paths


@pytest.mark.parametrize(
    ("script", "net", "line"),
    [
        ("run", "net", "from net import Net"),
        ("run", "net", "from net import *"),
        ("pkg__run", "pkg__net", "from .net import Net"),
        ("pkg__sub__run", "pkg__net", "from ..net import Net"),
        ("pkg__run", "pkg__net", "from pkg.net import Net"),
        ("scripts__run", "pkg__net", "from pkg.net import Net"),
        ("scripts__run", "src__pkg__net", "from pkg.net import Net"),
        ("scripts__run", "space__deep__net", "from space.deep.net import Net"),
    ],
)
def test_what_is_imported_is_read(plant: Plant, script: str, net: str, line: str) -> None:
    plant(**{script: SCRIPT.format(line=line, name="Net"), net: NET})
    for top in ("pkg", "pkg/sub", "src/pkg"):
        if Path(top).is_dir():
            Path(top, "__init__.py").touch()
    path = script.replace("__", "/") + ".py"
    (finding,) = found(path)
    assert (finding.code, finding.place.path, finding.place.line) == ("EG102", path, AT)
    assert finding.confidence is Confidence.CERTAIN


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("import pkg.net", "pkg.net.Net"),
        ("import pkg.net as made", "made.Net"),
        ("from pkg import net as made", "made.Net"),
        ("from pkg import Net", "Net"),
        ("import pkg", "pkg.Net"),
        ("from pkg import (  # (\n    Net as Made,\n)", "Made"),
    ],
)
def test_names_are_followed_as_python_would(plant: Plant, line: str, name: str) -> None:
    plant(run=SCRIPT.format(line=line, name=name), pkg__INIT="from .net import *", pkg__net=NET)
    assert [code for code, _, _ in places("run.py")] == ["EG102"]


def test_files_around_are_read_by_the_reader_that_is_given(plant: Plant) -> None:
    plant(run=SCRIPT.format(line="from net import Net", name="Net"), net=NET)

    def reader(path: str) -> Source:
        source = read(path)
        return replace(source, text=source.text.replace("Dropout(0.5)", "ReLU()"))

    assert [finding.code for finding in check_paths(["run.py"]).findings] == ["EG102"]
    assert check_paths(["run.py"], reader=reader).findings == ()


def test_of_what_is_imported_only_what_is_named_is_taken(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(
        run=SCRIPT.format(line="from pkg import Net", name="Net"),
        pkg__INIT="from .net import Net\nfrom .other import Other\n",
        pkg__net=NET + "\n\ndef unused():\n    from pkg import more\n    return more\n",
        pkg__other="class Other: ...\n",
        pkg__more="",
    )
    paths = reading(monkeypatch)
    assert found("run.py")
    assert paths == ["run.py", "pkg/__init__.py", "pkg/net.py"]


APP = """
import torch
from net import Net
{line}


def run(how, net):
    return how(net, [])


def main(loader):
    net = Net()
    net.load_state_dict(torch.load("net.pt"))
    print({call})
"""
CALLERS = {
    "a function": APP.format(line="from lib import evaluate", call="evaluate(net, loader)"),
    "a module": APP.format(line="import lib", call="lib.evaluate(net, loader)"),
    "all": APP.format(line="from lib import *", call="evaluate(net, loader)"),
    "a callback": APP.format(line="import lib", call="run(lib.evaluate, net)"),
    "a name of its own": APP.format(line="import lib as made", call="made.evaluate(net, [])"),
    "in a function": APP.format(line="", call="evaluate(net, loader)").replace(
        "net = Net()", "from lib import evaluate; net = Net()"
    ),
    "the script itself": APP.format(line="from lib import evaluate", call="evaluate(net, 1)")
    + "\n\nif __name__ == '__main__':\n    print(evaluate(Net(), []))\n",
}


@pytest.mark.parametrize("caller", CALLERS)
def test_callers_are_read(plant: Plant, caller: str) -> None:
    plant(lib=EVALUATE, net=NET, app=CALLERS[caller])
    (finding,) = found("lib.py")
    assert (finding.code, finding.place.line) == ("EG102", 7)
    assert {item.place.path for item in finding.evidence} == {"app.py", "lib.py", "net.py"}


def test_callers_of_callers_are_read(plant: Plant) -> None:
    plant(
        lib=EVALUATE,
        middle="from lib import evaluate\n\ndef report(net):\n    print(evaluate(net, []))\n",
        net=NET,
        app=APP.format(line="import middle", call="middle.report(net)"),
    )
    (finding,) = found("lib.py")
    assert "middle.py" in {item.place.path for item in finding.evidence}


def test_callers_that_do_it_right_are_believed(plant: Plant) -> None:
    plant(
        lib="import torch\n\n\ndef evaluate(net, loader):\n    net.train(False)\n"
        "    return [net(x).argmax(1).tolist() for x in loader]\n",
        app="import torch\nfrom lib import evaluate\nfrom net import Net\n\n"
        "def main(loader):\n    with torch.no_grad():\n        print(evaluate(Net(), loader))\n",
        net=NET,
    )
    assert places("lib.py") == []
    Path("app.py").unlink()
    assert [code for code, _, _ in places("lib.py")] == ["EG201"]


def test_a_finding_is_shown_only_after_its_callers_were_read(plant: Plant) -> None:
    layers = "".join(f"def f{i}(net, x):\n    return net(x)\n" for i in range(MOST_LOOKED_AT))
    plant(**{f"lib__m{i}": layers for i in range(MOST_LOOKED_AT)})
    test_callers_that_do_it_right_are_believed(plant)


def test_subclasses_are_read(plant: Plant) -> None:
    plant(
        base="import torch\n\n\nclass Trainer:\n    def run(self, loader):\n"
        "        with torch.no_grad():\n"
        "            return [self.net(x).argmax(1).tolist() for x in loader]\n",
        child="from base import Trainer\nfrom net import Net\n\n\nclass Child(Trainer):\n"
        "    def __init__(self):\n        self.net = Net()\n"
        "        self.net.load_state_dict({})\n\n\n"
        "def main(loader):\n    print(Child().run(loader))\n",
        net=NET,
    )
    assert places("base.py") == [("EG102", "base.py", 7)]


def test_a_part_that_another_file_freezes_is_told(plant: Plant) -> None:
    plant(
        model="from torch import nn\n\n\nclass Net(nn.Module):\n    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.body = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8))\n"
        "        self.head = nn.Linear(8, 2)\n\n"
        "    def forward(self, x):\n        return self.head(self.body(x))\n",
        train="import torch\nfrom model import Net\n\n\ndef main(loader):\n    net = Net()\n"
        "    for parameter in net.body.parameters():\n"
        "        parameter.requires_grad = False\n"
        "    optimizer = torch.optim.SGD(net.head.parameters(), lr=0.1)\n"
        "    net.train()\n    for x, y in loader:\n"
        "        loss = torch.nn.functional.cross_entropy(net(x), y)\n"
        "        optimizer.zero_grad()\n        loss.backward()\n        optimizer.step()\n",
    )
    assert places("model.py") == [("EG105", "model.py", 11)]


def test_findings_are_shown_for_what_was_asked_alone(plant: Plant) -> None:
    run = SCRIPT.format(line="from net import Net", name="Net")
    plant(run=run, lib=EVALUATE + run, net=NET, app=CALLERS["a function"])
    result = check_paths(["lib.py"])
    assert {item.place.path for item in result.findings} == {"lib.py"}
    assert result.files == 1
    assert len(check_paths(["."]).findings) == len(result.findings) + 1


def test_a_folder_is_checked_in_its_project(plant: Plant) -> None:
    plant(scripts__run=SCRIPT.format(line="from pkg.net import Net", name="Net"), pkg__net=NET)
    assert places("scripts") == [("EG102", "scripts/run.py", AT)]
    assert places("scripts", "pkg") == places(".")


@pytest.mark.parametrize("here", [".", "pkg", "other"])
@pytest.mark.parametrize("absolute", [False, True])
def test_where_one_stands_does_not_matter(
    plant: Plant, monkeypatch: pytest.MonkeyPatch, here: str, absolute: bool
) -> None:
    top = plant(
        pkg__INIT="",
        pkg__sub__INIT="",
        pkg__sub__net=NET,
        pkg__run=SCRIPT.format(line="from .sub import net", name="net.Net"),
        other__x="",
    )
    monkeypatch.chdir(here)
    path = top / "pkg/run.py"
    given = str(path) if absolute else os.path.relpath(path)
    (finding,) = found(given)
    assert finding.place.path == given


def test_what_cannot_be_read_is_passed_over(plant: Plant) -> None:
    top = plant(
        run=SCRIPT.format(line="from net import Net\nfrom broken import f\nimport gone", name="Net")
        + "f(gone.g(net))\n",
        net=NET,
        broken="def f(:\n",
    )
    (top / "gone.py").write_bytes(b"def g(x):\n    '\xff'\n")
    assert [code for code, _, _ in places("run.py")] == ["EG102"]


def test_nothing_outside_of_the_project_is_read(
    plant: Plant, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = plant(run=SCRIPT.format(line="from net import Net", name="Net"), lib__INIT="")
    away = tmp_path_factory.mktemp("away")
    (away / "net.py").write_text(NET)
    (top / "net.py").symlink_to(away / "net.py")
    (top / "more").symlink_to(away, target_is_directory=True)
    paths = reading(monkeypatch)
    check_paths(["run.py"])
    assert paths == ["run.py"]
    (top / "net.py").unlink()
    (top / "lib/real.py").write_text(NET)
    (top / "net.py").symlink_to("lib/real.py")
    assert found("run.py")


def test_what_is_left_out_below_a_folder_is_no_context(plant: Plant) -> None:
    plant(run=SCRIPT.format(line="from build.net import Net", name="Net"), build__net=NET)
    assert neighbours(["run.py"], ["run.py"]) == ()
    assert [item.confidence for item in found("run.py")] != [Confidence.CERTAIN]


def test_what_nobody_uses_and_uses_nobody_is_read_alone(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(lib=EVALUATE, net=NET, app="import net\nlib = evaluate = 1\n", tool="import os\n")
    paths = reading(monkeypatch)
    check_paths(["lib.py"])
    assert paths == ["lib.py"]


def test_callers_of_what_runs_no_module_are_not_looked_for(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(
        net=NET + "\n\ndef count(text):\n    return len(text.split())\n",
        app="from net import Net, count\nprint(Net()(1), count('a b'))\n",
    )
    paths = reading(monkeypatch)
    check_paths(["net.py"])
    assert paths == ["net.py"]


def chain(length: int) -> dict[str, str]:
    """Files of which each imports the next."""
    texts = {
        f"m{i}": f"from m{i + 1} import f{i + 1}\n\ndef f{i}():\n    return f{i + 1}()\n"
        for i in range(length)
    }
    return {**texts, f"m{length}": f"def f{length}():\n    return 1\n"}


def test_reading_has_an_end(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(run="from m0 import f0\nnet = f0()\nprint(net(1))\n", **chain(20))
    monkeypatch.setattr(needs, "MOST_FILES", 5)
    paths = reading(monkeypatch)
    check_paths(["run.py"])
    assert paths == ["run.py", *(f"m{i}.py" for i in range(5))]


def test_reading_ends_after_so_many_bytes(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = chain(20)
    plant(run="from m0 import f0\nnet = f0()\nprint(net(1))\n", **texts)
    monkeypatch.setattr(needs, "MOST_BYTES", len(texts["m0"] + texts["m1"]))
    paths = reading(monkeypatch)
    check_paths(["run.py"])
    assert paths == ["run.py", "m0.py", "m1.py"]


def test_a_file_too_big_to_read_leaves_room_for_others(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = "from big import Big\nfrom net import Net\nprint(Big(Net())(1))\n"
    plant(run=run, big=EVALUATE * 100 + "\nBig = print\n", net=NET)
    monkeypatch.setattr(needs, "MOST_BYTES", len(NET))
    paths = reading(monkeypatch)
    check_paths(["run.py"])
    assert paths == ["run.py", "net.py"]


def test_what_is_not_read_is_not_mistaken_for_something_else(plant: Plant) -> None:
    plant(
        pkg__run=SCRIPT.format(line="from net import Net", name="Net"),
        pkg__net="Net = print\n",
        net=NET,
    )
    assert places("pkg/run.py") == []
    Path("pkg/net.py").write_text("class Net(:\n")
    assert [item.confidence for item in found("pkg/run.py")] != [Confidence.CERTAIN]


@pytest.mark.parametrize("swapped", [False, True])
def test_the_order_of_files_does_not_matter(plant: Plant, swapped: bool) -> None:
    plant(lib=EVALUATE, net=NET, app=CALLERS["a function"], more=CALLERS["a module"])
    files = ["net.py", "more.py", "app.py"]
    unit = lower(read("lib.py"))

    def lowered(path: str) -> Unit:
        return lower(read(path))

    context = Context([unit], files[::-1] if swapped else files, "", load(), lowered)
    assert list(context.program().units) == ["app.py", "lib.py", "more.py", "net.py"]


def test_circles_end(plant: Plant) -> None:
    plant(
        a="from b import *\nimport c\n\ndef f(net):\n    return net(c.g)\n",
        b="from a import *\nfrom c import g\n",
        c="import a, b\n\ndef g():\n    return a.f(b.g)\n",
    )
    assert found("a.py") == found("b.py") == found("c.py") == []


def test_options_hold_for_what_is_shown(plant: Plant) -> None:
    plant(lib=EVALUATE, net=NET, app=CALLERS["a function"])
    assert check_paths(["lib.py"], Options(ignore=("EG102",))).findings == ()
