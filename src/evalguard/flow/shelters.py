"""A file's text → the functions that it calls only where gradients are off."""

from __future__ import annotations

from collections.abc import Callable

from evalguard.events import Attr, Block, Call, Expr, Name, With


def sheltered(body: Block, turns_off: Callable[[Expr], bool]) -> frozenset[str]:
    """The names by which functions and methods are called under ``no_grad``, and nowhere else.

    Args:
        body: The file's statements.
        turns_off: Whether a context manager turns gradients off.
    """
    inside, outside = set[str](), set[str]()
    todo: list[tuple[object, bool]] = [(body, False)]
    while todo:
        node, off = todo.pop()
        if isinstance(node, With):
            todo.append((node.items, off))
            todo.append((node.body, off or any(turns_off(item) for item, _ in node.items)))
            continue
        if isinstance(node, Call) and isinstance(node.func, (Name, Attr)):
            name = node.func.name if isinstance(node.func, Attr) else node.func.id
            (inside if off else outside).add(name)
        if isinstance(node, tuple):
            todo += [(part, off) for part in node]
    return frozenset(inside - outside)
