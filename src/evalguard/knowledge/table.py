"""One table of names: exact names first, then the closest pattern, each answer remembered."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Generic, TypeVar

T = TypeVar("T")
_WILD = re.compile(r"\*|\[[^]]*\]")
Fields = Mapping[str, object]


class Table(Generic[T]):
    """Records by dotted name or pattern.

    In a pattern ``*`` stands for any characters within one part of a name, ``[A-Z]`` for one of
    those; a last part that is only ``*`` stands for the whole tail.
    """

    def __init__(self, entries: Mapping[str, Fields], build: Callable[[str, Fields], T]) -> None:
        self._entries = entries
        self._build = build
        self._answers: dict[str, T | None] = {}
        self._patterns = _by_package(name for name in entries if "*" in name)
        self._packages = {name.partition(".")[0] for name in entries}
        self._any = self._patterns.get("*", [])
        self._bare: dict[str, tuple[str, str]] | None = None

    def bare_names(self) -> set[str]:
        """The last parts of the names; of a pattern, the last that is spelled out."""
        return {bare for _, bare in self._named().values()}

    def every(self) -> list[T]:
        """All records."""
        return [known for name in self._entries if (known := self.get(name)) is not None]

    def by_bare_name(self, bare: str) -> T | None:
        """The first record whose name has this as its last part, or None."""
        named = self._named().items()
        return next((self.get(name) for name, (_, last) in named if last == bare), None)

    def by_package(self, keep: Callable[[Fields], bool] | None = None) -> dict[str, set[str]]:
        """The bare names of the records that count, by top-level package (``*``: any).

        Args:
            keep: Tells from its fields whether a record counts; all do without it.
        """
        found: dict[str, set[str]] = {}
        for name, (package, bare) in self._named().items():
            if keep is None or keep(self._entries[name]):
                found.setdefault(package, set()).add(bare)
        return found

    def _named(self) -> dict[str, tuple[str, str]]:
        """The top-level packages and bare names of the names that have any."""
        if self._bare is None:
            self._bare = {
                name: ("*" if "*" in package or not rest else package, bare)
                for name in self._entries
                if (bare := _bare(name))
                for package, _, rest in [name.partition(".")]
            }
        return self._bare

    def get(self, name: str) -> T | None:
        """The record for a name, or None."""
        if not self._any and name.partition(".")[0] not in self._packages:
            return None
        if name not in self._answers:
            self._answers[name] = self._find(name)
        return self._answers[name]

    def _find(self, name: str) -> T | None:
        key = name if name in self._entries else self._pattern(name)
        return None if key is None else self._build(key, self._entries[key])

    def _pattern(self, name: str) -> str | None:
        parts = name.split(".")
        for pattern in self._patterns.get(parts[0], []) + self._any:
            if matches(pattern.split("."), parts):
                return pattern
        return None


def _bare(name: str) -> str:
    if "*" not in name:
        return name.rpartition(".")[2]
    parts = [part for part in name.split(".") if "*" not in part]
    return parts[-1] if parts else ""


def _by_package(patterns: Iterable[str]) -> dict[str, list[str]]:
    """Patterns, those with most literal characters first, by top-level package (``*``: any)."""
    found: dict[str, list[str]] = {}
    for pattern in sorted(patterns, key=lambda each: (-_literal(each), each)):
        package = pattern.partition(".")[0]
        found.setdefault("*" if "*" in package else package, []).append(pattern)
    return found


def _literal(pattern: str) -> int:
    return len(_WILD.sub("", pattern))


def matches(pattern: list[str], parts: list[str]) -> bool:
    """Whether the parts of a name match those of a pattern."""
    tail = pattern[-1] == "*"
    if len(parts) != len(pattern) and not (tail and len(parts) > len(pattern)):
        return False
    return all(
        wanted == part or ("*" in wanted and fnmatchcase(part, wanted))
        for wanted, part in zip(pattern, parts, strict=False)
    )
