"""An open text, in its project as the editor has it → findings, and what mends them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property

from evalguard.check import check_paths, check_texts
from evalguard.config.files import ConfigError
from evalguard.config.kinds import Wrong, hint
from evalguard.config.layers import Configuration, configured
from evalguard.config.settings import keys
from evalguard.finding import FileError, Finding, Result
from evalguard.fix.mending import mend
from evalguard.fix.planning import plan
from evalguard.knowledge.schema import WrongTable
from evalguard.options import Options
from evalguard.records import NamedTuple, replace
from evalguard.select import UnknownRule
from evalguard.source import Source, Unreadable, from_text, read, rewritten
from evalguard.suppress.baseline import BaselineError, compared
from evalguard.suppress.baseline import read as read_baseline
from evalguard.suppress.notices import UNUSED
from evalguard.suppress.writing import with_ignores, without_ignores

NOT_FIXED = "not fixed: the fix would leave it as it is, or bring another"


class Wishes(NamedTuple):
    """What the user has set outside of a project's configuration.

    ``given`` are settings by their names, which win over those of a file.
    """

    given: Mapping[str, object] = {}
    config: str | None = None
    isolated: bool = False


class NotMended(Exception):
    """A fix that was tried, and can't be made; why."""


class Bench:
    """Checks and mends one text; it is what ``mend`` works with.

    Args:
        path: Its file, which needn't exist.
        texts: Path → text as it is open, this one's among them.
        wishes: What the user has set.
    """

    def __init__(self, path: str, texts: Mapping[str, str], wishes: Wishes) -> None:
        self.path = path
        self._texts = texts
        self._wishes = wishes

    @cached_property
    def result(self) -> Result:
        """What is found; if it can't be checked, why."""
        try:
            return self._news(self._look(self._options, {}), {})
        except (ConfigError, Wrong, UnknownRule, WrongTable, BaselineError) as error:
            return self._failed(str(error))

    def text(self, path: str) -> str | None:
        """The text as it is checked; None for that of another file, which isn't mended."""
        try:
            return from_text(self._texts[path], path).text if path == self.path else None
        except Unreadable:
            return None

    def check(self, drafts: Mapping[str, str]) -> Result:
        """What all rules find if the file holds this text."""
        wanted = replace(self._options, select=(), ignore=(), warn_unused_ignores=False)
        return self._news(self._look(wanted, drafts), drafts)

    def can_mend(self, finding: Finding) -> bool:
        """Whether there is a fix to try."""
        text = self.text(self.path)
        return finding.fix is not None and text is not None and any(plan(text, [finding]))

    def mended(self, finding: Finding) -> str:
        """What the file holds without a finding.

        Raises:
            NotMended: Its fix doesn't do.
        """
        mended = mend(self, self._everything, lambda other: other == finding, unsafe=True)
        if not mended.drafts:
            raise NotMended(NOT_FIXED)
        return self._written(mended.drafts[self.path])

    def all_mended(self) -> str:
        """What the file holds once all that can be mended safely is, and idle comments are gone.

        Raises:
            NotMended: There is nothing of that kind.
        """
        rules = {finding.rule for finding in self.result.findings}
        mended = mend(self, self._everything, lambda each: each.rule in rules, unsafe=False)
        found = self._look(self._options, mended.drafts)
        idle = [finding for finding in found.findings if finding.code == UNUSED.code]
        if not (idle or mended.drafts):
            raise NotMended(NOT_FIXED)
        text = mended.drafts[self.path] if mended.drafts else self.text(self.path)
        return self._written(without_ignores(text or "", idle))

    def ignored(self, finding: Finding) -> str:
        """What the file holds with a comment against a finding.

        Raises:
            NotMended: There is no place for it.
        """
        return self._written(with_ignores(self.text(self.path) or "", [finding]))

    def without_comment(self, unused: Finding) -> str:
        """What the file holds without a comment that is of no use.

        Raises:
            NotMended: It can't be taken away.
        """
        return self._written(without_ignores(self.text(self.path) or "", [unused]))

    @cached_property
    def _everything(self) -> Result:
        return self.check({})

    @cached_property
    def _configuration(self) -> Configuration:
        given, config, isolated = self._wishes
        for name in given.keys() - keys().keys():
            raise Wrong(f"unknown setting `{name}` from the editor{hint(name, tuple(keys()))}")
        return configured((self.path,), given, config, isolated)

    @cached_property
    def _options(self) -> Options:
        """As for a check; what is excluded isn't checked though it is open."""
        return replace(self._configuration.options(), force_exclude=True)

    def _look(self, options: Options, drafts: Mapping[str, str]) -> Result:
        def reader(path: str) -> Source:
            if path in drafts:
                return from_text(self._drafted(drafts[path]), path)
            text = self._texts.get(path)
            return read(path) if text is None else from_text(text, path)

        if os.path.exists(self.path):
            return check_paths((self.path,), options, reader=reader)
        try:
            texts = {path: self._drafted(text) for path, text in drafts.items()}
        except Unreadable as error:
            return self._failed(error.reason)
        return check_texts(texts or {self.path: self._texts[self.path]}, options)

    def _failed(self, reason: str) -> Result:
        return Result((), (FileError(self.path, reason),), 0)

    def _news(self, result: Result, drafts: Mapping[str, str]) -> Result:
        """A result without what the project's baseline knows."""
        path = self._configuration.settings.baseline
        if not path:
            return result
        text = drafts[self.path] if drafts else self.text(self.path)
        lines = (text or "").split("\n")
        known, folder = read_baseline(path), os.path.dirname(os.path.abspath(path))
        news = compared(result.findings, known, folder, lambda _: lines).new
        return replace(result, findings=news)

    def _written(self, text: str) -> str:
        """The file's own text for a changed one."""
        try:
            return self._drafted(text)
        except Unreadable as error:
            raise NotMended(f"not changed: {error.reason}") from None

    def _drafted(self, text: str) -> str:
        try:
            return rewritten(self._texts[self.path], self.path, text)
        except ValueError as error:
            raise Unreadable(str(error)) from None
