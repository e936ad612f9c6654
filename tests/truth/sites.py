"""The nouns of the harness: where a module is called, what happened there, what is believed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Site(NamedTuple):
    """A call expression: its file, relative to the program's folder, and its span from 1."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int


class Via(NamedTuple):
    """One call on the way to a site: where it stands, and the function that it enters."""

    path: str
    line: int
    function: str


Chain = tuple[Via, ...]


@dataclass(slots=True)
class Happened:
    """One call of a module in one run.

    ``modes`` are those of the mode-sensitive layers beneath; if there are none, the module's own.
    ``sensitive`` is None if some layer could not be tried out. ``within`` another module's pass.
    ``graph``: its result has gradients; ``trained``: they were taken.
    """

    site: Site
    chain: Chain
    module: str
    modes: frozenset[str]
    sensitive: bool | None
    recording: bool
    graph: bool = False
    within: bool = False
    trained: bool = False


@dataclass(frozen=True, slots=True)
class Belief:
    """What evalguard says of a call; empty ``modes`` or ``grad`` say that it doesn't know.

    ``assumed`` beliefs hold if no caller out of view switches, and no call that wasn't followed.
    """

    site: Site
    chain: Chain = ()
    modes: frozenset[str] = field(default_factory=frozenset)
    mixed: bool = False
    assumed: bool = False
    sensitive: str = "unknown"
    grad: frozenset[str] = field(default_factory=frozenset)
    intent: str = "unknown"
