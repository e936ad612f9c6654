"""What the fixtures of the flow claim of modes and gradients, held against what really happens.

Every program of ``fixtures/flow`` whose imports are there is run, with a ``reveal_mode`` that looks
at the module's layers. What it sees must be among what the line claims.
"""

from __future__ import annotations

import builtins
import contextlib
import io
import re
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from literate import Case, cases, marks  # noqa: E402 (a folder of tests that is no package)

torch = pytest.importorskip("torch", minversion="2.9")
nn = torch.nn

pytestmark = pytest.mark.filterwarnings("ignore")

SENSITIVE = (nn.modules.dropout._DropoutNd, nn.modules.batchnorm._NormBase)
IMPORT = re.compile(r"^\s*(?:from|import)\s+([A-Za-z_]\w*)", re.MULTILINE)
Seen = dict[tuple[str, int], set[str]]


def _programs() -> list[Case]:
    return [
        case
        for page in sorted((HERE.parent / "fixtures" / "flow").glob("*.md"))
        for case in cases(page, page.name)
        if any(mark.kind == "revealed" for lines in case.files.values() for mark in marks(lines))
    ]


def _mode(module: Any) -> str:
    """How a module's layers stand."""
    layers = [layer for layer in module.modules() if isinstance(layer, SENSITIVE)] or [module]
    modes = {layer.training for layer in layers}
    return "mixed" if len(modes) > 1 else "train" if modes == {True} else "eval"


def _admits(claim: str, seen: str) -> bool:
    """Whether a claim such as ``train | eval, no grad`` leaves room for what was seen."""
    modes, _, grads = claim.partition(", ")
    mode, _, grad = seen.partition(", ")
    some = "unknown" in modes or modes == "mixed" or mode in modes.split(" | ")
    return some and (grad or "grad") in (grads or "grad").split(" | ")


@contextlib.contextmanager
def _revealing(root: Path, seen: Seen) -> Iterator[None]:
    """Have ``reveal_mode`` note what it is given, by file and line."""

    def reveal_mode(module: Any) -> Any:
        frame = sys._getframe(1)
        path = Path(frame.f_code.co_filename).resolve().relative_to(root)
        recording = torch.is_grad_enabled() and not torch.is_inference_mode_enabled()
        grad = "" if recording else ", no grad"
        seen.setdefault((path.as_posix(), frame.f_lineno), set()).add(_mode(module) + grad)
        return module

    builtins.reveal_mode = reveal_mode  # type: ignore[attr-defined]
    before, path, argv = set(sys.modules), list(sys.path), list(sys.argv)
    try:
        yield
    finally:
        del builtins.reveal_mode  # type: ignore[attr-defined]
        sys.path[:], sys.argv[:] = path, argv
        for name in set(sys.modules) - before:
            where = getattr(sys.modules[name], "__file__", None) or ""
            if where.startswith(str(root)) or not where:
                del sys.modules[name]
        torch.set_grad_enabled(True)


def _run(case: Case, root: Path, script: str) -> Seen:
    """What the last file of a case does when it is run as a script."""
    seen: Seen = {}
    for name, text in case.texts().items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    with _revealing(root, seen):
        sys.path[:0] = [str((root / script).parent), str(root), str(root / "src")]
        sys.argv[:] = [script]
        with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
            runpy.run_path(str(root / script), run_name="__main__")
    return seen


def _absent(case: Case) -> set[str]:
    """The modules that a case imports and that are neither its own nor installed."""
    own = {part.partition(".")[0] for name in case.files for part in name.split("/")}
    asked = {name for text in case.texts().values() for name in IMPORT.findall(text)}
    return {name for name in asked - own if not _installed(name)}


def _installed(name: str) -> bool:
    try:
        __import__(name)
    except ImportError:
        return False
    return True


@pytest.mark.parametrize("case", _programs(), ids=lambda case: f"{case.page}: {case.title}")
def test_claims(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    absent = _absent(case)
    if absent:
        pytest.skip(f"needs {', '.join(sorted(absent))}")
    monkeypatch.setattr(builtins, "input", lambda *_: "train")
    monkeypatch.setattr(nn.Module, "cuda", lambda self, *_: self)
    monkeypatch.setattr(nn.Module, "to", lambda self, *_: self)
    monkeypatch.setattr(nn.Module, "load_state_dict", lambda *_: None)
    monkeypatch.setattr(torch, "load", lambda *_, **__: {})
    claims = {
        (name, mark.line): mark.claim
        for name, lines in case.files.items()
        for mark in marks(lines)
        if mark.kind == "revealed"
    }
    for place, modes in _run(case, tmp_path.resolve(), list(case.files)[-1]).items():
        for mode in modes:
            assert _admits(claims[place], mode), f"{place}: {claims[place]}, really: {mode}"
