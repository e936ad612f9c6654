"""Arguments of a library call: where to find one, and what must be true of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from fnmatch import fnmatchcase
from typing import TypeVar

from evalguard.records import NamedTuple

T = TypeVar("T")


class Argued(Enum):
    """What can be said of an argument that has no constant value."""

    UNKNOWN = "unknown"
    ABSENT = "absent"


UNKNOWN = Argued.UNKNOWN
ABSENT = Argued.ABSENT
SPLATS = ("*", "**")


class Argument(NamedTuple):
    """A parameter of a library function, by name and position.

    Positions count from 0, without ``self``; None is a parameter that has no position. ``name``
    is ``self`` for the object whose method is called.
    """

    name: str
    position: int | None = None

    def find(self, positional: Sequence[T], keywords: Mapping[str, T]) -> T | Argued:
        """The argument as passed, ABSENT, or UNKNOWN if it may be in a ``*args``, ``**kwargs``.

        Args:
            positional: the positional arguments before any ``*args``.
            keywords: the keyword arguments; the key ``*`` or ``**`` says that there is a splat.

        Returns:
            What ``positional`` or ``keywords`` holds for it.
        """
        if self.name in keywords:
            return keywords[self.name]
        if self.position is not None and self.position < len(positional):
            return positional[self.position]
        return UNKNOWN if any(splat in keywords for splat in SPLATS) else ABSENT


class Condition(NamedTuple):
    """Something that must be true of an argument.

    ``test`` is ``equals``, ``above``, ``nonzero``, ``given`` or ``matches`` (``value`` is then a
    list of globs).

    ``default`` is the value that the parameter has if it isn't passed; ABSENT makes every
    condition on an argument that isn't passed false.
    """

    argument: Argument
    test: str
    value: object
    default: object = ABSENT

    def holds(self, positional: Sequence[object], keywords: Mapping[str, object]) -> bool | None:
        """Whether a call with these arguments meets it; None if that can't be known.

        Args:
            positional: constant values of the positional arguments, or UNKNOWN.
            keywords: constant values of the keyword arguments, or UNKNOWN.

        Returns:
            True, False, or None.
        """
        passed = self.argument.find(positional, keywords)
        if passed is UNKNOWN:
            return None
        if self.test == "given":
            return (passed is not ABSENT) == self.value
        value = self.default if passed is ABSENT else passed
        return False if value is ABSENT else _meets(self.test, value, self.value)


def _meets(test: str, value: object, limit: object) -> bool | None:
    if test == "equals":
        return value == limit
    if test == "nonzero":
        return bool(value) == limit
    if test == "matches" and isinstance(limit, list | tuple):
        return isinstance(value, str) and any(fnmatchcase(value, glob) for glob in limit)
    if isinstance(value, int | float) and isinstance(limit, int | float):
        return value > limit
    return None


def all_hold(
    conditions: Sequence[Condition], positional: Sequence[object], keywords: Mapping[str, object]
) -> bool | None:
    """Whether every condition holds: False if one doesn't, None if that can't be known."""
    answers = [condition.holds(positional, keywords) for condition in conditions]
    return False if False in answers else None if None in answers else True


def any_holds(
    conditions: Sequence[Condition], positional: Sequence[object], keywords: Mapping[str, object]
) -> bool | None:
    """Whether some condition holds: True if one does, None if that can't be known."""
    answers = [condition.holds(positional, keywords) for condition in conditions]
    return True if True in answers else None if None in answers else False
