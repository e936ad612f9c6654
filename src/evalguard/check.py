"""Paths or texts → ``Result``: the front door, where the stages meet."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from evalguard import knowledge
from evalguard.discover import discover
from evalguard.events import Unit
from evalguard.facts import Fact
from evalguard.finding import Confidence, FileError, Finding, Result
from evalguard.flow import flow
from evalguard.link import link
from evalguard.lower import lower
from evalguard.rule import Rule
from evalguard.rules import judge, load
from evalguard.select import choose
from evalguard.source import Source, Unreadable, from_text, read

Progress = Callable[[Sequence[str]], Iterable[str]]
Reading = Unit | FileError


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What to report: findings of these rules, in these files, at least this sure."""

    rules: tuple[Rule, ...]
    shown: frozenset[str]
    min_confidence: Confidence

    def __contains__(self, finding: Finding) -> bool:
        return finding.place.path in self.shown and finding.confidence >= self.min_confidence


def check_paths(
    paths: Sequence[str],
    *,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    min_confidence: Confidence = Confidence.LIKELY,
    progress: Progress = iter,
) -> Result:
    """Check files, and the Python files below directories, as one program.

    Args:
        paths: Files and directories.
        select: Codes, beginnings of codes, or names of the rules to run; all if there is none.
        ignore: The same for rules not to run.
        min_confidence: How sure a finding must be.
        progress: Is given the files, and yields each of them before it is read.

    Returns:
        The findings, and the files that could not be checked.

    Raises:
        NoSuchPath: One of the paths doesn't exist.
        UnknownRule: No rule has that code or name.
    """
    rules = choose(load(), select, ignore)
    found = discover(paths)
    readings = [_reading(path) for path in progress(found.files)]
    wanted = _Wanted(rules, frozenset(found.files), min_confidence)
    return _judged((*found.errors, *readings), wanted)


def check_texts(
    texts: Mapping[str, str],
    *,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    min_confidence: Confidence = Confidence.LIKELY,
) -> Result:
    """Check texts as one program.

    Args:
        texts: Path → Python source; the paths needn't exist.
        select: As for ``check_paths``.
        ignore: As for ``check_paths``.
        min_confidence: As for ``check_paths``.

    Returns:
        The findings; a text that can't be checked is among the errors.

    Raises:
        UnknownRule: No rule has that code or name.
    """
    rules = choose(load(), select, ignore)
    return _judged(_readings(texts), _Wanted(rules, frozenset(texts), min_confidence))


def check_source(
    text: str,
    path: str = "<string>",
    *,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    min_confidence: Confidence = Confidence.LIKELY,
) -> Result:
    """Check one text; the same as ``check_texts`` of nothing else."""
    return check_texts({path: text}, select=select, ignore=ignore, min_confidence=min_confidence)


def facts_of(texts: Mapping[str, str]) -> tuple[Fact, ...]:
    """Tell what happens in a program, before any rule is asked."""
    return _facts(_readings(texts))


def _judged(readings: Collection[Reading], wanted: _Wanted) -> Result:
    findings = judge(_facts(readings), wanted.rules)
    kept = tuple(finding for finding in findings if finding in wanted)
    errors = tuple(reading for reading in readings if isinstance(reading, FileError))
    return Result(kept, errors, len(readings) - len(errors))


def _facts(readings: Iterable[Reading]) -> tuple[Fact, ...]:
    units = tuple(reading for reading in readings if isinstance(reading, Unit))
    return flow(link(units, knowledge.load()))


def _readings(texts: Mapping[str, str]) -> list[Reading]:
    return [_lowered(path, lambda path: from_text(texts[path], path)) for path in texts]


def _reading(path: str) -> Reading:
    return _lowered(path, read)


def _lowered(path: str, source: Callable[[str], Source]) -> Reading:
    """Read and lower one file; what goes wrong in it must not end the run."""
    try:
        return lower(source(path))
    except Unreadable as error:
        return FileError(path, error.reason, error.line, error.column)
    except RecursionError:
        return FileError(path, "nested too deeply to be checked")
