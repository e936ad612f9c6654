"""The analysis ends, whatever it is given, and always says the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from evalguard import knowledge
from evalguard.check import check_source, check_texts
from evalguard.flow.analysis import Analysis
from evalguard.link import link
from evalguard.lower import lower
from evalguard.source import from_text

RING = "".join(
    f"def f{i}(m):\n    f{(i + 1) % 30}(m)\n    f{(i + 7) % 30}(m)\n    m.train()\n"
    for i in range(30)
)
PROGRAMS = {
    "recursion": "def f(m, n):\n    m.eval()\n    return f(m, n - 1)\nf(torch.nn.Dropout(), 3)\n",
    "a ring of functions": RING + "f0(torch.nn.Dropout())\n",
    "nested loops": "def f(m, n):\n"
    + "".join("    " * (i + 1) + f"for i{i} in n:\n" for i in range(15))
    + "    " * 16
    + "m.eval()\n",
    "many conditions": "def f("
    + ", ".join(f"a{i}, m{i}" for i in range(30))
    + "):\n"
    + "".join(f"    if a{i}:\n        m{i}.eval()\n" for i in range(30)),
    "deep branches": "".join("    " * i + "if a:\n" for i in range(90))
    + "    " * 90
    + "m.eval()\n",
    "deep brackets": "x = " + "(" * 150 + "1" + ")" * 150 + "\n",
    "a long list": "x = [" + ", ".join(map(str, range(20_000))) + "]\n",
    "many layers": "".join(f"x{i} = torch.nn.Linear({i}, 2)\n" for i in range(3_000)),
    "a class of itself": "class A(A): ...\nclass B(C): ...\nclass C(B): ...\nB().eval()\n",
    "a context manager of itself": "import contextlib\n@contextlib.contextmanager\ndef off(m):\n"
    "    m.eval()\n    yield\n    for a in m:\n        with off(m), off(m):\n"
    "            with off(a): m.eval()\nwith off(torch.nn.Dropout()): pass\n",
    "an endless generator": "def g():\n    while 1:\n        yield g()\nfor x in g(): x.eval()\n",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_walk_ends(name: str) -> None:
    result = check_source("import torch\n" + PROGRAMS[name])
    assert (result.findings, result.errors) == ((), ())


def test_what_enters_itself_is_walked_a_few_times_only() -> None:
    source = from_text("import torch\n" + PROGRAMS["a context manager of itself"], "a.py")
    analysis = Analysis(link([lower(source)], knowledge.load()))
    analysis.facts()
    assert [known.walks for known in analysis.functions] == [3]


def test_what_is_not_followed_any_more_may_have_switched() -> None:
    padding = "".join(f"    seen.append({number})\n" for number in range(80))
    used = "".join(
        f"def use{number}(x):\n"
        "    net = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))\n"
        "    print(trace(net, []))\n"
        "    with torch.no_grad():\n"
        "        print(net(x).argmax(1).tolist())\n"
        for number in range(12)
    )
    text = "import torch\nfrom torch import nn\n\ndef trace(net, seen):\n    net.eval()\n"
    assert check_source(f"{text}{padding}    return seen\n\n{used}").findings == ()


def test_files_may_import_one_another_in_circles() -> None:
    texts = {
        "a.py": "from b import Net\nimport c\nclass Base(c.nn.Module):\n    pass\n",
        "b.py": "from a import Base\nclass Net(Base):\n    pass\n",
        "c.py": "from torch import nn\nfrom b import *\n",
    }
    assert check_texts(texts).errors == ()


@pytest.mark.parametrize("order", [("a.py", "b.py"), ("b.py", "a.py")])
def test_the_order_of_files_does_not_matter(order: tuple[str, str]) -> None:
    texts = {
        "a.py": "from torch import nn\nnet = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))\n",
        "b.py": "import torch\nfrom a import net\nwith torch.no_grad():\n    print(net(x))\n",
    }
    (finding,) = check_texts({path: texts[path] for path in order}).findings
    assert (finding.code, finding.place.path, finding.place.line) == ("EG102", "b.py", 4)


BOXES = """
import torch
from torch import nn


def even(self):
    self.net = nn.Dropout(0.5).train(False)


def odd(self):
    self.net = nn.Dropout(0.5)


def middle(self):
    self.net = nn.Linear(2, 2)


class Box:
    __init__ = odd if first else even if second else middle


with torch.no_grad():
    print(Box().net(x).argmax())
"""


def test_hashing_does_not_matter(tmp_path: Path) -> None:
    """Not even where one of several functions has to be chosen."""
    path = tmp_path / "boxes.py"
    path.write_text(BOXES, encoding="utf-8")
    command = (sys.executable, "-m", "evalguard", "check", "--exit-zero", "--no-cache")
    outputs = {
        subprocess.run(
            (*command, "--min-confidence=possible", "--output-format=json", "examples", str(path)),
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2", "3", "4", "5")
    }
    assert len(outputs) == 1


def test_a_replaced_library_object_is_none_of_the_project_s() -> None:
    text = (
        "import dataclasses\nimport collections\nimport torch\n"
        "shape = collections.OrderedDict()\n"
        "print(dataclasses.replace(shape, height=3), shape._replace(width=2))\n"
    )
    assert check_source(text).errors == ()


def test_a_property_of_another_file_is_told_in_that_file() -> None:
    base = """
import torch
from torch import nn


class Sized(nn.Module):
    @property
    def probed(self):
        return self.forward(torch.load("x.pt")).argmax(1).tolist()
"""
    net = """
from torch import nn
from base import Sized


class Net(Sized):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5))

    def forward(self, x):
        return self.body(x)


print(Net().probed)
"""
    (finding,) = check_texts({"base.py": base, "net.py": net}).findings
    assert (finding.place.path, finding.place.span.line) == ("base.py", 8)


def test_what_many_classes_inherit_is_read_once() -> None:
    heirs = "".join(f"class Net{number}(Base):\n    pass\n" for number in range(50))
    made = "".join(f"Net{number}()\n" for number in range(50))
    text = f"""
import torch
from torch import nn
class Base(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Dropout()
    def forward(self, x):
        with torch.no_grad():
            return self.body(x)
    def other(self, x):
        return self.forward(x)
{heirs}{made}"""
    analysis = Analysis(link([lower(from_text(text, "net.py"))], knowledge.load()))
    analysis.facts()
    assert len(analysis.cuts) == 50
    assert 0 < len(analysis.uses) <= 3
