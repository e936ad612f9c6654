"""The public names, as docs/api.md shows them."""

from __future__ import annotations

import doctest
import re
from dataclasses import fields
from pathlib import Path

import pytest

import evalguard
from evalguard import Finding, Options, Result

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```pycon\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_examples_print_what_they_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    page = doctest.DocTestParser().get_doctest("\n".join(EXAMPLES), {}, "api.md", None, 0)
    assert len(page.examples) > len(EXAMPLES) >= 4
    told: list[str] = []
    assert not doctest.DocTestRunner().run(page, out=told.append).failed, "".join(told)


def test_the_public_names_are_these() -> None:
    assert evalguard.__all__ == [
        "Finding", "Options", "Result", "__version__", "check_paths", "check_source",
    ]  # fmt: skip
    table = re.findall(r"^\| `(\w+)", PAGE.partition("\n## ")[0], re.MULTILINE)
    assert set(table) == set(evalguard.__all__)


@pytest.mark.parametrize("kind", [Finding, Options, Result])
def test_every_field_is_told(kind: type[Finding | Options | Result]) -> None:
    section = PAGE.partition(f"\n## `{kind.__name__}`\n")[2].partition("\n## ")[0]
    heads = " ".join(re.findall(r"^\|([^|]+)\|", section, re.MULTILINE))
    assert set(re.findall(r"`(\w+)`", heads)) == {field.name for field in fields(kind)}
