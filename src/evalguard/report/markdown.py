"""A rule → its page as Markdown."""

from __future__ import annotations

from evalguard.rule import Rule


def page(rule: Rule) -> str:
    """Write a rule's page as Markdown."""
    head = f"# {rule.name} ({rule.code})\n\nSeverity: {rule.severity.word}. Since {rule.since}."
    return f"{head}\n\n{rule.page.strip()}\n"
