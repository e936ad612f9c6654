"""The examples of the rules' pages, run: what is called wrong is wrong in fact, and the cure cures.

Each page's two programs are run as they stand. Watched are the calls of modules on the line that
the page marks (and on the same line of the cure), what is printed, and what is raised.
"""

from __future__ import annotations

import contextlib
import copy
import io
import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from evalguard.rules import NAMES, load  # noqa: E402
from literate import Case, marks, parse  # noqa: E402 (a folder of tests that is no package)

torch = pytest.importorskip("torch", minversion="2.9")
nn = torch.nn

pytestmark = pytest.mark.filterwarnings("ignore")


class Called(NamedTuple):
    """One call of a module on the line in question.

    ``repeats``: two calls with the same input give the same. ``moves``: a call changes running
    statistics. ``records``: the result has a graph.
    """

    repeats: bool
    moves: bool
    records: bool


class Run(NamedTuple):
    """What came of running a program."""

    calls: list[Called]
    printed: list[str]
    raised: str
    names: dict[str, Any]

    def each(self, trait: str) -> set[bool]:
        return {getattr(call, trait) for call in self.calls}


def _example(name: str, title: str) -> Case:
    page = next(rule.page for rule in load() if rule.name == name)
    return next(case for case in parse(page, name) if case.title.endswith(title))


def _marked(case: Case) -> str:
    """The line of code that a page reports, without its mark."""
    (lines,) = case.files.values()
    (mark,) = marks(lines)
    return lines[mark.line - 1].partition("  # error:")[0].strip()


def _statistics(module: Any) -> list[Any]:
    return [buffer.clone() for buffer in module.buffers()]


def _same(left: list[Any], right: list[Any]) -> bool:
    return all(torch.equal(one, two) for one, two in zip(left, right, strict=True))


def _look(module: Any, args: tuple[Any, ...], call: Callable[..., Any]) -> tuple[bool, bool]:
    """Whether a call repeats, and whether it moves statistics; tried on copies."""
    twin = copy.deepcopy(module)
    before = _statistics(twin)
    with torch.no_grad():
        first = call(twin, *args)
        after = _statistics(twin)
        second = call(copy.deepcopy(module), *args)
    return torch.equal(first, second), not _same(before, after)


@contextlib.contextmanager
def _watching(path: str, line: int, calls: list[Called]) -> Iterator[None]:
    """Note the calls of modules on a line of the program."""
    original = nn.Module.__call__

    def watched(self: Any, *args: Any, **kwargs: Any) -> Any:
        caller = sys._getframe(1)
        if caller.f_code.co_filename != path or caller.f_lineno != line:
            return original(self, *args, **kwargs)
        repeats, moves = _look(self, args, original)
        result = original(self, *args, **kwargs)
        calls.append(Called(repeats, moves, result.requires_grad))
        return result

    nn.Module.__call__ = watched
    try:
        yield
    finally:
        nn.Module.__call__ = original
        torch.set_grad_enabled(True)


def _run(case: Case, text: str, path: Path) -> Run:
    """Run a program, and watch the line that reads so."""
    (lines,) = case.files.values()
    plain = [line.partition("  # error:")[0].strip() for line in lines]
    line = plain.index(text) + 1 if text in plain else 0
    path.write_text("\n".join(lines), encoding="utf-8")
    calls: list[Called] = []
    names: dict[str, Any] = {}
    printed, raised = io.StringIO(), ""
    torch.manual_seed(0)
    with _watching(str(path), line, calls), contextlib.redirect_stdout(printed):
        try:
            names = runpy.run_path(str(path))
        except (RuntimeError, ValueError, TypeError) as error:
            raised = type(error).__name__
    return Run(calls, printed.getvalue().split(), raised, names)


def _random_or_moving(run: Run) -> bool:
    """Answers differ between two calls, or statistics move."""
    return False in run.each("repeats") or True in run.each("moves")


def _sometimes_still(run: Run) -> bool:
    """A training step doesn't move the statistics."""
    return False in run.each("moves")


DEFECTS: dict[str, Callable[[Run], bool]] = {
    "inference-without-eval": _random_or_moving,
    "no-grad-instead-of-eval": _random_or_moving,
    "never-back-to-train": _sometimes_still,
    "train-in-eval": _sometimes_still,
    "frozen-in-train": lambda run: True in run.each("moves") and run.printed == ["False"],
    "export-in-train": lambda run: run.printed == ["False"],
    "eval-without-no-grad": lambda run: True in run.each("records"),
    "backward-under-no-grad": lambda run: run.raised == "RuntimeError",
    "grad-mode-leak": lambda run: run.raised == "RuntimeError",
    "no-grad-without-effect": lambda run: run.printed == ["True"],
    "functional-dropout": lambda run: run.printed == ["False"],
    "module-in-forward": lambda run: run.printed == ["False"],
    "hidden-module": lambda run: run.printed == ["False", "2"],
    "bad-train-override": lambda run: run.printed == ["True"],
    "attr-without-call": lambda run: run.names["net"].training,
    "training-attr-assign": lambda run: run.printed == ["True"],
    "mode-argument": lambda run: run.raised == "ValueError",
}
CALLED = frozenset(
    name for name, defect in DEFECTS.items() if defect in (_random_or_moving, _sometimes_still)
)


def test_every_page_is_tried() -> None:
    assert set(DEFECTS) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_example_is_wrong_in_fact(name: str, tmp_path: Path) -> None:
    case = _example(name, "Example")
    run = _run(case, _marked(case), tmp_path / "page.py")
    assert bool(run.calls) or name not in CALLED
    assert DEFECTS[name](run), run


@pytest.mark.parametrize("name", NAMES)
def test_what_to_use_instead_is_right_in_fact(name: str, tmp_path: Path) -> None:
    text = _marked(_example(name, "Example"))
    run = _run(_example(name, "Use instead"), text, tmp_path / "page.py")
    assert bool(run.calls) or name not in CALLED
    assert run.raised == ""
    assert not DEFECTS[name](run), run


def test_never_back_to_train_is_right_in_the_first_round_only(tmp_path: Path) -> None:
    case = _example("never-back-to-train", "Example")
    run = _run(case, _marked(case), tmp_path / "page.py")
    moves = [call.moves for call in run.calls]
    assert moves == sorted(moves, reverse=True)
    assert set(moves) == {True, False}


def test_a_mode_that_is_no_mode_raises_in_every_form() -> None:
    net = nn.Sequential(nn.Dropout())
    for given in ("eval", "train", 0, 1, 0.0, None, ""):
        with pytest.raises(ValueError, match="boolean"):
            net.train(given)
    with pytest.raises(TypeError):
        net.eval(True)
    with pytest.raises(TypeError):
        net.train(True, 1)


def test_a_graph_that_was_built_outside_is_enough() -> None:
    net = nn.Linear(2, 1)
    loss = net(torch.ones(1, 2)).sum()
    with torch.no_grad():
        loss.backward()
    assert net.weight.grad is not None


def test_a_no_grad_entered_by_hand_stays() -> None:
    torch.no_grad().__enter__()
    off = torch.is_grad_enabled()
    torch.set_grad_enabled(True)
    assert not off
