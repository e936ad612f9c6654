"""Fixed programs under real PyTorch: the defect that was seen to happen no longer does.

The programs are the examples of the rules' pages that have a fix. What
is watched is each call of a module, by the text of the line that makes it: the mode of its layers,
and whether gradients are recorded.
"""

from __future__ import annotations

import contextlib
import io
import runpy
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from evalguard.check import check_texts  # noqa: E402 (a folder of tests that is no package)
from evalguard.finding import Finding  # noqa: E402
from evalguard.fix.mending import mend  # noqa: E402
from literate import Case, cases, pages  # noqa: E402
from test_fixes import Desk, every  # noqa: E402

torch = pytest.importorskip("torch", minversion="2.9")
nn = torch.nn

pytestmark = pytest.mark.filterwarnings("ignore")

AUTHORS = frozenset((  # there is no fix for these
    "backward-under-no-grad", "bad-train-override", "frozen-in-train", "grad-mode-leak",
    "mode-argument",
))  # fmt: skip
SENSITIVE = (nn.modules.dropout._DropoutNd, nn.modules.batchnorm._NormBase)


class Call(NamedTuple):
    """One call of a module that holds layers with a mode."""

    training: bool
    grad: bool


class Seen(NamedTuple):
    """What a run did: the calls by line, its output, and its names at the end."""

    calls: dict[str, set[Call]]
    output: str
    names: dict[str, Any]


def _line(root: Path) -> str:
    """The line of the program that is under way, innermost first."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.parent == root:
            number: int = frame.f_lineno
            return path.read_text(encoding="utf-8").split("\n")[number - 1].strip()
        frame = frame.f_back
    return ""


@contextlib.contextmanager
def _watched(root: Path, calls: dict[str, set[Call]]) -> Iterator[None]:
    def watch(module: Any, _: object) -> None:
        layers = [layer for layer in module.modules() if isinstance(layer, SENSITIVE)]
        training = any(layer.training for layer in layers) if layers else module.training
        calls.setdefault(_line(root), set()).add(Call(training, torch.is_grad_enabled()))

    handle = nn.modules.module.register_module_forward_pre_hook(watch)
    try:
        yield
    finally:
        handle.remove()
        torch.set_grad_enabled(True)


def _run(texts: Mapping[str, str], root: Path) -> Seen:
    root.mkdir()
    for path, text in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    seen = Seen({}, "", {})
    output = io.StringIO()
    torch.manual_seed(0)
    with _watched(root, seen.calls), contextlib.redirect_stdout(output):
        names = runpy.run_path(str(root / "main.py"), run_name="__main__")
    return seen._replace(output=output.getvalue(), names=names)


def _shows(finding: Finding, line: str, seen: Seen) -> bool | None:
    """Whether a run shows a finding's defect; None if it can't tell."""
    calls = seen.calls.get(line, set())
    if finding.rule in ("inference-without-eval", "no-grad-instead-of-eval", "export-in-train"):
        return any(call.training for call in calls) if calls else None
    if finding.rule in ("never-back-to-train", "train-in-eval"):
        return any(not call.training for call in calls) if calls else None
    if finding.rule == "eval-without-no-grad":
        return any(call.grad for call in calls) if calls else None
    if finding.rule == "no-grad-without-effect":
        return any(call.grad for each in seen.calls.values() for call in each)
    if finding.rule in ("attr-without-call", "training-attr-assign"):
        wanted = not line.endswith(("eval", "eval()", "False"))
        modules = seen.names[line.partition(".")[0]].modules()
        return any(module.training != wanted for module in modules)
    return _differs(seen)


def _differs(seen: Seen) -> bool | None:
    """Pages print first whether two answers of a network in eval mode are the same."""
    words = seen.output.split()
    return words[0] == "False" if words and words[0] in ("True", "False") else None


def _programs() -> list[Case]:
    root = HERE.parent / "fixtures"
    return [
        case
        for page in pages(root)
        if page.suffix == ".py" and page.stem.replace("_", "-") not in AUTHORS
        for case in cases(page)
        if case.title == "Example"
    ]


@pytest.mark.parametrize("case", _programs(), ids=lambda case: f"{case.page}: {case.title}")
def test_the_defect_is_gone(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {
        path: "".join(f"{line.partition('  # ')[0]}\n" for line in lines)
        for path, lines in case.files.items()
    }
    desk = Desk(texts)
    before = check_texts(texts)
    outcome = mend(desk, before, every, unsafe=True)
    monkeypatch.chdir(tmp_path)
    broken = _run(texts, tmp_path / "before")
    lines = {
        finding: texts[finding.place.path].split("\n")[finding.place.line - 1].strip()
        for finding in outcome.fixed
    }
    assert lines
    assert all(_shows(finding, line, broken) for finding, line in lines.items())
    fixed = _run({**texts, **outcome.drafts}, tmp_path / "after")
    assert not any(_shows(finding, _after(line), fixed) for finding, line in lines.items())


def _after(line: str) -> str:
    """A line that a fix rewrote, as it reads then."""
    return line.replace(".training = False", ".eval()")


def test_an_override_gives_back_its_module(tmp_path: Path) -> None:
    text = (
        "from torch import nn\n\n\nclass Net(nn.Module):\n    def train(self, mode=True):\n"
        "        super().train(mode)\n\n\nnet = Net().eval()\nprint(net)\n"
    )
    desk = Desk({"main.py": text})
    outcome = mend(desk, desk.check({}), every, unsafe=False)
    assert _run({"main.py": text}, tmp_path / "before").names["net"] is None
    assert _run(outcome.drafts, tmp_path / "after").names["net"] is not None


def test_attention_drops_in_train_mode_only(tmp_path: Path) -> None:
    text = (
        "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n\n"
        "class Net(nn.Module):\n    def forward(self, x):\n"
        "        return F.scaled_dot_product_attention(x, x, x, dropout_p=0.5)\n\n\n"
        "net = Net().eval()\nx = torch.ones(1, 4, 8, 8)\nprint(torch.equal(net(x), net(x)))\n"
    )
    desk = Desk({"main.py": text})
    outcome = mend(desk, desk.check({}), every, unsafe=False)
    assert _differs(_run({"main.py": text}, tmp_path / "before"))
    after = _run(outcome.drafts, tmp_path / "after")
    assert not _differs(after)
    net, x = after.names["net"].train(), after.names["x"]
    assert not torch.equal(net(x), net(x))
