"""Checks of the same files that differ in a few drafts: what is the same isn't done again."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from evalguard.events import Unit
from evalguard.finding import Result
from evalguard.lower import lower
from evalguard.programs import Files
from evalguard.source import Source


class Trials:
    """Reads the files of a run, or drafts of them, and knows what earlier checks have found out.

    Args:
        read: Reads a file as it is.
        draft: Makes of a path and a text what that file is read as if it holds this text.
    """

    def __init__(self, read: Callable[[str], Source], draft: Callable[[str, str], Source]) -> None:
        self._read = read
        self._draft = draft
        self._drafts: Mapping[str, str] = {}
        self._comments = False
        self._units: dict[str, tuple[str, Unit]] = {}
        self._results: dict[object, Result] = {}

    def begin(self, drafts: Mapping[str, str], comments: bool) -> None:
        """Another check begins.

        Args:
            drafts: The texts, by path, that some files are taken to hold; the others hold what
                they held before.
            comments: Whether idle comments are told. The other options are those of the run.
        """
        self._drafts, self._comments = drafts, comments

    def __call__(self, path: str) -> Source:
        """Read a file.

        Raises:
            Unreadable: It can't be read.
        """
        draft = self._drafts.get(path)
        return self._read(path) if draft is None else self._draft(path, draft)

    def lower(self, source: Source) -> Unit:
        """Lower a file, unless it held the same text the last time.

        Raises:
            Unreadable: See ``lower``.
        """
        known = self._units.get(source.path)
        if known is None or known[0] != source.text:
            known = self._units[source.path] = source.text, lower(source)
        return known[1]

    def known(self, files: Files) -> Result | None:
        """What a program told when it was checked with the same drafts in it."""
        return self._results.get(self._key(files))

    def keep(self, files: Files, result: Result, whole: bool) -> None:
        """Remember what a program tells, if that is the ``whole`` of it."""
        if whole:
            self._results[self._key(files)] = result

    def _key(self, files: Files) -> object:
        paths = {*files.asked, *files.nearby}.intersection(self._drafts)
        drafts = frozenset((path, self._drafts[path]) for path in paths)
        return files.asked, files.nearby, drafts, self._comments
