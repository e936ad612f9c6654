"""``evalguard baseline``: findings → a file of them, which ``check`` leaves out from then on."""

from __future__ import annotations

import os
from functools import lru_cache
from shlex import quote
from typing import TYPE_CHECKING

import click

from evalguard.cli.checking import checked
from evalguard.cli.codes import CLEAN, COULD_NOT_RUN
from evalguard.cli.configuring import with_settings
from evalguard.cli.given import Given
from evalguard.cli.known import read_baseline, skipped, unchecked
from evalguard.cli.output import emit, from_here
from evalguard.finding import Result
from evalguard.report.words import visible

if TYPE_CHECKING:
    from evalguard.config.layers import Configuration
    from evalguard.suppress.baseline import Marks

DEFAULT = "evalguard-baseline.json"


@click.command(short_help="Write down what is found, to be told only what is new.")
@click.argument("paths", nargs=-1, type=click.Path())
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help=f"Where to write, - for standard output.  [default: the one configured, or {DEFAULT}]",
)
@with_settings("baseline", "output-format", "fail-on", "warn-unused-ignores")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
def baseline(
    paths: tuple[str, ...], output: str | None, configuration: Configuration, quiet: bool
) -> int:
    """Write down what is found, for `check --baseline` to leave it out.

    What an earlier baseline in that file says of other paths and rules, and of files that can't
    be checked now, is kept.
    """
    from evalguard.suppress.baseline import below, written

    paths = paths or (os.curdir,)
    path = output or configuration.settings.baseline or DEFAULT
    folder = os.getcwd() if path == "-" else os.path.dirname(os.path.abspath(path))
    result = checked(Given(paths), configuration, None, quiet).result
    if not result.files:
        return COULD_NOT_RUN if result.errors else CLEAN
    before = read_baseline(path) if path != "-" and os.path.exists(path) else _nothing()
    mine = below(before, paths, folder, skipped(configuration.options()))
    now = _marked(result, folder) + (before - mine) + unchecked(result, mine, folder)
    if path == "-":
        emit(written(now))
    else:
        _write(path, written(now))
    if not quiet:
        added, gone = (now - before).total(), (before - now).total()
        shown = visible(from_here(path))
        click.echo(f"evalguard: {now.total()} known in {shown}, {added} new, {gone} gone", err=True)
        if path != "-" and not configuration.settings.baseline:
            click.echo(f"evalguard: use it: evalguard check --baseline {quote(shown)}", err=True)
    return CLEAN


def _nothing() -> Marks:
    from collections import Counter

    return Counter()


def _marked(result: Result, folder: str) -> Marks:
    from collections import Counter

    from evalguard.source import program
    from evalguard.suppress.baseline import marks

    return Counter(marks(result.findings, folder, lru_cache(maxsize=64)(program)))


def _write(path: str, text: str) -> None:
    """Write a file that is whole or not there at all."""
    from evalguard.fix.writing import create

    try:
        create(path, text.encode())
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise click.UsageError(f"{visible(path)}: can't be written: {reason}") from None
