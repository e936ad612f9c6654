"""Paths or texts → ``Result``: the front door.

What is checked is split into programs, each is judged by itself, and what they tell is put
together in the order of the files.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from evalguard.cache import Cache, Store
from evalguard.context.project import neighbours
from evalguard.discover import Found, discover
from evalguard.finding import Result
from evalguard.options import DEFAULTS, Options
from evalguard.programs import Files
from evalguard.programs.projects import Projects
from evalguard.records import replace

if TYPE_CHECKING:
    from evalguard.judging import Judge
    from evalguard.source import Source
    from evalguard.trace import Trace
    from evalguard.trials import Trials

__all__ = ["DEFAULTS", "Options", "check_paths", "check_source", "check_texts", "trace_paths"]

Progress = Callable[[Sequence[str]], Iterable[str]]


def check_paths(
    paths: Sequence[str],
    options: Options = DEFAULTS,
    *,
    progress: Progress = iter,
    reader: Callable[[str], Source] | None = None,
    unsaved: Collection[str] = (),
    jobs: int = 1,
    store: Store | None = None,
) -> Result:
    """Check files, and the Python files and notebooks below directories.

    Files that import one another are checked as one program.

    Args:
        paths: Files and directories.
        options: What to report.
        progress: Is given the files, and yields each of them before it is read.
        reader: Reads a file, in place of what does so usually; what it returns is what is checked,
            and what is seen of the files around. ``Trials`` know what they have told before.
        unsaved: Those of the paths that needn't exist, as ``reader`` knows what they hold.
        jobs: How many processes may share the work, 0 for as many as there are processors; with a
            ``reader``, there is only this one.
        store: Where results are kept from one run to the next; with a ``reader``, none are.

    Returns:
        The findings, and the files that could not be checked.

    Raises:
        NoSuchPath: One of the paths doesn't exist.
        UnknownRule: ``options`` names a rule that doesn't exist.
        WrongTable: ``options`` holds a table of knowledge that doesn't fit.
    """
    found = discover(paths, options.exclude, options.force_exclude, unsaved)
    nearby = neighbours(paths, found.files, options.exclude, options.src)
    projects = Projects(found.files)
    told = (found.errors, projects.told((*found.files, *nearby)))
    kept = store if reader is None else None
    cache = Cache(kept, paths, options, found.files, nearby, told)
    result = cache.result()
    if result is None:
        from evalguard.judging import Judge

        trials = _trials(reader)
        judge = Judge(options, reader, trials.lower if trials else None)
        programs = _programs(found.files, nearby, projects, cache, judge)
        several = jobs if reader is None else 1
        result = _together(_results(programs, trials or cache, judge, several, progress), found)
        cache.close(result)
    return result


def trace_paths(
    paths: Sequence[str],
    options: Options = DEFAULTS,
    *,
    progress: Progress = iter,
    reader: Callable[[str], Source] | None = None,
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
    from evalguard.judging import Judge

    judge = Judge(options, reader)
    found = discover(paths, options.exclude, options.force_exclude, unsaved)
    nearby = neighbours(paths, found.files, options.exclude, options.src)
    steps = iter(progress(found.files))
    told = judge.trace(Files(found.files, nearby), partial(next, steps, None))
    for _ in steps:
        pass
    return replace(told, errors=(*found.errors, *told.errors))


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
    from evalguard.judging import Judge

    return Judge(options).texts(texts)


def check_source(text: str, path: str = "<string>", options: Options = DEFAULTS) -> Result:
    """Check one text: the same as ``check_texts`` of nothing else."""
    return check_texts({path: text}, options)


def _trials(reader: object) -> Trials | None:
    """The reader, if it is one that knows what it has told before."""
    if reader is None:
        return None
    from evalguard.trials import Trials

    return reader if isinstance(reader, Trials) else None


def _programs(
    files: tuple[str, ...],
    nearby: tuple[str, ...],
    projects: Projects,
    cache: Cache,
    judge: Judge,
) -> list[Files]:
    """The programs to check; a file that is checked alone is one, with all that is around it."""
    from evalguard.programs.splitting import programs

    if len(files) == 1:
        return [Files(files, nearby)]
    packages, here = judge.knowledge.packages, os.getcwd()
    return cache.programs(
        lambda glances: programs(files, glances, projects, packages, here, judge.src)
    )


def _results(
    programs: Sequence[Files], kept: Cache | Trials, judge: Judge, jobs: int, progress: Progress
) -> Iterator[Result]:
    """What each program tells; those that are known aren't looked at again."""
    from evalguard.sharing import results

    known = {files: kept.known(files) for files in programs}
    new = [files for files, result in known.items() if result is None]
    steps = iter(progress([path for files in new for path in files.asked]))
    for told in results(new, judge, jobs, partial(next, steps, None)):
        kept.keep(told.files, told.result, told.whole)
        yield told.result
    for _ in steps:
        pass
    yield from (result for result in known.values() if result is not None)


def _together(told: Iterable[Result], found: Found) -> Result:
    """The results of programs as one, in an order that doesn't depend on how files were split."""
    every = [*told]
    order = {path: number for number, path in enumerate(found.files)}
    findings = sorted(
        (finding for result in every for finding in result.findings),
        key=lambda finding: finding.sort_key,
    )
    errors = sorted(
        (error for result in every for error in result.errors), key=lambda each: order[each.path]
    )
    files = sum(result.files for result in every)
    return Result((*findings,), (*found.errors, *errors), files)
