"""A file that flake8 reads → what evalguard finds in it, told as flake8 wants it.

The file is judged in its project. The configuration, the comments and the baseline that hold for it
count; which codes are shown is up to flake8, too.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Sequence

from evalguard.check import check_paths
from evalguard.config.layers import configured
from evalguard.finding import Finding
from evalguard.records import NamedTuple, replace
from evalguard.source import Source, from_text, read
from evalguard.suppress import baseline

__all__ = ["Report", "plugin"]


class Report(NamedTuple):
    """A line of flake8's report; columns count from 0."""

    line: int
    column: int
    text: str
    source: object


def plugin(tree: ast.AST, filename: str, lines: Sequence[str]) -> list[Report]:  # noqa: ARG001 (flake8 goes by the name)
    """Check a file.

    Args:
        tree: The file as Python parses it. It isn't used, but makes flake8 call once for each file.
        filename: What the file is called; it needn't exist.
        lines: What it holds.

    Returns:
        What flake8 is to report.

    Raises:
        ConfigError: The configuration can't be used.
        UnknownRule: It names a rule that doesn't exist.
        BaselineError: Its baseline is none.
    """
    configuration = configured((filename,))
    options = replace(configuration.options(), force_exclude=True)
    source = from_text("".join(lines), filename)

    def reader(path: str) -> Source:
        return source if path == filename else read(path)

    result = check_paths((filename,), options, reader=reader, unsaved=(filename,))
    known = configuration.settings.baseline
    news = _news(result.findings, known, source) if known else result.findings
    return [_report(finding) for finding in news]


def _news(findings: Iterable[Finding], path: str, source: Source) -> Iterable[Finding]:
    """The findings that a baseline doesn't know."""
    folder = os.path.dirname(os.path.abspath(path))
    lines = source.text.split("\n")
    return baseline.compared(tuple(findings), baseline.read(path), folder, lambda _: lines).new


def _report(finding: Finding) -> Report:
    text = f"{finding.code} {finding.rule}: {finding.message}"
    return Report(finding.place.line, finding.place.span.column - 1, text, plugin)
