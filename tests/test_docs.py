"""The documentation tells what is so, where a test can tell."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from evalguard.report.formats import FORMATS
from evalguard.rules import NAMES
from tools.readings import table

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
ARCHITECTURE = (DOCS / "how-it-works.md").read_text(encoding="utf-8")
LIMITS = re.findall(r"^\| `([\w.]+)\.(\w+)` \| (\d+) \|", ARCHITECTURE, re.MULTILINE)


@pytest.mark.parametrize(("module", "name", "value"), LIMITS)
def test_the_limits_of_the_analysis_are_as_told(module: str, name: str, value: str) -> None:
    room = "" if module.startswith("context") else "flow."
    assert getattr(import_module(f"evalguard.{room}{module}"), name) == int(value)


def test_there_are_limits_to_tell() -> None:
    assert {"FUEL", "MOST_ROUNDS", "MOST_LISTED"} <= {name for _, name, _ in LIMITS}


def test_the_index_links_every_page() -> None:
    text = (DOCS / "index.md").read_text(encoding="utf-8")
    pages = {page.name for page in DOCS.glob("*.md")} - {"index.md"}
    assert {page for page in pages if f"]({page})" not in text} == set()


def test_the_changelog_names_every_rule() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert [name for name in NAMES if f"`{name}`" not in text] == []


def test_the_layers_of_the_analysis_are_told() -> None:
    layers = import_module("evalguard.flow.analysis").Analysis.__mro__[:-1]
    assert [each.__name__ for each in layers if f"`{each.__name__}`" not in ARCHITECTURE] == []


def test_every_form_of_the_report_has_a_section() -> None:
    text = (DOCS / "output.md").read_text(encoding="utf-8")
    assert [name for name in FORMATS if f"\n## `{name}`\n" not in text] == []


@pytest.mark.parametrize("name", ["latest", "packages"])
def test_the_tables_of_readings_are_as_counted(name: str) -> None:
    reading = DOCS / "readings" / f"2026-11-22-{name}.jsonl"
    assert table(reading) in (DOCS / "real-code.md").read_text(encoding="utf-8")
