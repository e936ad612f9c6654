"""``--fix``, ``--unsafe-fixes`` and ``--diff``: findings → mended files, or what would change."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import groupby

import click

from evalguard.check import Options, Progress
from evalguard.cli.given import Given
from evalguard.cli.outcome import Checked, Ways
from evalguard.finding import Finding, Result
from evalguard.fix.mending import Mended, mend
from evalguard.fix.planning import plan
from evalguard.fix.text import edited
from evalguard.fix.writing import Files, Unwritable
from evalguard.places import Place
from evalguard.records import replace
from evalguard.repair import Edit
from evalguard.report.edits import Edits, PlacedEdit
from evalguard.report.words import count, position, visible
from evalguard.rules import load
from evalguard.select import choose
from evalguard.source import Bytes, Source, Unreadable
from evalguard.suppress.notices import NOTICES, UNUSED
from evalguard.suppress.writing import without_ignores
from evalguard.trials import Trials


class _Desk:
    """Checks the files of a run as if some of them held other texts."""

    def __init__(self, what: Given, options: Options, ways: Ways) -> None:
        self._what = what
        self._options = options
        self._news = ways.news
        self._files = Files(what.bytes_of, what.put)
        self._trials = Trials(self._files.read, self._files.draft)
        self.text = lru_cache(maxsize=None)(self._files.text)
        self.pages = self._files.pages

    def write(self, path: str, text: str) -> str:
        """Put a new text into a file; say why not if that can't be done."""
        try:
            self._files.write(path, text)
        except Unwritable as error:
            return error.reason
        return ""

    def check(self, drafts: Mapping[str, str], comments: bool = False) -> Result:
        """What is found that may be mended if these files hold these texts."""
        return self.news(self.look(drafts, iter, comments), drafts)

    def news(self, result: Result, drafts: Mapping[str, str]) -> Result:
        """A result without what isn't to be mended."""

        def lines_of(path: str) -> Sequence[str]:
            text = drafts[path] if path in drafts else self.text(path)
            return (text or "").split("\n")

        return self._news(result, lru_cache(maxsize=64)(lines_of)) if self._news else result

    def look(
        self, drafts: Mapping[str, str], progress: Progress = iter, comments: bool = False
    ) -> Result:
        """What is found if these files hold these texts; idle comments, too, if they count."""
        options = replace(self._options, warn_unused_ignores=comments)
        self._trials.begin(drafts, comments)
        return self._what.check(options, progress, self._trials)

    def check_again(self) -> Result:
        """What is found in the files as they are by now."""
        return self._what.check(self._options)


def fixed(what: Given, options: Options, ways: Ways, progress: Progress, quiet: bool) -> Checked:
    """Check, and mend what was found.

    Args:
        what: What to check.
        options: What to report, and so to mend.
        ways: What to mend, and whether to write it.
        progress: See ``check_paths``.
        quiet: Whether to tell only what went wrong.

    Returns:
        What is found afterwards; if nothing is to be written, what is found, and what would change.

    Raises:
        NoSuchPath: One of the paths doesn't exist.
        UnknownRule: ``options`` names a rule that doesn't exist.
    """
    chosen = choose(load(), options.select, options.ignore)
    rules = {rule.name for rule in (*chosen, *NOTICES)}
    desk = _Desk(what, replace(options, select=(), ignore=()), ways)
    before = desk.look({}, progress, options.warn_unused_ignores)
    mended = mend(
        desk, _tidy(desk.news(before, {})), lambda finding: finding.rule in rules, ways.unsafe
    )
    if options.warn_unused_ignores:
        mended = _tidied(desk, mended)
    for finding in mended.failed:
        _tell(f"{_place(finding)}: not fixed: the fix would leave it as it is, or bring another")
    refused = _write(desk, mended.drafts) if ways.write else frozenset[str]()
    if not quiet:
        _tell(_closing(mended, ways, refused, rules))
    if not ways.write:
        return Checked(_only(before, rules), "".join(_diff(desk, mended.drafts)))
    result = desk.check_again() if refused or ways.news else mended.result
    return Checked(_tried(_only(result, rules), ways, refused), whole=not refused)


def edits_of(result: Result, bytes_of: Bytes) -> Edits:
    """The edits that would mend findings, for reports; those of its file for each finding."""
    files = Files(bytes_of)
    found: dict[Finding, tuple[PlacedEdit, ...]] = {}
    for path in dict.fromkeys(each.place.path for each in result.findings if each.fix):
        with suppress(Unreadable):
            source = files.read(path)
            here = [each for each in result.findings if each.place.path == path]
            for fix in plan(source.text, here):
                with suppress(Unreadable):
                    files.draft(path, edited(source.text, fix.ways[0]))
                    found[fix.finding] = tuple(_placed(edit, source) for edit in fix.ways[0])
    return found


def _placed(edit: Edit, source: Source) -> PlacedEdit:
    return PlacedEdit(Place(source.path, edit.span).within(source.cells), edit.text)


def _tidy(result: Result) -> Result:
    """A result without idle comments: fixes come first, as these may make more of them idle."""
    return replace(result, findings=tuple(each for each in result.findings if not _is_idle(each)))


def _tidied(desk: _Desk, mended: Mended) -> Mended:
    """Also take away the comments that are of no use by then."""
    idle = filter(_is_idle, desk.check(mended.drafts, comments=True).findings)
    drafts, gone = dict(mended.drafts), list(mended.fixed)
    for path, group in groupby(idle, lambda finding: finding.place.path):
        text = drafts[path] if path in drafts else desk.text(path)
        if text is not None:
            unused = [*group]
            drafts[path] = without_ignores(text, unused)
            gone += unused
    return Mended(drafts, desk.check(drafts, comments=True), tuple(gone), mended.failed)


def _is_idle(finding: Finding) -> bool:
    return finding.code == UNUSED.code


def _only(result: Result, rules: set[str]) -> Result:
    wanted = tuple(finding for finding in result.findings if finding.rule in rules)
    return replace(result, findings=wanted)


def _tried(result: Result, ways: Ways, refused: frozenset[str]) -> Result:
    """A result whose findings have no fixes that couldn't be made."""
    left = tuple(
        replace(finding, fix=None)
        if finding.fix and (finding.fix.safe or ways.unsafe) and finding.place.path not in refused
        else finding
        for finding in result.findings
    )
    return replace(result, findings=left)


def _write(desk: _Desk, drafts: Mapping[str, str]) -> frozenset[str]:
    """Write the files one by one; return those that couldn't be."""
    faults = {path: desk.write(path, text) for path, text in drafts.items()}
    refused = {path: reason for path, reason in faults.items() if reason}
    for path, reason in refused.items():
        _tell(f"{visible(path)}: not fixed: {visible(reason)}")
    return frozenset(refused)


def _diff(desk: _Desk, drafts: Mapping[str, str]) -> Iterator[str]:
    """What would change, cell by cell of a notebook."""
    for path in sorted(drafts):
        before, after = desk.pages(path), desk.pages(path, drafts[path])
        for cell, page in before.items():
            if cell:
                yield from _changes(f"{path}:cell {cell}", f"{page}\n", f"{after[cell]}\n")
            else:
                yield from _changes(path, page, after[cell])


def _changes(path: str, old: str, new: str) -> Iterator[str]:
    name = visible(path)
    for line in difflib.unified_diff(_lines(old), _lines(new), name, name):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _lines(text: str) -> list[str]:
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _closing(mended: Mended, ways: Ways, refused: frozenset[str], rules: set[str]) -> str:
    """Tell in one line what was mended, and what could be."""
    done = [finding for finding in mended.fixed if finding.place.path not in refused]
    files = {finding.place.path for finding in done}
    verb = "Fixed" if ways.write else "Would fix"
    told = f"{verb} {count(len(done), 'problem')} in {count(len(files), 'file')}"
    left = [item.fix for item in mended.result.findings if item.fix and item.rule in rules]
    unsafe = sum(not repair.safe for repair in left)
    if unsafe and not ways.unsafe:
        told += f"; {count(unsafe, 'fix')} {'needs' if unsafe == 1 else 'need'} --unsafe-fixes"
    return f"{told}."


def _place(finding: Finding) -> str:
    return f"{position(finding.place)}: {finding.code} {finding.rule}"


def _tell(text: str) -> None:
    click.echo(f"evalguard: {text}", err=True)
