"""``evalguard check``: options → a run, its report and its exit code."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from evalguard._version import __version__
from evalguard.cli.codes import CLEAN, COULD_NOT_RUN, FOUND
from evalguard.cli.output import emit, report
from evalguard.finding import Confidence, Result, Severity
from evalguard.report.formats import FORMATS

if TYPE_CHECKING:
    from evalguard.check import Options


def _words(_: click.Context, __: click.Parameter, values: Sequence[str]) -> tuple[str, ...]:
    return tuple(word.strip() for value in values for word in value.split(",") if word.strip())


def _severity(_: click.Context, __: click.Parameter, value: str) -> Severity:
    return Severity[value.upper()]


def _confidence(_: click.Context, __: click.Parameter, value: str) -> Confidence:
    return Confidence[value.upper()]


@click.command()
@click.argument("paths", nargs=-1, type=click.Path())
@click.option(
    "--select",
    multiple=True,
    metavar="RULES",
    callback=_words,
    help="Run these rules only: codes, beginnings of codes (EG1) or names, with commas between.",
)
@click.option(
    "--ignore", multiple=True, metavar="RULES", callback=_words, help="Don't run these rules."
)
@click.option(
    "--min-confidence",
    type=click.Choice([level.word for level in Confidence], case_sensitive=False),
    default=Confidence.LIKELY.word,
    show_default=True,
    callback=_confidence,
    help="Show findings that are at least this sure.",
)
@click.option(
    "--output-format",
    type=click.Choice(list(FORMATS)),
    default="full",
    show_default=True,
    help="Form of the report.",
)
@click.option(
    "--output-file",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write the report to a file.",
)
@click.option("--statistics", is_flag=True, help="Report how often each rule found something.")
@click.option(
    "--fail-on",
    type=click.Choice([level.word for level in sorted(Severity, reverse=True)]),
    default=Severity.WARNING.word,
    show_default=True,
    callback=_severity,
    help="Exit with 1 if there are findings at least this severe.",
)
@click.option("--exit-zero", is_flag=True, help="Exit with 0 even if there are findings.")
@click.option("--strict-files", is_flag=True, help="Exit with 2 if a file can't be checked.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but findings and errors.")
@click.option("-v", "--verbose", is_flag=True, help="Also tell what was run, and how long it took.")
def check(
    paths: tuple[str, ...],
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    min_confidence: Confidence,
    output_format: str,
    output_file: str | None,
    statistics: bool,
    fail_on: Severity,
    exit_zero: bool,
    strict_files: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Check files, and what directories hold of Python files and notebooks.

    Without any, that is the current directory.

    Exits with 0 if there is nothing at or above --fail-on, 1 if there is, 2 if it could not run.
    """
    from evalguard.check import Options

    if statistics and output_format not in ("full", "concise"):
        raise click.UsageError("--statistics is a report of its own: it has no --output-format")
    start = time.perf_counter()
    result = _checked(paths or (os.curdir,), Options(select, ignore, min_confidence), quiet)
    name = "statistics" if statistics else output_format
    emit(report(result, name, output_file, closing=not quiet), output_file)
    if verbose:
        seconds = time.perf_counter() - start
        click.echo(f"evalguard {__version__}: {result.files} files, {seconds:.2f} s", err=True)
    return _exit_code(result, fail_on, exit_zero, strict_files)


def _checked(paths: Sequence[str], options: Options, quiet: bool) -> Result:
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


def _exit_code(result: Result, fail_on: Severity, exit_zero: bool, strict_files: bool) -> int:
    if result.errors and (strict_files or not result.files):
        return COULD_NOT_RUN
    failing = any(finding.severity >= fail_on for finding in result.findings)
    return FOUND if failing and not exit_zero else CLEAN
