"""``Result`` → one line for each finding, then one for each file that could not be checked."""

from __future__ import annotations

from evalguard.finding import Finding, Result
from evalguard.report.words import error_line, position, visible


def render(result: Result) -> str:
    """Write ``path:line:column: code name (confidence): message`` lines."""
    lines = [*map(_line, result.findings), *map(error_line, result.errors)]
    return "".join(f"{line}\n" for line in lines)


def _line(finding: Finding) -> str:
    rule = f"{finding.code} {finding.rule} ({finding.confidence.word})"
    return f"{position(finding.place)}: {rule}: {visible(finding.message)}"
