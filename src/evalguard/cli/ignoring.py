"""``evalguard check --add-ignores``: findings → comments against them, in their files."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import click

from evalguard.finding import Finding, Result
from evalguard.fix.writing import Files, Unwritable
from evalguard.records import replace
from evalguard.report.words import count, visible
from evalguard.suppress.notices import CODES
from evalguard.suppress.writing import with_ignores


def ignored(result: Result, quiet: bool) -> Result:
    """Write a comment against each finding.

    Returns:
        What is left: findings about comments, and those whose files can't be written.
    """
    wanted = [each for each in result.findings if each.code not in CODES]
    files, groups = Files(), groupby(wanted, lambda finding: finding.place.path)
    done = [each for path, group in groups for each in _written(files, path, [*group])]
    if not quiet:
        where = count(len({finding.place.path for finding in done}), "file")
        click.echo(f"evalguard: {count(len(done), 'problem')} ignored in {where}", err=True)
    return replace(result, findings=tuple(each for each in result.findings if each not in done))


def _written(files: Files, path: str, findings: Sequence[Finding]) -> Sequence[Finding]:
    """Change a file; the findings that are ignored from now on."""
    text = files.text(path)
    if text is None:
        return ()
    try:
        files.write(path, with_ignores(text, findings))
    except Unwritable as error:
        click.echo(f"evalguard: {visible(path)}: not changed: {visible(error.reason)}", err=True)
        return ()
    return findings
