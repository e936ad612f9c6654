"""A function's text → what is repeated in it, by which names."""

from __future__ import annotations

from collections.abc import Iterator

from evalguard.events import Attr, Bind, Call, Clause, Comprehension, Expr, Function, Loop, Name
from evalguard.places import Span


def repeated_for(function: Function, at: Span) -> list[str]:
    """The names that tell how often a call is repeated, as in ``for _ in range(n_samples)``.

    Args:
        function: The function that it stands in.
        at: Its span.
    """
    return [
        name
        for node in parts_of(function.body)
        for counted in _counted(node)
        if any(getattr(part, "at", None) == at for part in parts_of(node))
        for name in _names(counted)
    ]


def drawn_anew(function: Function, call: Call) -> bool:
    """Whether a call gets the same input in each round of a counted loop: only chance differs."""
    given = {*_names(call.args[0])} if call.args else set()
    rounds = [
        node
        for node in parts_of(function.body)
        if _counted(node) and any(part == call for part in parts_of(node))
    ]
    return bool(given) and any(given.isdisjoint(_bound(node)) for node in rounds)


def _bound(node: object) -> set[str]:
    """The names that are set in a loop or comprehension."""
    return {
        name
        for part in parts_of(node)
        if isinstance(part, (Loop, Clause, Bind))
        for target in (part.targets if isinstance(part, Bind) else (part.target,))
        for name in _names(target)
    }


def _counted(node: object) -> list[Call]:
    """The ranges that a loop or a comprehension goes through."""
    over: list[Expr | None] = []
    if isinstance(node, Loop):
        over = [node.iterable]
    elif isinstance(node, Comprehension):
        over = [clause.iterable for clause in node.clauses]
    return [item for item in over if isinstance(item, Call) and item.func == Name("range")]


def _names(node: object) -> Iterator[str]:
    for part in parts_of(node):
        if isinstance(part, (Name, Attr)):
            yield part.id if isinstance(part, Name) else part.name


def parts_of(node: object) -> Iterator[object]:
    """A statement or expression and all that is in it."""
    yield node
    if isinstance(node, tuple):
        for part in node:
            yield from parts_of(part)
