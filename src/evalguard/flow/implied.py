"""What one comparison with constants tells of another one, of the same thing."""

from __future__ import annotations

from collections.abc import Mapping

from evalguard.flow.atoms import Key, Lit

# Whether a range holds its end, and whether it lies below it.
_BELOW: Mapping[object, tuple[bool, bool]] = {
    "<": (False, True),
    "<=": (True, True),
    ">": (False, False),
    ">=": (True, False),
}
COMPARED = frozenset[object](("is", "in", *_BELOW))


def implied(key: Key, other: Key, holds: bool) -> bool | None:
    """What a comparison (``is`` one, ``in`` several, ``<`` one, ...) tells of another.

    Args:
        key: The comparison that is asked for.
        other: One of the same subject.
        holds: Whether that one holds.

    Returns:
        Whether the first holds; None if nothing is told.
    """
    if key[0] not in _BELOW and other[0] not in _BELOW:
        return _of_choices(key, other, holds)
    if other[0] not in _BELOW:
        return _of_each(key, other) if holds else None
    if key[0] not in _BELOW:
        told = [_lies(chosen, other) for chosen in _choices(key)]
        return False if told and all(lies is (not holds) for lies in told) else None
    return _of_ranges(key, other, holds)


def _of_choices(key: Key, other: Key, holds: bool) -> bool | None:
    mine, theirs = _choices(key), _choices(other)
    if holds:
        return False if not mine & theirs else True if theirs <= mine else None
    return False if mine <= theirs else None


def _choices(key: Key) -> frozenset[object]:
    chosen = key[2]
    return (
        frozenset(chosen) if key[0] == "in" and isinstance(chosen, tuple) else frozenset((chosen,))
    )


def _of_each(key: Key, other: Key) -> bool | None:
    """Whether all that something may be lies in a range, or none of it."""
    told = {_lies(chosen, key) for chosen in _choices(other)}
    return told.pop() if len(told) == 1 else None


def _lies(chosen: object, key: Key) -> bool | None:
    """Whether a number lies in the range that a comparison stands for."""
    number, bound = _number(chosen), _number(key[2])
    if number is None or bound is None:
        return None
    closed, below = _BELOW[key[0]]
    return closed if number == bound else (number < bound) == below


def _of_ranges(key: Key, other: Key, holds: bool) -> bool | None:
    """What one range tells of another: one that holds it, or that it doesn't meet."""
    mine, theirs = _number(key[2]), _number(other[2])
    if mine is None or theirs is None:
        return None
    (my_end, my_side), (their_end, their_side) = _BELOW[key[0]], _BELOW[other[0]]
    if not holds:
        their_end, their_side = not their_end, not their_side
    if my_side == their_side:
        further = mine > theirs if my_side else mine < theirs
        return True if further or (mine == theirs and (my_end or not their_end)) else None
    apart = mine < theirs if my_side else mine > theirs
    return False if apart or (mine == theirs and not (my_end and their_end)) else None


def _number(atom: object) -> float | None:
    value = atom.value if isinstance(atom, Lit) else None
    return float(value) if isinstance(value, (int, float)) else None
