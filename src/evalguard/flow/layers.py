"""A map whose copies share what they have in common: branches are cheap to take and join."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class _Gone:
    """Marks a key that was removed."""


GONE: Final = _Gone()
NOTHING: Final[dict[Any, Any]] = {}  # on top of every map that nothing was set in yet


class _Layer(Generic[K, V]):
    """Entries that several maps share, over older ones."""

    __slots__ = ("entries", "under")

    def __init__(self, entries: dict[K, V | _Gone], under: _Layer[K, V] | None) -> None:
        below: _Layer[K, V] | None = under
        while below is not None and len(below.entries) <= 4 * len(entries):
            entries = {**below.entries, **entries}
            below = below.under
        self.entries: dict[K, V | _Gone] = entries
        self.under: _Layer[K, V] | None = below


class Layers(Generic[K, V]):
    """A mutable map; ``copy`` and ``differences`` cost what was changed, not what is held.

    Each layer is more than four times as large as the one above it, so that a look-up passes few.

    Args:
        written: The keys that any map of a family ever had, which it shares: most that is looked
            up is nowhere among them.
    """

    __slots__ = ("_told", "_top", "_under", "_written")

    def __init__(self, written: set[K] | None = None) -> None:
        self._top: dict[K, V | _Gone] = NOTHING
        self._under: _Layer[K, V] | None = None
        self._written: set[K] = set() if written is None else written
        self._told: _Layer[K, V] | None = None

    def copy(self) -> Layers[K, V]:
        """An independent copy."""
        self._settle()
        new: Layers[K, V] = Layers(self._written)
        new._under, new._told = self._under, self._told
        return new

    def _settle(self) -> None:
        if self._top:
            self._under = _Layer(self._top, self._under)
            self._top = NOTHING

    def get(self, key: K) -> V | None:
        """The value of a key; None if it has none."""
        if key not in self._written:
            return None
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
        self._set(key, value)
        self._written.add(key)

    def _set(self, key: K, value: V | _Gone) -> None:
        if self._top is NOTHING:
            self._top = {}
        self._top[key] = value

    def __contains__(self, key: K) -> bool:
        return self.get(key) is not None

    def pop(self, key: K) -> V | None:
        """Remove a key; what it held."""
        value = self.get(key)
        if value is not None:
            self._set(key, GONE)
        return value

    def news(self) -> dict[K, V]:
        """What was set since this was last asked of this map, or of one that it is a copy of.

        More than that, where layers were put together meanwhile.
        """
        self._settle()
        chain, under = [], self._under
        while under is not None and under is not self._told:
            chain.append(under.entries)
            under = under.under
        self._told = self._under
        seen: dict[K, V | _Gone] = {}
        for entries in reversed(chain):
            seen.update(entries)
        return {key: value for key, value in seen.items() if value is not GONE}  # type: ignore[misc]

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

    def differences(self, other: Layers[K, V]) -> list[tuple[K, V | None, V | None]]:
        """The keys on which two maps differ, with both values."""
        base = self._shared(other)
        mine, theirs = self._since(base), other._since(base)
        found: list[tuple[K, V | None, V | None]] = []
        for key, value in mine.items():
            another = theirs.get(key)
            if another is None:
                another = _below(base, key)
            if value is not another and value != another:
                found.append((key, _held(value), _held(another)))
        for key, value in theirs.items():
            if key not in mine:
                old = _below(base, key)
                if old is not value and old != value:
                    found.append((key, _held(old), _held(value)))
        return found

    def _shared(self, other: Layers[K, V]) -> _Layer[K, V] | None:
        """The topmost layer that both maps have."""
        mine: set[int] = set()
        under = self._under
        while under is not None:
            mine.add(id(under))
            under = under.under
        under = other._under
        while under is not None and id(under) not in mine:
            under = under.under
        return under

    def _since(self, base: _Layer[K, V] | None) -> dict[K, V | _Gone]:
        """What was set above a layer."""
        chain = [self._top]
        under = self._under
        while under is not base:
            assert under is not None
            chain.append(under.entries)
            under = under.under
        if len(chain) == 1:
            return self._top
        found: dict[K, V | _Gone] = {}
        for entries in reversed(chain):
            found.update(entries)
        return found


def _below(layer: _Layer[K, V] | None, key: K) -> V | _Gone:
    under = layer
    while under is not None:
        value = under.entries.get(key)
        if value is not None:
            return value
        under = under.under
    return GONE


def _held(value: V | _Gone) -> V | None:
    return None if value is GONE else value  # type: ignore[return-value]
