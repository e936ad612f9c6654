"""``evalguard check --add-ignores``: findings → comments against them, in their files."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import groupby

import click

from evalguard.finding import Finding, Result
from evalguard.report.words import count, visible
from evalguard.source import Unreadable, encoding_of, from_text, raw
from evalguard.suppress.notices import CODES
from evalguard.suppress.writing import with_ignores

_LINE_END = re.compile("\r\n|\r|\n")


def ignored(result: Result, quiet: bool) -> Result:
    """Write a comment against each finding.

    Returns:
        What is left: findings about comments, and those whose files can't be written.
    """
    wanted = [each for each in result.findings if each.code not in CODES and each.cell is None]
    files = groupby(wanted, lambda finding: finding.place.path)
    done = [finding for path, findings in files for finding in _written(path, [*findings])]
    if not quiet:
        where = count(len({finding.place.path for finding in done}), "file")
        click.echo(f"evalguard: {count(len(done), 'problem')} ignored in {where}", err=True)
    return replace(result, findings=tuple(each for each in result.findings if each not in done))


def _written(path: str, findings: Sequence[Finding]) -> Sequence[Finding]:
    """Change a file; the findings that are ignored from now on."""
    try:
        data = raw(path)
        encoding = encoding_of(data)
        original = data.decode(encoding)
        text = with_ignores(from_text(original, path).text, findings)
        _replace(path, _with_line_ends(text, original).encode(encoding))
    except (OSError, UnicodeError, Unreadable) as error:
        click.echo(f"evalguard: {visible(path)}: not changed: {visible(str(error))}", err=True)
        return ()
    return findings


def _with_line_ends(text: str, original: str) -> str:
    """Give lines the ends, and the mark at the beginning, that they have in a file."""
    ends = [*_LINE_END.findall(original), ""]
    mark = "\ufeff" if original.startswith("\ufeff") else ""
    lines = text.split("\n")
    return mark + "".join(line + end for line, end in zip(lines, ends, strict=True))


def _replace(path: str, data: bytes) -> None:
    """Write beside a file, then put that in its place in one step."""
    path = os.path.realpath(path)
    draft = f"{path}.evalguard.tmp"
    try:
        with open(draft, "xb") as file:
            file.write(data)
        shutil.copymode(path, draft)
        os.replace(draft, path)
    except OSError:
        with suppress(OSError):
            os.unlink(draft)
        raise
