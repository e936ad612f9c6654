"""A function's text → what is repeated in it, by which names."""

from __future__ import annotations

from collections.abc import Iterator

from evalguard.events import Attr, Call, Comprehension, Expr, Function, Loop, Name
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
