"""Paths or texts → ``Result``: the front door, where the stages meet."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from evalguard import knowledge
from evalguard.collector import at_rest
from evalguard.context import Context, neighbours
from evalguard.discover import discover
from evalguard.events import Unit
from evalguard.finding import Confidence, FileError, Finding, Result
from evalguard.flow import flow
from evalguard.link import link
from evalguard.lower import lower
from evalguard.rule import Rule
from evalguard.rules import judge, load
from evalguard.select import choose
from evalguard.source import Source, Unreadable, from_text, read

Progress = Callable[[Sequence[str]], Iterable[str]]
Reader = Callable[[str], Source]


@dataclass(frozen=True, slots=True)
class Options:
    """What to report.

    ``select`` and ``ignore`` hold rules' codes, beginnings of codes, or names.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    min_confidence: Confidence = Confidence.LIKELY


DEFAULTS = Options()


def check_paths(
    paths: Sequence[str],
    options: Options = DEFAULTS,
    *,
    progress: Progress = iter,
    reader: Reader | None = None,
) -> Result:
    """Check files, and the Python files below directories, as one program.

    Args:
        paths: Files and directories.
        options: What to report.
        progress: Is given the files, and yields each of them before it is read.
        reader: Reads a file, in place of what does so usually; what it returns is what is checked.

    Returns:
        The findings, and the files that could not be checked.

    Raises:
        NoSuchPath: One of the paths doesn't exist.
        UnknownRule: ``options`` names a rule that doesn't exist.
    """
    rules = choose(load(), options.select, options.ignore)
    found = discover(paths)
    with at_rest():
        readings = [_lowered(path, reader or read) for path in progress(found.files)]
        units = tuple(reading for reading in readings if isinstance(reading, Unit))
        nearby = neighbours(paths, found.files)
        context = Context(units, nearby, os.getcwd(), knowledge.load(), _context_unit)
        findings = _settled(context, rules, found.files, options)
    return _result(findings, (*found.errors, *readings))


def check_texts(texts: Mapping[str, str], options: Options = DEFAULTS) -> Result:
    """Check texts as one program.

    Args:
        texts: Path → Python source; the paths needn't exist.
        options: What to report.

    Returns:
        The findings; a text that can't be checked is among the errors.

    Raises:
        UnknownRule: ``options`` names a rule that doesn't exist.
    """
    rules = choose(load(), options.select, options.ignore)
    readings = [_lowered(path, lambda path: from_text(texts[path], path)) for path in texts]
    return _result(_wanted(_findings(readings, rules), texts, options), readings)


def check_source(text: str, path: str = "<string>", options: Options = DEFAULTS) -> Result:
    """Check one text: the same as ``check_texts`` of nothing else."""
    return check_texts({path: text}, options)


def _lowered(path: str, source: Callable[[str], Source]) -> Unit | FileError:
    """Read and lower one file; what goes wrong in it must not end the run."""
    try:
        return lower(source(path))
    except Unreadable as error:
        return FileError(path, error.reason, error.line, error.column)
    except RecursionError:
        return FileError(path, "nested too deeply to be checked")


def _settled(
    context: Context, rules: tuple[Rule, ...], paths: tuple[str, ...], options: Options
) -> tuple[Finding, ...]:
    """What is found once everything was read that bears on it."""
    while True:
        findings = _wanted(judge(flow(context.program()), rules), paths, options)
        if not context.widen(finding.place for finding in findings):
            return findings


def _context_unit(path: str) -> Unit | None:
    reading = _lowered(path, read)
    return reading if isinstance(reading, Unit) else None


def _findings(readings: Iterable[Unit | FileError], rules: tuple[Rule, ...]) -> tuple[Finding, ...]:
    units = tuple(reading for reading in readings if isinstance(reading, Unit))
    return judge(flow(link(units, knowledge.load())), rules)


def _wanted(
    findings: Iterable[Finding], paths: Iterable[str], options: Options
) -> tuple[Finding, ...]:
    """Keep what was asked for: findings in the files given, sure enough."""
    shown = frozenset(paths)
    return tuple(
        finding
        for finding in findings
        if finding.place.path in shown and finding.confidence >= options.min_confidence
    )


def _result(findings: tuple[Finding, ...], readings: Collection[Unit | FileError]) -> Result:
    errors = tuple(reading for reading in readings if isinstance(reading, FileError))
    return Result(findings, errors, len(readings) - len(errors))
