"""What the README and the first page show is what the command prints."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from readme import BLOCK, README, ROOT, START, TRACE, output

TEXT = README.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("page", "names"),
    [
        (README, {"report", "help"}),
        (START, {"first", "finding", "diff"}),
        (TRACE, {"trace", "forward"}),
    ],
)
def test_blocks_are_what_the_commands_print(page: Path, names: set[str]) -> None:
    blocks = {block["name"]: block for block in BLOCK.finditer(page.read_text(encoding="utf-8"))}
    assert set(blocks) == names
    for block in blocks.values():
        shown, printed = block["output"], output(block["command"])
        assert shown == printed, "run `python tests/readme.py` and read the difference"


def test_the_report_is_a_finding_with_its_story() -> None:
    (block,) = (block for block in BLOCK.finditer(TEXT) if block["name"] == "report")
    assert block["output"].startswith("error[EG103] never-back-to-train (")
    assert "^^^" in block["output"]
    assert "---" in block["output"].replace("-->", "")
    assert "= help: " in block["output"]


def test_the_bundled_example_holds_the_bugs_that_it_says() -> None:
    lines = output("evalguard check examples --output-format concise").splitlines()
    assert [line.split(": ")[1].split()[1] for line in lines] == [
        "functional-dropout",
        "never-back-to-train",
        "no-grad-instead-of-eval",
    ]


def test_links_lead_somewhere() -> None:
    for page in [README, ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"
