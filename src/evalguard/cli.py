"""The command line → options, the run, its report and its exit code: the only place that prints."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import click

from evalguard._version import __version__
from evalguard.finding import Confidence, Result, Severity

if TYPE_CHECKING:
    from evalguard.check import Options

CLEAN, FOUND, COULD_NOT_RUN, INTERRUPTED = 0, 1, 2, 130
WIDTH = 120
NARROWEST = 40


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: As on the command line, which is read if there are none.

    Returns:
        The exit code: 0 nothing found, 1 findings, 2 could not run, 130 interrupted.
    """
    try:
        return app.main(arguments, prog_name="evalguard", standalone_mode=False) or CLEAN
    except click.ClickException as error:
        error.show()
    except (click.Abort, KeyboardInterrupt):
        click.echo("evalguard: interrupted", err=True)
        return INTERRUPTED
    except Exception:  # noqa: BLE001 (a crash must not look like findings, whose exit code is 1)
        import traceback

        click.echo(
            f"evalguard: internal error, please report it\n{traceback.format_exc()}", err=True
        )
    return COULD_NOT_RUN


def _words(_: click.Context, __: click.Parameter, values: Sequence[str]) -> tuple[str, ...]:
    return tuple(word.strip() for value in values for word in value.split(",") if word.strip())


def _severity(_: click.Context, __: click.Parameter, value: str) -> Severity:
    return Severity[value.upper()]


def _confidence(_: click.Context, __: click.Parameter, value: str) -> Confidence:
    return Confidence[value.upper()]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="%(prog)s %(version)s")
def app() -> None:
    """Find where a PyTorch program runs a module in the wrong mode."""


@app.command()
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
    type=click.Choice(["full", "concise", "json"]),
    default="full",
    show_default=True,
    help="Form of the report.",
)
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
    fail_on: Severity,
    exit_zero: bool,
    strict_files: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Check files, and the Python files below directories; the current directory by default.

    Exits with 0 if there is nothing at or above --fail-on, 1 if there is, 2 if it could not run.
    """
    from evalguard.check import Options

    start = time.perf_counter()
    result = _checked(paths or (os.curdir,), Options(select, ignore, min_confidence), quiet)
    _emit(_report(result, output_format, closing=not quiet))
    if verbose:
        seconds = time.perf_counter() - start
        click.echo(f"evalguard {__version__}: {result.files} files, {seconds:.2f} s", err=True)
    return _exit_code(result, fail_on, exit_zero, strict_files)


@app.command()
@click.argument("name", required=False, metavar="[NAME|CODE]")
def rule(name: str | None) -> None:
    """Show the page of a rule, or the table of all rules."""
    from evalguard.report import pages
    from evalguard.rules import load
    from evalguard.select import UnknownRule, find

    width, color = _terminal()
    if name is None:
        _emit(pages.table(load(), width=width, color=color))
        return
    try:
        found = find(load(), name)
    except UnknownRule as error:
        raise click.UsageError(str(error)) from None
    is_drawn = sys.stdout.isatty()
    _emit(pages.drawn_page(found, width=width, color=color) if is_drawn else pages.page(found))


@app.command()
@click.pass_context
def rules(context: click.Context) -> None:
    """Show the table of all rules."""
    context.invoke(rule, name=None)


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


def _report(result: Result, output_format: str, closing: bool) -> str:
    if output_format == "json":
        from evalguard.report import json

        return json.render(result)
    if output_format == "concise":
        from evalguard.report import concise

        return concise.render(result)
    from evalguard.report import terminal
    from evalguard.source import lines

    width, color = _terminal()
    lines_of = lru_cache(maxsize=64)(lines)
    return terminal.render(result, lines_of, width=width, color=color, closing=closing)


def _terminal() -> tuple[int, bool]:
    """Tell how wide the output may be, and whether it may be coloured."""
    if not sys.stdout.isatty():
        return WIDTH, False
    import shutil

    plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    return max(shutil.get_terminal_size().columns, NARROWEST), not plain


def _exit_code(result: Result, fail_on: Severity, exit_zero: bool, strict_files: bool) -> int:
    if result.errors and (strict_files or not result.files):
        return COULD_NOT_RUN
    failing = any(finding.severity >= fail_on for finding in result.findings)
    return FOUND if failing and not exit_zero else CLEAN


def _emit(text: str) -> None:
    """Write to standard output, which may be closed early or may not know every character."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure:
        reconfigure(errors="backslashreplace")
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
