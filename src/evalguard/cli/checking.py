"""``evalguard check``: options → a run, its report and its exit code."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from evalguard._version import __version__
from evalguard.cli.caching import store_in
from evalguard.cli.codes import CLEAN, COULD_NOT_RUN, FOUND
from evalguard.cli.configuring import with_settings
from evalguard.cli.given import Given, given
from evalguard.cli.known import known_in, without_known
from evalguard.cli.outcome import Checked, Ways
from evalguard.cli.output import emit, emit_bytes, report, shown
from evalguard.finding import Result, Severity

if TYPE_CHECKING:
    from evalguard.cache import Store
    from evalguard.config.layers import Configuration


@click.command(short_help="Check Python files and notebooks.")
@click.argument("paths", nargs=-1, type=click.Path())
@with_settings()
@click.option(
    "--stdin-filename",
    metavar="FILE",
    help="Check standard input as if this file held it, as `-` does without a name.",
)
@click.option(
    "--output-file",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write the report to a file.",
)
@click.option("--statistics", is_flag=True, help="Report how often each rule found something.")
@click.option("--fix", is_flag=True, help="Mend what can be mended safely, and report the rest.")
@click.option("--unsafe-fixes", is_flag=True, help="Also make fixes that may change behaviour.")
@click.option("--diff", is_flag=True, help="Print what would be fixed, and write nothing.")
@click.option("--add-ignores", is_flag=True, help="Write comments against all that is found.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 even if there are findings.")
@click.option("--strict-files", is_flag=True, help="Exit with 2 if a file can't be checked.")
@click.option("--cache-dir", metavar="DIR", help="Keep results here, in place of the usual folder.")
@click.option("--no-cache", is_flag=True, help="Neither use nor keep results of earlier runs.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but findings and errors.")
@click.option("-v", "--verbose", is_flag=True, help="Also tell what was run, and how long it took.")
def check(
    paths: tuple[str, ...],
    configuration: Configuration,
    stdin_filename: str | None,
    output_file: str | None,
    statistics: bool,
    fix: bool,
    unsafe_fixes: bool,
    diff: bool,
    add_ignores: bool,
    exit_zero: bool,
    strict_files: bool,
    cache_dir: str | None,
    no_cache: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Check files, and what directories hold of Python files and notebooks.

    Without any, that is the current directory; `-` is standard input.

    Exits with 0 if there is nothing at or above --fail-on, 1 if there is, 2 if it could not run.
    """
    start = time.perf_counter()
    _fitting(fix or diff, unsafe_fixes, add_ignores)
    settings = configuration.settings
    form = _form(configuration, statistics, diff)
    what = given(paths, stdin_filename)
    if add_ignores and what.text:
        raise click.UsageError("--add-ignores writes into files: it can't into standard input")
    known = known_in(configuration, what.paths)
    ways = Ways(unsafe_fixes, not diff, known and known.news) if fix or diff else None
    store = None if no_cache else store_in(cache_dir)
    result, changes, whole = checked(what, configuration, ways, quiet, store)
    result = without_known(result, known, quiet, what.bytes_of) if known else result
    if add_ignores:
        from evalguard.cli.ignoring import ignored

        result = ignored(result, quiet)
    filtered = what.text if fix and not diff else None
    if filtered:
        emit_bytes(filtered.data)
    closing = not (quiet or add_ignores)
    told = shown(changes) if diff else report(result, form, output_file, closing, what.bytes_of)
    emit(told, output_file, error=bool(filtered))
    if verbose:
        seconds = time.perf_counter() - start
        click.echo(f"evalguard {__version__}: {result.files} files, {seconds:.2f} s", err=True)
    code = _exit_code(result, settings.fail_on, exit_zero, strict_files)
    return code if whole else COULD_NOT_RUN


def _fitting(mending: bool, unsafe_fixes: bool, add_ignores: bool) -> None:
    """Refuse options that don't go together."""
    if unsafe_fixes and not mending:
        raise click.UsageError("--unsafe-fixes says what to fix: it goes with --fix or --diff")
    if add_ignores and mending:
        raise click.UsageError("--add-ignores goes with neither --fix nor --diff")


def checked(
    what: Given,
    configuration: Configuration,
    ways: Ways | None,
    quiet: bool,
    store: Store | None = None,
) -> Checked:
    """Run a check, and mend what is found if that is asked; what a user has to know is told.

    Raises:
        UsageError: A path or a rule doesn't exist.
    """
    from evalguard.discover import NoSuchPath
    from evalguard.progress import with_bar
    from evalguard.select import UnknownRule

    progress, options = iter if quiet else with_bar, configuration.options()
    try:
        if ways is not None:
            from evalguard.cli.fixing import fixed

            checked = fixed(what, options, ways, progress, quiet)
        else:
            jobs = configuration.settings.jobs
            checked = Checked(what.check(options, progress, jobs=jobs, store=store))
    except (NoSuchPath, UnknownRule) as error:
        raise click.UsageError(str(error)) from None
    result = checked.result
    if not (result.files or result.errors or quiet):
        click.echo(f"evalguard: no Python files or notebooks in {', '.join(what.paths)}", err=True)
    return checked


def _form(configuration: Configuration, statistics: bool, diff: bool) -> str:
    """The form of the report."""
    named = "output-format" in configuration.given
    if statistics and (named or diff):
        raise click.UsageError("--statistics goes with neither --output-format nor --diff")
    if diff and named:
        raise click.UsageError("--diff takes the place of the report: it has no --output-format")
    return "statistics" if statistics else configuration.settings.output_format


def _exit_code(result: Result, fail_on: Severity, exit_zero: bool, strict_files: bool) -> int:
    if result.errors and (strict_files or not result.files):
        return COULD_NOT_RUN
    failing = any(finding.severity >= fail_on for finding in result.findings)
    return FOUND if failing and not exit_zero else CLEAN
