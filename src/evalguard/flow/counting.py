"""Loops that count their rounds: what tells that a round is the last one."""

from __future__ import annotations

from evalguard.events import Call, Compare, Const, Display, Expr, Loop, Name
from evalguard.flow.atoms import Key
from evalguard.flow.state import State
from evalguard.records import NamedTuple

LAST = "last"


class Counter(NamedTuple):
    """What a loop counts by, how many rounds there are, and what it goes through beside that."""

    name: str
    rounds: Expr
    beside: Expr | None = None


def counter(loop: Loop) -> Counter | None:
    """What a loop over a ``range`` that begins with 0, or an ``enumerate``, counts by."""
    over, target = loop.iterable, loop.target
    if not isinstance(over, Call) or over.keywords or not over.args:
        return None
    if over.func == Name("range") and isinstance(target, Name):
        from_zero = len(over.args) == 1 or over.args[:-1] == (Const(0),)
        return Counter(target.id, over.args[-1]) if from_zero else None
    if over.func == Name("enumerate") and isinstance(target, Display) and len(over.args) == 1:
        first = target.items[0] if target.items else None
        rounds = Call(Name("len"), over.args, (), over.at)
        beside = target.items[1] if len(target.items) == 2 else None
        return Counter(first.id, rounds, beside) if isinstance(first, Name) else None
    return None


def counted(loop: Loop) -> Name | None:
    """What a loop counts by, if that is above zero in all its rounds but the first."""
    over, target = loop.iterable, loop.target
    if not isinstance(over, Call) or over.keywords or not 0 < len(over.args) < 3:
        return None
    if over.func == Name("enumerate") and isinstance(target, Display) and target.items:
        target = target.items[0]
    elif over.func != Name("range"):
        return None
    first = over.args[0] if over.func == Name("range") else over.args[-1]
    negative = isinstance(first, Const) and isinstance(first.value, int) and first.value < 0
    return target if isinstance(target, Name) and not negative else None


def above_zero(op: str, bound: object) -> bool | None:
    """What a comparison with a number tells of a whole one above zero."""
    if not isinstance(bound, (int, float)):
        return None
    least = {">": 0, ">=": 1}.get(op)
    if least is not None:
        return True if bound <= least else None
    most = {"==": 0, "is": 0, "<=": 0, "<": 1}.get(op)
    return False if most is not None and bound <= most else None


def asks_last(node: Compare, known: Counter | None) -> bool:
    """Whether a comparison asks if a counter is at the last round of its loop."""
    return known is not None and node.left == Name(known.name) and _alike(node.right, known.rounds)


def _alike(one: Expr, other: Expr) -> bool:
    """Whether two expressions are written alike, wherever they stand."""
    if isinstance(one, Call) and isinstance(other, Call):
        written = len(one.args) == len(other.args) and not one.keywords and not other.keywords
        inside = zip((one.func, *one.args), (other.func, *other.args), strict=False)
        return written and all(_alike(mine, theirs) for mine, theirs in inside)
    return type(one) is type(other) and one == other


def going_on(key: Key, ends: list[State]) -> list[State]:
    """The states that another round begins with: not those of the last one."""
    rest = [end for end in ends if end.assume.get(key) is not True]
    for end in rest:
        end.assume.pop(key, None)
    return rest


def finished(key: Key, ends: list[State]) -> list[State]:
    """The states that a loop ends in: those of the last round, if it is told apart."""
    if any(end.assume.get(key) is True for end in ends):
        ends = [end for end in ends if end.assume.get(key) is not False]
    for end in ends:
        end.assume.pop(key, None)
    return ends
