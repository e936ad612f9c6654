"""Rules → their pages and the table of them, as the command shows them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from evalguard.report.drawing import drawn
from evalguard.report.markdown import page
from evalguard.report.terminal import SEVERITY_STYLES
from evalguard.rule import Rule

__all__ = ["drawn_page", "page", "table"]
_CODE = re.compile(r"`([^`]+)`")


def drawn_page(rule: Rule, *, width: int, color: bool) -> str:
    """Draw a rule's page for a terminal."""
    if color:
        return drawn(Markdown(page(rule), hyperlinks=False), width=width, color=True)
    text = drawn(Markdown(_with_backticks(page(rule)), hyperlinks=False), width=width, color=False)
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def _with_backticks(text: str) -> str:
    """Have code in sentences keep its backticks, as no colour will tell it apart."""
    parts = text.split("```")
    parts[::2] = [_CODE.sub(r"`` `\1` ``", part) for part in parts[::2]]
    return "```".join(parts)


def table(rules: Sequence[Rule], *, width: int, color: bool) -> str:
    """Draw a table of rules: code, name, severity and summary."""
    grid = Table("code", "name", "severity", "summary", box=None, pad_edge=False)
    for column in grid.columns[:3]:
        column.no_wrap = True
    for rule in rules:
        severity = Text(rule.severity.word, style=SEVERITY_STYLES[rule.severity])
        grid.add_row(rule.code, rule.name, severity, Text(rule.summary))
    return drawn(grid, width=width, color=color)
