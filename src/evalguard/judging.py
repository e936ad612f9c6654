"""The files of one program → ``Result``: the stages from reading to suppression, in a row."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from evalguard import knowledge
from evalguard.collector import at_rest
from evalguard.context.choosing import Context
from evalguard.events import Unit
from evalguard.finding import FileError, Finding, Result
from evalguard.flow import flow
from evalguard.knowledge import Knowledge
from evalguard.link import Program, link
from evalguard.lower import lower, prove
from evalguard.modes import Mode
from evalguard.options import Options
from evalguard.places import Cell
from evalguard.programs import Files
from evalguard.records import NamedTuple, replace
from evalguard.rule import Rule
from evalguard.rules import judge, load
from evalguard.select import choose, deciding, require
from evalguard.source import Source, Unreadable, from_text, read
from evalguard.stack import with_room
from evalguard.suppress import may_speak
from evalguard.suppress.files import ignored_in

if TYPE_CHECKING:
    from evalguard.trace import Trace

Reader = Callable[[str], Source]
Lowerer = Callable[[Source], Unit]


class Proved(NamedTuple):
    """A file of which only the syntax counts."""

    path: str
    cells: tuple[Cell, ...] = ()


Reading = Unit | Proved | FileError


class Judge:
    """Checks programs, each by itself.

    ``knowledge`` is what is known of libraries, ``src`` the folders that imports start from.

    Args:
        options: What to report.
        reader: Reads a file, in place of what does so usually.
        lowered: Lowers what was read, likewise.

    Raises:
        UnknownRule: ``options`` names a rule that doesn't exist.
        WrongTable: ``options`` holds a table of knowledge that doesn't fit.
    """

    def __init__(
        self, options: Options, reader: Reader | None = None, lowered: Lowerer | None = None
    ) -> None:
        self._options = options
        self._reader = reader
        self._lowerer = lowered
        self._rules = _rules(options)
        self.knowledge = _known(options)
        self.src = _from_anywhere(options.src)

    def __reduce__(self) -> tuple[type[Judge], tuple[Options, Reader | None, Lowerer | None]]:
        return Judge, (self._options, self._reader, self._lowerer)

    def files(self, files: Files, each: Callable[[], object] = lambda: None) -> Result:
        """Check the files of a program.

        Args:
            files: The program.
            each: Is called before a file is read.
        """
        with at_rest():
            return with_room(partial(self._files, files, each))

    def _files(self, files: Files, each: Callable[[], object]) -> Result:
        texts: dict[str, str] = {}
        reader = self._reader or read
        readings: list[Reading] = []
        source, take = _noting(reader, texts), self._lowered if files.telling else _proved
        for path in files.asked:
            each()
            readings.append(take(path, source))
        findings = self._found(files, readings) if files.telling else ()
        return self._result(findings, texts, readings)

    def _lowered(self, path: str, source: Reader) -> Unit | FileError:
        """Read and lower one file; what goes wrong in it must not end the run."""
        try:
            return (self._lowerer or lower)(source(path))
        except Unreadable as error:
            return FileError(path, error.reason, error.line, error.column, error.cell)
        except RecursionError:
            return FileError(path, "nested too deeply to be checked")

    def texts(self, texts: Mapping[str, str]) -> Result:
        """Check texts, by path, as one program."""
        with at_rest():
            return with_room(partial(self._texts, texts))

    def _texts(self, texts: Mapping[str, str]) -> Result:
        spoken: dict[str, str] = {}
        source = _noting(lambda path: from_text(texts[path], path), spoken)
        readings = [self._lowered(path, source) for path in texts]
        program = link(_units(readings), self.knowledge, src=self.src)
        return self._result(self._judged(program, texts), spoken, readings)

    def trace(self, files: Files, each: Callable[[], object] = lambda: None) -> Trace:
        """Tell what is believed at each call of a module; the arguments are those of ``files``."""
        with at_rest():
            return with_room(partial(self._trace, files, each))

    def _trace(self, files: Files, each: Callable[[], object]) -> Trace:
        from evalguard.flow.tracing import trace

        readings: list[Reading] = []
        for path in files.asked:
            each()
            readings.append(self._lowered(path, self._reader or read))
        context = self._context(files, readings)
        self._settled(context, files.asked)
        told = trace(context.program(), frozenset(files.asked))
        while context.widen(call.place for call in told.calls if Mode.UNSEEN in call.mode):
            told = trace(context.program(), frozenset(files.asked))
        errors = tuple(each for each in readings if isinstance(each, FileError))
        checked = tuple(unit.path for unit in _units(readings))
        notebooks = _notebooks(readings)
        told = replace(told, errors=errors, files=checked)
        return told.moved(lambda place: place.within(notebooks.get(place.path, ())))

    def _context(self, files: Files, readings: Iterable[Reading]) -> Context:
        """What is asked for, with the files around it that may bear on it."""

        def unit(path: str) -> Unit | None:
            reading = self._lowered(path, self._reader or read)
            return reading if isinstance(reading, Unit) else None

        units = _units(readings)
        return Context(units, files.nearby, os.getcwd(), self.knowledge, unit, self.src)

    def _found(self, files: Files, readings: Iterable[Reading]) -> tuple[Finding, ...]:
        """What is found in the files given, with what bears on it around them."""
        return self._settled(self._context(files, readings), files.asked)

    def _settled(self, context: Context, paths: Iterable[str]) -> tuple[Finding, ...]:
        """What is found in the files given once everything was read that bears on it."""
        least = self._options.min_confidence
        while True:
            findings = self._judged(context.program(), paths)
            if not context.widen(each.place for each in findings if each.confidence >= least):
                return findings

    def _judged(self, program: Program, paths: Iterable[str]) -> tuple[Finding, ...]:
        """What is found in some files of a program."""
        asked = frozenset(paths)
        found = judge(flow(program), self._rules)
        return tuple(finding for finding in found if finding.place.path in asked)

    def _result(
        self, findings: tuple[Finding, ...], texts: Mapping[str, str], readings: Sequence[Reading]
    ) -> Result:
        told = _told(findings, _checked(texts, readings), self._rules, self._options)
        return _placed_in_cells(told, readings)


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


def _noting(source: Reader, texts: dict[str, str]) -> Reader:
    """Read, and note the texts that may hold comments against findings."""

    def read_and_note(path: str) -> Source:
        found = source(path)
        if may_speak(found.text):
            texts[path] = found.text
        return found

    return read_and_note


def _proved(path: str, source: Reader) -> Proved | FileError:
    """Read one file, and make sure of its syntax."""
    try:
        found = source(path)
        prove(found)
    except Unreadable as error:
        return FileError(path, error.reason, error.line, error.column, error.cell)
    return Proved(path, found.cells)


def _units(readings: Iterable[Reading]) -> tuple[Unit, ...]:
    return tuple(reading for reading in readings if isinstance(reading, Unit))


def _checked(texts: Mapping[str, str], readings: Iterable[Reading]) -> dict[str, str]:
    """The texts of files that could be checked."""
    paths = [each.path for each in readings if not isinstance(each, FileError)]
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


def _placed_in_cells(findings: tuple[Finding, ...], readings: Collection[Reading]) -> Result:
    errors = tuple(reading for reading in readings if isinstance(reading, FileError))
    notebooks = _notebooks(readings)
    shown = tuple(_placed(finding, notebooks) for finding in findings) if notebooks else findings
    return Result(shown, errors, len(readings) - len(errors))


def _notebooks(readings: Iterable[Reading]) -> dict[str, tuple[Cell, ...]]:
    """The notebooks among files, and where each of their lines is."""
    return {
        reading.path: reading.cells
        for reading in readings
        if not isinstance(reading, FileError) and reading.cells
    }


def _placed(finding: Finding, notebooks: Mapping[str, Sequence[Cell]]) -> Finding:
    """Tell the cells of a finding's places."""
    place, *others = (
        place.within(notebooks.get(place.path, ()))
        for place in (finding.place, *(item.place for item in finding.evidence))
    )
    story = zip(finding.evidence, others, strict=True)
    evidence = tuple(replace(item, place=other) for item, other in story)
    return replace(finding, place=place, evidence=evidence)
