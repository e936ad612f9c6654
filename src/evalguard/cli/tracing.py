"""``evalguard trace``: files → what is believed at each call of a module in them."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING

import click

from evalguard.cli.codes import CLEAN, COULD_NOT_RUN
from evalguard.cli.configuring import with_settings
from evalguard.cli.given import Given, given
from evalguard.cli.output import emit, terminal

if TYPE_CHECKING:
    from evalguard.config.layers import Configuration
    from evalguard.options import Options
    from evalguard.trace import Trace

OTHERS = (
    "jobs",
    "select", "extend-select", "ignore", "min-confidence", "warn-unused-ignores", "baseline",
    "output-format", "fail-on",
)  # fmt: skip


@click.command(short_help="Show in which mode each line calls modules, and why.")
@click.argument("paths", nargs=-1, type=click.Path())
@with_settings(*OTHERS)
@click.option(
    "--output-format",
    type=click.Choice(("text", "json")),
    default="text",
    help="Form of the report.  [default: text]",
)
@click.option(
    "--stdin-filename",
    metavar="FILE",
    help="Trace standard input as if this file held it, as `-` does without a name.",
)
@click.option("--all-lines", is_flag=True, help="Show all lines of files that call modules.")
def trace(
    paths: tuple[str, ...],
    configuration: Configuration,
    output_format: str,
    stdin_filename: str | None,
    all_lines: bool,
) -> int:
    """Show in which mode each line calls modules, and why.

    That is what `check` believes of the same files. They are taken as one program; without any,
    that is the current directory.

    Exits with 0, or with 2 if it could not run.
    """
    what = given(paths, stdin_filename)
    told = _traced(what, configuration.options())
    if output_format == "json":
        from evalguard.report import trace_json

        emit(trace_json.render(told))
    else:
        from evalguard.report import trace_text
        from evalguard.source import lines

        width, color = terminal()
        lines_of = lru_cache(maxsize=64)(partial(lines, bytes_of=what.bytes_of))
        emit(trace_text.render(told, lines_of, width=width, color=color, whole=all_lines))
    return COULD_NOT_RUN if told.errors and not told.files else CLEAN


def _traced(what: Given, options: Options) -> Trace:
    from evalguard.discover import NoSuchPath
    from evalguard.progress import with_bar
    from evalguard.select import UnknownRule

    try:
        return what.trace(options, with_bar)
    except (NoSuchPath, UnknownRule) as error:
        raise click.UsageError(str(error)) from None
