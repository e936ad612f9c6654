"""What was checked before → its results, as long as nothing has changed that they depend on.

Two things are kept for each set of paths that is checked. The result of the whole run holds while
no file has another size or another time of change; then no file is even opened. The results of
programs hold while the contents of their files do: so after a change only the program that it is
in is looked at again. All of it is JSON, checked as it is read: a cache that is broken, or from
somewhere else, is as good as none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from evalguard.cache.codec import Foreign, decoded, encoded
from evalguard.cache.keys import Key, digest, salt
from evalguard.cache.store import Store
from evalguard.finding import Result

if TYPE_CHECKING:
    from evalguard.cache.parts import Parts, Split
    from evalguard.options import Options
    from evalguard.programs import Files

__all__ = ["Cache", "Store"]

UNREAD = ("can't be read", "can't be listed")


class Cache:
    """What is known of a run.

    Args:
        store: Where that is kept; if it is None, nothing ever is known.
        paths: The files and directories given.
        options: What to report.
        asked: The files that they stand for.
        nearby: Those around them.
        told: What else the result depends on.
    """

    def __init__(
        self,
        store: Store | None,
        paths: Sequence[str],
        options: Options,
        asked: Sequence[str],
        nearby: Sequence[str],
        told: object,
    ) -> None:
        self._store = store
        self._files = (*asked, *nearby)
        self._asked = len(asked)
        self._whole = True
        self._parts: Parts | None = None
        if store is not None:
            self._key = Key.of(self._files)
            self._salt = salt(options)
            self._told = told
            self._name = digest(self._salt, [*paths])
            self._run = digest(self._name, self._key.stats, told)

    def result(self) -> Result | None:
        """The result of the run, if it is known."""
        found = self._store.load(f"run-{self._name}") if self._store else None
        if type(found) is not list or len(found) != 2 or found[0] != self._run:
            return None
        try:
            return decoded(found[1])
        except Foreign:
            return None

    def programs(self, split: Split) -> list[Files]:
        """The programs of the run; ``split`` makes them, given what a look at each file shows."""
        if self._store is None:
            from evalguard.programs.glance import glance

            return split({path: glance(path) for path in self._files})
        from evalguard.cache.parts import Parts

        plain = self._store.load(f"parts-{self._name}")
        self._parts = Parts(plain, self._key, self._asked, self._salt)
        return self._parts.programs(split, self._told)

    def known(self, files: Files) -> Result | None:
        """The result of one of the programs, if it is known."""
        return self._parts.known(files) if self._parts else None

    def keep(self, files: Files, result: Result, whole: bool) -> None:
        """Note what one of the programs tells, if that is the ``whole`` of it."""
        kept = self._parts.keep(files, result) if whole and self._parts else whole
        self._whole = self._whole and kept

    def close(self, result: Result) -> None:
        """Keep what is known now for the next run."""
        if self._store and self._parts:
            self._store.save(f"parts-{self._name}", self._parts.plain())
        if self._store and self._whole and self._key.settled and not _is_passing(result):
            self._store.save(f"run-{self._name}", [self._run, encoded(result)])


def _is_passing(result: Result) -> bool:
    """Whether a file couldn't be opened, which may be otherwise next time."""
    return any(error.reason.startswith(UNREAD) for error in result.errors)
