"""Paths or texts → ``Result``: the front door, where the stages meet."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from evalguard import knowledge
from evalguard.collector import at_rest
from evalguard.context import Context, neighbours
from evalguard.discover import discover
from evalguard.events import Unit
from evalguard.finding import FileError, Finding, Result
from evalguard.flow import flow
from evalguard.knowledge import Knowledge
from evalguard.link import Program, link
from evalguard.lower import lower
from evalguard.modes import Mode
from evalguard.options import DEFAULTS, Options
from evalguard.places import Cell
from evalguard.records import replace
from evalguard.rule import Rule
from evalguard.rules import judge, load
from evalguard.select import choose, deciding, require
from evalguard.source import Source, Unreadable, from_text, read
from evalguard.suppress import may_speak
from evalguard.suppress.files import ignored_in

if TYPE_CHECKING:
    from evalguard.trace import Trace

__all__ = ["DEFAULTS", "Options", "check_paths", "check_source", "check_texts", "trace_paths"]

Progress = Callable[[Sequence[str]], Iterable[str]]
Reader = Callable[[str], Source]


def check_paths(
    paths: Sequence[str],
    options: Options = DEFAULTS,
    *,
    progress: Progress = iter,
    reader: Reader | None = None,
    unsaved: Collection[str] = (),
) -> Result:
    """Check files, and the Python files and notebooks below directories, as one program.

    Args:
        paths: Files and directories.
        options: What to report.
        progress: Is given the files, and yields each of them before it is read.
        reader: Reads a file, in place of what does so usually; what it returns is what is checked,
            and what is seen of the files around.
        unsaved: Those of the paths that needn't exist, as ``reader`` knows what they hold.

    Returns:
        The findings, and the files that could not be checked.

    Raises:
        NoSuchPath: One of the paths doesn't exist.
        UnknownRule: ``options`` names a rule that doesn't exist.
        WrongTable: ``options`` holds a table of knowledge that doesn't fit.
    """
    rules, known = _rules(options), _known(options)
    found = discover(paths, options.exclude, options.force_exclude, unsaved)
    texts: dict[str, str] = {}
    with at_rest():
        reader = reader or read
        source = _noting(reader, texts)
        readings = [_lowered(path, source) for path in progress(found.files)]
        nearby = neighbours(paths, found.files, options.exclude, options.src)
        context = _context(readings, nearby, known, reader, options)
        findings = _settled(context, rules, found.files, options)
    told = _told(findings, _checked(texts, readings), rules, options)
    return _result(told, (*found.errors, *readings))


def trace_paths(
    paths: Sequence[str],
    options: Options = DEFAULTS,
    *,
    progress: Progress = iter,
    reader: Reader = read,
    unsaved: Collection[str] = (),
) -> Trace:
    """Tell what a check of the same paths believes at each call of a module.

    Args:
        paths: Files and directories, taken as one program.
        options: As for the check; what it finds decides what is read around the files.
        progress: See ``check_paths``, as for the others.
        reader: Reads a file.
        unsaved: Those of the paths that needn't exist.

    Returns:
        The calls of modules and the switches in these files, and the files that could not be read.

    Raises:
        NoSuchPath: One of the paths doesn't exist.
        UnknownRule: ``options`` names a rule that doesn't exist.
        WrongTable: ``options`` holds a table of knowledge that doesn't fit.
    """
    from evalguard.flow.tracing import trace

    rules, known = _rules(options), _known(options)
    found = discover(paths, options.exclude, options.force_exclude, unsaved)
    with at_rest():
        readings = [_lowered(path, reader) for path in progress(found.files)]
        nearby = neighbours(paths, found.files, options.exclude, options.src)
        context = _context(readings, nearby, known, reader, options)
        _settled(context, rules, found.files, options)
        asked = frozenset(found.files)
        told = trace(context.program(), asked)
        while context.widen(call.place for call in told.calls if Mode.UNSEEN in call.mode):
            told = trace(context.program(), asked)
    errors = tuple(each for each in readings if isinstance(each, FileError))
    files = tuple(each.path for each in readings if isinstance(each, Unit))
    told = replace(told, errors=(*found.errors, *errors), files=files)
    notebooks = _notebooks(readings)
    return told.moved(lambda place: place.within(notebooks.get(place.path, ())))


def check_texts(texts: Mapping[str, str], options: Options = DEFAULTS) -> Result:
    """Check texts as one program.

    Args:
        texts: Path → Python source, or a notebook's JSON; the paths needn't exist.
        options: What to report.

    Returns:
        The findings; a text that can't be checked is among the errors.

    Raises:
        UnknownRule: ``options`` names a rule that doesn't exist.
    """
    rules, known = _rules(options), _known(options)
    spoken: dict[str, str] = {}
    source = _noting(lambda path: from_text(texts[path], path), spoken)
    readings = [_lowered(path, source) for path in texts]
    units = tuple(reading for reading in readings if isinstance(reading, Unit))
    program = link(units, known, src=_from_anywhere(options.src))
    told = _told(_judged(program, rules, texts), _checked(spoken, readings), rules, options)
    return _result(told, readings)


def check_source(text: str, path: str = "<string>", options: Options = DEFAULTS) -> Result:
    """Check one text: the same as ``check_texts`` of nothing else."""
    return check_texts({path: text}, options)


def _rules(options: Options) -> tuple[Rule, ...]:
    """The rules to run, each as severe as it was made."""
    rules = load()
    severity, by_file = options.severity, options.per_file_ignores
    require(rules, (*severity, *(word for words in by_file.values() for word in words)))
    return tuple(
        replace(rule, severity=severity[word])
        if (word := deciding(severity, rule.code, rule.name))
        else rule
        for rule in choose(rules, options.select, options.ignore)
    )


def _known(options: Options) -> Knowledge:
    known = knowledge.load()
    return known.extended(options.knowledge) if options.knowledge else known


def _from_anywhere(folders: Iterable[str]) -> tuple[str, ...]:
    """Folders as files in them may be named: relative to here, and absolute."""
    return tuple(name for each in folders for name in _names(os.path.abspath(each)))


def _names(folder: str) -> Iterator[str]:
    yield folder
    with suppress(ValueError):  # there is no relative path to another drive
        yield os.path.relpath(folder)


def _noting(source: Callable[[str], Source], texts: dict[str, str]) -> Callable[[str], Source]:
    """Read, and note the texts that may hold comments against findings."""

    def read_and_note(path: str) -> Source:
        found = source(path)
        if may_speak(found.text):
            texts[path] = found.text
        return found

    return read_and_note


def _lowered(path: str, source: Callable[[str], Source]) -> Unit | FileError:
    """Read and lower one file; what goes wrong in it must not end the run."""
    try:
        return lower(source(path))
    except Unreadable as error:
        return FileError(path, error.reason, error.line, error.column, error.cell)
    except RecursionError:
        return FileError(path, "nested too deeply to be checked")


def _context(
    readings: Iterable[Unit | FileError],
    nearby: Sequence[str],
    known: Knowledge,
    reader: Reader,
    options: Options,
) -> Context:
    """What is asked for, with the files around it that may bear on it."""
    units = tuple(reading for reading in readings if isinstance(reading, Unit))
    src = _from_anywhere(options.src)
    return Context(units, nearby, os.getcwd(), known, partial(_unit, reader=reader), src)


def _settled(
    context: Context, rules: tuple[Rule, ...], paths: tuple[str, ...], options: Options
) -> tuple[Finding, ...]:
    """What is found in the files given once everything was read that bears on it."""
    while True:
        findings = _judged(context.program(), rules, paths)
        sure = (each.place for each in findings if each.confidence >= options.min_confidence)
        if not context.widen(sure):
            return findings


def _judged(program: Program, rules: tuple[Rule, ...], paths: Iterable[str]) -> tuple[Finding, ...]:
    """What is found in some files of a program."""
    asked = frozenset(paths)
    found = judge(flow(program), rules)
    return tuple(finding for finding in found if finding.place.path in asked)


def _unit(path: str, reader: Reader) -> Unit | None:
    reading = _lowered(path, reader)
    return reading if isinstance(reading, Unit) else None


def _checked(texts: Mapping[str, str], readings: Iterable[Unit | FileError]) -> dict[str, str]:
    """The texts of files that could be checked."""
    paths = [each.path for each in readings if isinstance(each, Unit)]
    return {path: texts[path] for path in paths if path in texts}


def _told(
    findings: Iterable[Finding], texts: Mapping[str, str], rules: Iterable[Rule], options: Options
) -> tuple[Finding, ...]:
    """Keep what was asked for: sure enough, and neither comments nor configuration are against it.

    A comment is of use even against what wouldn't have been shown.
    """
    kept, notices = _heard(findings, texts, rules, options) if texts else (findings, ())
    ignored = ignored_in(options.per_file_ignores)
    wanted = (*(each for each in kept if each.confidence >= options.min_confidence), *notices)
    shown = (each for each in wanted if not ignored(each))
    return tuple(sorted(shown, key=lambda finding: finding.sort_key))


def _heard(
    findings: Iterable[Finding], texts: Mapping[str, str], rules: Iterable[Rule], options: Options
) -> tuple[Iterable[Finding], Iterable[Finding]]:
    """The findings that no comment is against, and what is to be told of the comments."""
    from evalguard.suppress.comments import heard

    comments = heard(findings, texts, load(), rules)
    unused = comments.unused if options.warn_unused_ignores else ()
    return comments.kept, (*comments.invalid, *unused)


def _result(findings: tuple[Finding, ...], readings: Collection[Unit | FileError]) -> Result:
    errors = tuple(reading for reading in readings if isinstance(reading, FileError))
    notebooks = _notebooks(readings)
    shown = tuple(_placed(finding, notebooks) for finding in findings) if notebooks else findings
    return Result(shown, errors, len(readings) - len(errors))


def _notebooks(readings: Iterable[Unit | FileError]) -> dict[str, tuple[Cell, ...]]:
    """The notebooks among files, and where each of their lines is."""
    return {each.path: each.cells for each in readings if isinstance(each, Unit) and each.cells}


def _placed(finding: Finding, notebooks: Mapping[str, Sequence[Cell]]) -> Finding:
    """Tell the cells of a finding's places."""
    place, *others = (
        place.within(notebooks.get(place.path, ()))
        for place in (finding.place, *(item.place for item in finding.evidence))
    )
    story = zip(finding.evidence, others, strict=True)
    evidence = tuple(replace(item, place=other) for item, other in story)
    return replace(finding, place=place, evidence=evidence)
