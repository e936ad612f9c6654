"""Rules → their pages and the table of them, as the command shows them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from evalguard.report.markdown import page
from evalguard.report.terminal import SEVERITY_STYLES, drawn
from evalguard.rule import Rule

__all__ = ["drawn_page", "page", "table"]


def drawn_page(rule: Rule, *, width: int, color: bool) -> str:
    """Draw a rule's page for a terminal."""
    return drawn(Markdown(page(rule), hyperlinks=False), width=width, color=color)


def table(rules: Sequence[Rule], *, width: int, color: bool) -> str:
    """Draw a table of rules: code, name, severity and summary."""
    grid = Table("code", "name", "severity", "summary", box=None, pad_edge=False)
    for column in grid.columns[:3]:
        column.no_wrap = True
    for rule in rules:
        severity = Text(rule.severity.word, style=SEVERITY_STYLES[rule.severity])
        grid.add_row(rule.code, rule.name, severity, Text(rule.summary))
    return drawn(grid, width=width, color=color)
