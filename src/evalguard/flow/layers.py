"""A map whose copies share what they have in common: branches are cheap to take and join."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class _Gone:
    """Marks a key that was removed."""


GONE: Final = _Gone()


class _Layer(Generic[K, V]):
    """Entries that several maps share, over older ones."""

    __slots__ = ("entries", "under")

    def __init__(self, entries: dict[K, V | _Gone], under: _Layer[K, V] | None) -> None:
        below: _Layer[K, V] | None = under
        while below is not None and len(below.entries) <= 2 * len(entries):
            entries = {**below.entries, **entries}
            below = below.under
        self.entries: dict[K, V | _Gone] = entries
        self.under: _Layer[K, V] | None = below


class Layers(Generic[K, V]):
    """A mutable map; ``copy`` and ``differences`` cost what was changed, not what is held.

    Each layer is more than twice as large as the one above it, so that a look-up passes few.
    """

    __slots__ = ("_top", "_under")

    def __init__(self) -> None:
        self._top: dict[K, V | _Gone] = {}
        self._under: _Layer[K, V] | None = None

    def copy(self) -> Layers[K, V]:
        """An independent copy."""
        if self._top:
            self._under = _Layer(self._top, self._under)
            self._top = {}
        new: Layers[K, V] = Layers()
        new._under = self._under
        return new

    def get(self, key: K) -> V | None:
        """The value of a key; None if it has none."""
        entries = self._top
        under = self._under
        while True:
            value = entries.get(key)
            if value is not None:
                return None if value is GONE else value  # type: ignore[return-value]
            if under is None:
                return None
            entries, under = under.entries, under.under

    def __setitem__(self, key: K, value: V) -> None:
        self._top[key] = value

    def __contains__(self, key: K) -> bool:
        return self.get(key) is not None

    def pop(self, key: K) -> V | None:
        """Remove a key; what it held."""
        value = self.get(key)
        if value is not None:
            self._top[key] = GONE
        return value

    def items(self) -> Iterator[tuple[K, V]]:
        """All keys and values."""
        seen: dict[K, V | _Gone] = {}
        chain = [self._top]
        under = self._under
        while under is not None:
            chain.append(under.entries)
            under = under.under
        for entries in reversed(chain):
            seen.update(entries)
        for key, value in seen.items():
            if value is not GONE:
                yield key, value  # type: ignore[misc]

    def differences(self, other: Layers[K, V]) -> Iterator[tuple[K, V | None, V | None]]:
        """The keys on which two maps differ, with both values."""
        for key in self._changed(other):
            mine, theirs = self.get(key), other.get(key)
            if mine is not theirs and mine != theirs:
                yield key, mine, theirs

    def _changed(self, other: Layers[K, V]) -> dict[K, None]:
        mine: list[_Layer[K, V]] = []
        under = self._under
        while under is not None:
            mine.append(under)
            under = under.under
        keys: dict[K, None] = dict.fromkeys(self._top)
        keys.update(dict.fromkeys(other._top))
        ours = {id(layer): index for index, layer in enumerate(mine)}
        common = len(mine)
        under = other._under
        while under is not None:
            if id(under) in ours:
                common = ours[id(under)]
                break
            keys.update(dict.fromkeys(under.entries))
            under = under.under
        for layer in mine[:common]:
            keys.update(dict.fromkeys(layer.entries))
        return keys
