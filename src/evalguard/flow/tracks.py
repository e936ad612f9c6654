"""What only a trace tells: where modes are set, and which calls aren't walked any more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from evalguard.facts import Origin
from evalguard.flow.classes import Known
from evalguard.places import Place
from evalguard.trace import Switched

BY_METHOD = (".eval(", ".train(")


class Tracks:
    """Collects them while the program is walked."""

    def __init__(self) -> None:
        self._switches: dict[Switched, None] = {}
        self._unfollowed: dict[tuple[Place, int], Known] = {}

    def switched(self, module: str, origins: Iterable[Origin]) -> None:
        """A module is switched.

        Args:
            module: What it is called where it was made.
            origins: What switches it.
        """
        for origin in origins:
            if origin.place is not None:
                self._switches[Switched(origin.place, _switched(origin) or module, origin)] = None

    def stopped(self, place: Place, known: Known) -> None:
        """A call isn't followed, though it might tell something."""
        self._unfollowed[(place, known.number)] = known

    def switches(self) -> tuple[Switched, ...]:
        """Where modes are set."""
        return tuple(self._switches)

    def unfollowed(self) -> Iterator[tuple[Place, Known]]:
        """The calls that weren't followed at least once, and what they call."""
        return ((place, known) for (place, _), known in self._unfollowed.items())


def _switched(origin: Origin) -> str:
    """What a switch names as its module, if it is a method of it."""
    names = [origin.text.rpartition(word)[0] for word in BY_METHOD]
    return next(filter(None, names), "")
