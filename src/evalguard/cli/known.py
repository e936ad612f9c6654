"""A result, and the baseline of findings that are known → the result without those."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import click

from evalguard.cli.output import from_here
from evalguard.finding import Result
from evalguard.report.words import count, visible

if TYPE_CHECKING:
    from evalguard.config.layers import Configuration
    from evalguard.options import Options
    from evalguard.suppress.baseline import Marks


def without_known(
    result: Result, configuration: Configuration, paths: Sequence[str], quiet: bool
) -> Result:
    """Leave out what the baseline knows, if there is one, and tell what of it is cured.

    Raises:
        UsageError: The file is no baseline.
    """
    from evalguard.source import program
    from evalguard.suppress.baseline import below, compared

    path = configuration.settings.baseline
    if not path:
        return result
    folder = os.path.dirname(os.path.abspath(path))
    known = below(read_baseline(path), paths, folder, skipped(configuration.options()))
    found = compared(result.findings, known, folder, lru_cache(maxsize=64)(program))
    gone = found.gone.total() - unchecked(result, found.gone, folder).total()
    if gone and not quiet:
        what = f"{count(gone, 'finding')} of {from_here(path)} no longer there"
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
