"""The table of aliases → the one spelling of a dotted name that the other tables use."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from evalguard.knowledge.table import matches

_REWRITES = 4  # an alias may lead to another; real chains are two or three long


class Aliases:
    """Rewrites of names: a key that ends in ``.`` is a prefix, another a whole name."""

    def __init__(self, entries: Mapping[str, Mapping[str, object]]) -> None:
        self._exact = {key: str(entry["to"]) for key, entry in entries.items() if key[-1] != "."}
        self._prefixes: dict[str, list[tuple[list[str], str]]] = {}
        for key in sorted(entries, key=_specific, reverse=True):
            if key[-1] == ".":
                parts = key[:-1].split(".")
                rewrite = (parts, str(entries[key]["to"]))
                self._prefixes.setdefault(parts[0], []).append(rewrite)
        self._packages = set(self._prefixes) | {key.partition(".")[0] for key in self._exact}
        self.resolve = lru_cache(maxsize=None)(self._resolve)

    def _resolve(self, name: str) -> str:
        for _ in range(_REWRITES):
            if name.partition(".")[0] not in self._packages:
                return name
            rewritten = self._rewritten(name)
            if rewritten == name:
                return name
            name = rewritten
        return name

    def _rewritten(self, name: str) -> str:
        if name in self._exact:
            return self._exact[name]
        parts = name.split(".")
        for prefix, to in self._prefixes.get(parts[0], ()):
            size = len(prefix)
            if len(parts) > size and matches(prefix, parts[:size]):
                return to + ".".join(parts[size:])
        return name


def _specific(key: str) -> tuple[int, int, str]:
    return (key.count("."), -key.count("*"), key)
