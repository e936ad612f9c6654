"""``Result`` → how often each rule found something."""

from __future__ import annotations

from collections import Counter

from evalguard.finding import Result
from evalguard.report.words import count


def render(result: Result) -> str:
    """Write a line for each rule with findings, the most frequent first."""
    rules = Counter((finding.code, finding.rule) for finding in result.findings)
    widest = len(str(max(rules.values(), default=0)))
    rows = sorted(rules.items(), key=lambda item: (-item[1], item[0]))
    lines = [f"{number:>{widest}}  {code}  {rule}" for (code, rule), number in rows]
    if result.errors:
        lines.append(f"{count(len(result.errors), 'file')} could not be checked")
    return "".join(f"{line}\n" for line in lines)
