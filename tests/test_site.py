"""The site has every page, its links lead somewhere, and reports know where a rule's page is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evalguard import rule
from evalguard.report import rdjson, sarif
from evalguard.rules import NAMES
from samples import MIXED, lines_of

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tools import look, site  # noqa: E402 (the root is no place where pytest looks)

yaml = pytest.importorskip("yaml")
SETTINGS = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))


def targets(entry: Any) -> Iterator[str]:
    if isinstance(entry, str):
        yield entry
    for inner in entry.values() if isinstance(entry, dict) else ():
        yield from targets(inner)
    for inner in entry if isinstance(entry, list) else ():
        yield from targets(inner)


def with_rules() -> list[str]:
    return list(targets([site.with_rules(entry) for entry in SETTINGS["nav"]]))


def test_the_navigation_names_every_page_once() -> None:
    written = {path.relative_to(ROOT / "docs").as_posix() for path in ROOT.glob("docs/**/*.md")}
    assert sorted(with_rules()) == sorted(written | {path for path, _ in site.made()})


def test_every_rule_has_a_page_in_its_family() -> None:
    listed = [path for path in with_rules() if path.startswith("rules/")]
    assert {f"rules/{name}.md" for name in NAMES} < set(listed)
    index = dict(site.made())["rules/index.md"]
    assert [name for name in NAMES if f"[`{name}`]({name}.md)" not in index] == []


def test_links_lead_to_pages_or_to_the_repository_or_are_none() -> None:
    text = "[a](../CONTRIBUTING.md#x) [b](fixes.md) [c](../tests/a.py) [d](http://x/y) [e](#f)"
    assert site.moved(text, "docs", "") == (
        "[a](contributing.md#x) [b](fixes.md) c [d](http://x/y) [e](#f)"
    )
    assert "[c](https://host/repo/blob/main/tests/a.py)" in site.moved(
        text, "docs", "https://host/repo"
    )
    assert site.moved("[a](docs/fixes.md)", "", "") == "[a](fixes.md)"
    assert site.moved("```\n[c](../tests/a.py)\n```\n", "docs", "").count("tests") == 1


def test_names_of_rules_are_links_but_in_headings_and_on_their_own_page() -> None:
    text = "## `train-in-eval`\n`train-in-eval` [`train-in-eval`](x) `other`\n"
    link = "[`train-in-eval`]({}train-in-eval.md)"
    told = "## `train-in-eval`\n{} [`train-in-eval`](x) `other`\n"
    assert site.named(text, "fixes.md") == told.format(link.format("rules/"))
    assert site.named(text, "rules/hidden-module.md") == told.format(link.format(""))
    assert site.named(text, "rules/train-in-eval.md") == text


def test_reports_link_the_rules_once_the_site_has_an_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def shown() -> tuple[list[str | None], list[str | None]]:
        rules = json.loads(sarif.render(MIXED))["runs"][0]["tool"]["driver"]["rules"]
        found = json.loads(rdjson.render(MIXED, lines_of))["diagnostics"]
        codes = [each["code"] for each in found if "code" in each]
        return [each.get("helpUri") for each in rules], [each.get("url") for each in codes]

    assert {url for urls in shown() for url in urls} == {None}
    monkeypatch.setattr(rule, "SITE", "https://host/evalguard")
    in_sarif, in_rdjson = shown()
    assert set(in_sarif) == set(in_rdjson)
    assert in_sarif[0] == f"https://host/evalguard/rules/{MIXED.findings[0].rule}/"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("mkdocs")
    pytest.importorskip("material")
    folder = tmp_path_factory.mktemp("site")
    command = ["mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(
        [sys.executable, "-m", *command],
        check=False,
        capture_output=True,
        cwd=ROOT,
        encoding="utf-8",
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_the_site_is_built_and_can_be_searched(built: Path) -> None:
    home = (built / "index.html").read_text(encoding="utf-8")
    assert "error[EG103]" in home
    assert 'href="rules/"' in home
    entries = json.loads((built / "search" / "search_index.json").read_text(encoding="utf-8"))
    found = {entry["location"] for entry in entries["docs"]}
    assert {f"rules/{name}/" for name in NAMES} <= found


def test_a_browser_has_nothing_against_the_site(built: Path) -> None:
    pytest.importorskip("playwright")
    if not (shutil.which("chromium") or shutil.which("google-chrome")):
        pytest.skip("needs Chromium")
    assert look.faults(built) == []
