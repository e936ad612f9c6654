"""``evalguard rule`` and ``evalguard rules``: rules → their pages."""

from __future__ import annotations

import sys

import click

from evalguard.cli.completing import rule_names
from evalguard.cli.output import emit, terminal


@click.command()
@click.argument("name", required=False, metavar="[NAME|CODE]", shell_complete=rule_names)
def rule(name: str | None) -> None:
    """Show the page of a rule, or the table of all rules."""
    from evalguard.report import pages
    from evalguard.rules import load
    from evalguard.select import UnknownRule, find
    from evalguard.suppress.notices import NOTICES

    width, color = terminal()
    if name is None:
        emit(pages.table(load(), width=width, color=color))
        return
    try:
        found = find((*load(), *NOTICES), name)
    except UnknownRule as error:
        raise click.UsageError(str(error)) from None
    is_drawn = sys.stdout.isatty()
    emit(pages.drawn_page(found, width=width, color=color) if is_drawn else pages.page(found))


@click.command()
@click.pass_context
def rules(context: click.Context) -> None:
    """Show the table of all rules."""
    context.invoke(rule, name=None)
