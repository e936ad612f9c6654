"""Marks of known gaps in the fixtures, and the rules' pages → the lists in docs/known-limits.md.

``python -m tools.limits`` writes them; ``tests/test_limits.py`` fails if that would change
anything.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from evalguard.rules import load

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from literate import Case, cases, marks, pages  # noqa: E402 (the tests are no package)

PAGE = ROOT / "docs" / "known-limits.md"
HEADINGS = {"missed": "## Missed", "false alarm": "## Reported though right"}
_BLOCK = re.compile(
    r"(?P<head><!-- (?P<name>\w+):start -->\n)(?:.*\n)*?(?P<foot><!-- (?P=name):end -->)"
)
_LIMITS = re.compile(r"^## Known limits\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


class Gap(NamedTuple):
    """A mark that says what evalguard ought to do and doesn't."""

    kind: str
    rule: str
    title: str
    page: str


def gaps() -> list[Gap]:
    """All known gaps, in the order of the suites, each once."""
    found = dict.fromkeys(
        gap
        for path in pages(ROOT / "tests" / "fixtures")
        for case in cases(path, path.relative_to(ROOT).as_posix())
        for gap in _of(case)
    )
    return list(found)


def _of(case: Case) -> Iterator[Gap]:
    title = case.title.rpartition(" / ")[2]
    for lines in case.files.values():
        for mark in marks(lines):
            if mark.kind in HEADINGS:
                yield Gap(mark.kind, mark.claim, title, case.page)


def rewritten(text: str) -> str:
    """The page with its lists written anew."""
    written = {"gaps": _gaps(), "rules": _rules()}
    return _BLOCK.sub(lambda block: block["head"] + written[block["name"]] + block["foot"], text)


def _gaps() -> str:
    known = gaps()
    return "\n" + "".join(f"{HEADINGS[kind]}\n\n{_list(kind, known)}\n" for kind in HEADINGS)


def _list(kind: str, known: list[Gap]) -> str:
    lines = [
        f"- {gap.title} ([`{gap.rule}`](../{gap.page}))\n" for gap in known if gap.kind == kind
    ]
    return "".join(lines) or "None is known.\n"


def _rules() -> str:
    found = ((rule.name, _LIMITS.search(rule.page)) for rule in load())
    return "\n" + "".join(
        f"### {name}\n\n{limits[1].strip()}\n\n" for name, limits in found if limits
    )


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
