"""``evalguard check``: options → a run, its report and its exit code."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import click

from evalguard._version import __version__
from evalguard.cli.codes import CLEAN, COULD_NOT_RUN, FOUND
from evalguard.cli.configuring import with_settings
from evalguard.cli.known import without_known
from evalguard.cli.output import emit, terminal
from evalguard.finding import Result, Severity

if TYPE_CHECKING:
    from evalguard.config.layers import Configuration
    from evalguard.options import Options


@click.command()
@click.argument("paths", nargs=-1, type=click.Path())
@with_settings()
@click.option("--add-ignores", is_flag=True, help="Write comments against all that is found.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 even if there are findings.")
@click.option("--strict-files", is_flag=True, help="Exit with 2 if a file can't be checked.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but findings and errors.")
@click.option("-v", "--verbose", is_flag=True, help="Also tell what was run, and how long it took.")
def check(
    paths: tuple[str, ...],
    configuration: Configuration,
    add_ignores: bool,
    exit_zero: bool,
    strict_files: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Check files, and the Python files below directories; the current directory by default.

    Exits with 0 if there is nothing at or above --fail-on, 1 if there is, 2 if it could not run.
    """
    start = time.perf_counter()
    settings = configuration.settings
    paths = paths or (os.curdir,)
    result = checked(paths, configuration.options(), quiet)
    result = without_known(result, configuration, paths, quiet)
    if add_ignores:
        from evalguard.cli.ignoring import ignored

        result = ignored(result, quiet)
    emit(_report(result, settings.output_format, closing=not (quiet or add_ignores)))
    if verbose:
        seconds = time.perf_counter() - start
        click.echo(f"evalguard {__version__}: {result.files} files, {seconds:.2f} s", err=True)
    return _exit_code(result, settings.fail_on, exit_zero, strict_files)


def checked(paths: Sequence[str], options: Options, quiet: bool) -> Result:
    """Run a check; what a user has to know of it is told.

    Raises:
        UsageError: A path or a rule doesn't exist.
    """
    from evalguard.check import check_paths
    from evalguard.discover import NoSuchPath
    from evalguard.progress import with_bar
    from evalguard.select import UnknownRule

    try:
        result = check_paths(paths, options, progress=iter if quiet else with_bar)
    except (NoSuchPath, UnknownRule) as error:
        raise click.UsageError(str(error)) from None
    if not (result.files or result.errors or quiet):
        click.echo(f"evalguard: no Python files in {', '.join(paths)}", err=True)
    return result


def _report(result: Result, output_format: str, closing: bool) -> str:
    if output_format == "json":
        from evalguard.report import json

        return json.render(result)
    if output_format == "concise":
        from evalguard.report import concise

        return concise.render(result)
    from evalguard.report import terminal as full
    from evalguard.source import lines

    width, color = terminal()
    lines_of = lru_cache(maxsize=64)(lines)
    return full.render(result, lines_of, width=width, color=color, closing=closing)


def _exit_code(result: Result, fail_on: Severity, exit_zero: bool, strict_files: bool) -> int:
    if result.errors and (strict_files or not result.files):
        return COULD_NOT_RUN
    failing = any(finding.severity >= fail_on for finding in result.findings)
    return FOUND if failing and not exit_zero else CLEAN
