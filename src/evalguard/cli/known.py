"""A baseline of findings that are known, and a result → the result without those."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import click

from evalguard.cli.output import from_here
from evalguard.finding import Result
from evalguard.records import NamedTuple, replace
from evalguard.report.words import count, visible

if TYPE_CHECKING:
    from evalguard.config.layers import Configuration
    from evalguard.options import Options
    from evalguard.source import Bytes
    from evalguard.suppress.baseline import Compared, Lines, Marks


class Known(NamedTuple):
    """The part of a baseline that is about a run."""

    path: str
    marks: Marks

    @property
    def folder(self) -> str:
        """What the paths in it are seen from."""
        return os.path.dirname(os.path.abspath(self.path))

    def compared(self, result: Result, lines_of: Lines) -> Compared:
        """Tell new findings from known ones."""
        from evalguard.suppress.baseline import compared

        return compared(result.findings, self.marks, self.folder, lines_of)

    def news(self, result: Result, lines_of: Lines) -> Result:
        """A result without what is known."""
        return replace(result, findings=self.compared(result, lines_of).new)


def known_in(configuration: Configuration, paths: Sequence[str]) -> Known | None:
    """What the baseline knows of these paths and of the rules that run; None if there is none.

    Raises:
        UsageError: The file is no baseline.
    """
    path = configuration.settings.baseline
    if not path:
        return None
    from evalguard.suppress.baseline import below

    whole = Known(path, read_baseline(path))
    marks = below(whole.marks, paths, whole.folder, skipped(configuration.options()))
    return whole._replace(marks=marks)


def without_known(result: Result, known: Known, quiet: bool, bytes_of: Bytes) -> Result:
    """Leave out what the baseline knows, and tell what of it is cured."""
    from evalguard.source import program

    lines_of = lru_cache(maxsize=64)(partial(program, bytes_of=bytes_of))
    found = known.compared(result, lines_of)
    gone = found.gone.total() - unchecked(result, found.gone, known.folder).total()
    if gone and not quiet:
        where = visible(from_here(known.path))
        what = f"{count(gone, 'finding')} of {where} no longer there"
        click.echo(f"evalguard: {what}; `evalguard baseline` rewrites it", err=True)
    return replace(result, findings=found.new)


def skipped(options: Options) -> frozenset[str]:
    """The rules that don't run."""
    from evalguard.rules import load
    from evalguard.select import choose

    ran = choose(load(), options.select, options.ignore)
    return frozenset(rule.name for rule in load()) - {rule.name for rule in ran}


def unchecked(result: Result, known: Marks, folder: str) -> Marks:
    """The part of a baseline that is about files that can't be checked."""
    from evalguard.suppress.baseline import below

    return below(known, [error.path for error in result.errors], folder)


def read_baseline(path: str) -> Marks:
    """Read a baseline that the user has named.

    Raises:
        UsageError: It is none.
    """
    from evalguard.suppress.baseline import BaselineError, read

    try:
        return read(from_here(path))
    except BaselineError as error:
        raise click.UsageError(visible(str(error))) from None
