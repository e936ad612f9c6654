"""A file checked alone tells what it tells when its whole project is checked.

Known differences are in ``APART``, each of which fails here once it is cured. Their kinds, and
those that no fixture shows:

- Of a project in which more bears on a file than is read around it, some stays unread.
- What is put in a registry by a file that nothing imports by name isn't read.
- Notebooks aren't read beside what is asked for, so they are no callers.
- Work is bounded by what is checked: alone, a file may get further than in a large project.
- Which functions matter is told by names. In a whole project more of them have the same name.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from evalguard.check import Options, check_paths
from evalguard.finding import Confidence, Finding
from literate import Case, cases, pages

FIXTURES = Path(__file__).parent / "fixtures"
EVERYTHING = Options(min_confidence=Confidence.POSSIBLE)


def programs() -> list[Case]:
    return [case for page in pages(FIXTURES) for case in cases(page) if len(case.files) > 1]


def found(*paths: str) -> list[Finding]:
    result = check_paths(paths, EVERYTHING)
    assert not result.errors
    return list(result.findings)


APART = frozenset((
    "A decorator that registers",
    "A decorator that registers / By files that a loop imports",
    "A decorator that registers / By its own name, without a call",
    "A decorator that registers / A registry object",
    "A decorator that registers / Classes that register themselves as they are made",
    "Whatever a file makes, by a name that can't be seen",
    "Whatever a file makes, by a name that can't be seen / Asked for by a method of the class"  # noqa: ISC004
    " that they share",
    "Whatever a file makes, by a name that can't be seen / Of a module that only a run tells",
    "getattr(module, name) / vars(module), module.__dict__, sys.modules",
    "globals()[name]",
    "Saved and restored",
    "Star imports / __all__ brings names with an underscore",
    "Scripts that put folders on sys.path",
    "importlib with a constant",
    "EMA by hand / Of PyTorch, and of a shadow of weights",
    "Gradients in eval mode / A module whose `forward` takes gradients /"  # noqa: ISC004
    " A network that is loaded whole, where the project's modules do",
))  # fmt: skip


@pytest.mark.parametrize("case", programs(), ids=lambda case: f"{case.page}: {case.title}")
def test_alone(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").touch()
    for name, text in case.texts().items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")
    together = found(".")
    alike = [
        found(path) == [item for item in together if item.place.path == path] for path in case.files
    ]
    assert all(alike) != (case.title.partition(" / ")[2] in APART)


def test_there_is_something_to_find() -> None:
    rules = {mark for case in programs() for mark in case.claimed_rules()}
    assert len(rules) > 3
