"""The page of known limits is what the marks in the suites say."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from evalguard.rules import load
from literate import Case, pages

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tools import limits  # noqa: E402 (the root is no place where pytest looks)

TEXT = limits.PAGE.read_text(encoding="utf-8")


def test_the_page_is_current() -> None:
    assert limits.rewritten(TEXT) == TEXT, "run `python -m tools.limits`"


def test_every_gap_and_every_rule_s_limits_are_told() -> None:
    marked = sum(
        page.read_text(encoding="utf-8").count(f"# {kind}: [")
        for page in pages(ROOT / "tests" / "fixtures")
        for kind in limits.HEADINGS
    )
    assert marked >= len(limits.gaps()) == TEXT.count("](../tests/fixtures/")
    assert TEXT.count("\n### ") == sum("## Known limits" in rule.page for rule in load())


def test_the_marks_of_a_suite_become_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case("suite.md", "Calls / A call by name")
    case.add("main.py", 1, "net(x)  # missed: [a] # false alarm: [b]")
    case.add("main.py", 2, "net(x)  # missed: [a] # error: [c]")
    monkeypatch.setattr(limits, "pages", lambda _: [limits.ROOT / "suite.md"])
    monkeypatch.setattr(limits, "cases", lambda *_: [case])
    text = limits.rewritten("<!-- gaps:start -->\nold\n<!-- gaps:end -->\n")
    assert "## Missed\n\n- A call by name ([`a`](../suite.md))\n\n" in text
    assert "## Reported though right\n\n- A call by name ([`b`](../suite.md))\n" in text
    assert "old" not in text
    monkeypatch.setattr(limits, "cases", lambda *_: [])
    assert limits.rewritten(text).count("None is known.") == 2
