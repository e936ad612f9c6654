"""Pages of programs → verdicts, and what they say against the pages.

A line without a mark claims that what is believed of every call of a module on it is exact. Known
gaps are marked ``# missed: [unknown]``, ``[wide]`` or ``[refuted]``, and fail once cured. What runs
inside of another module's pass is judged where that is called; there it is only not to be refuted,
and neither are calls of modules without mode-sensitive layers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from literate import Case, cases, marks
from truth.beliefs import beliefs
from truth.law import Outcome, Verdict, verdicts
from truth.recorder import run

PAGES = Path(__file__).resolve().parents[1] / "fixtures" / "truth"
SHARED = "nets.py"


def programs() -> list[Case]:
    """All programs of the pages."""
    return [case for page in sorted(PAGES.glob("*.md")) for case in cases(page)]


def judged(texts: Mapping[str, str], root: Path, script: str) -> list[Verdict]:
    """Run a program and hold what is believed of it against that.

    Args:
        texts: Its files: path → source.
        root: An empty folder to run it in.
        script: The file to run.
    """
    return verdicts(beliefs(texts), run(texts, root, script))


def texts_of(case: Case) -> dict[str, str]:
    """A case's files, and what all cases share."""
    return {SHARED: (PAGES / SHARED).read_text(encoding="utf-8"), **case.texts()}


def faults(case: Case, found: list[Verdict]) -> Iterator[str]:
    """What is other than the case says."""
    seen: dict[tuple[str, int], list[Verdict]] = defaultdict(list)
    for verdict in found:
        if verdict.outcome is Outcome.REFUTED or not verdict.apart:
            seen[verdict.site.path, verdict.site.line].append(verdict)
    for path, lines in case.files.items():
        claimed = {mark.line: mark.claim for mark in marks(lines) if mark.kind == "missed"}
        for line in sorted({line for file, line in seen if file == path} | claimed.keys()):
            fault = _fault(claimed.get(line), seen.get((path, line), []))
            if fault:
                yield f"{case.page}:{line}: {fault}\n    {lines[line - 1].strip()}"


def _fault(claim: str | None, found: list[Verdict]) -> str:
    if claim is None:
        return next((_said(each) for each in found if each.outcome is not Outcome.EXACT), "")
    if any(each.outcome.value == claim for each in found):
        return ""
    return f"marked as {claim}, and isn't (any more): {'; '.join(map(_said, found)) or 'not run'}"


def _said(verdict: Verdict) -> str:
    return f"{verdict.outcome.value}: {verdict.why}"
