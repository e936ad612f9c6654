"""A file's text → the functions that it calls only where gradients are off."""

from __future__ import annotations

from collections.abc import Callable

from evalguard.events import Attr, Block, Call, Expr, Name, With
from evalguard.link.blocks import functions, statements


def sheltered(body: Block, turns_off: Callable[[Expr], bool]) -> frozenset[str]:
    """The names by which functions and methods are called under ``no_grad``, and nowhere else.

    Args:
        body: The file's statements.
        turns_off: Whether a context manager turns gradients off.
    """
    if not any(_turns_off(block, turns_off) for block in _blocks(body)):
        return frozenset()
    inside, outside = set[str](), set[str]()
    todo: list[tuple[tuple[object, ...], bool]] = [(body, False)]
    while todo:
        node, off = todo.pop()
        if isinstance(node, With):
            todo.append((node.items, off))
            todo.append((node.body, off or any(turns_off(item) for item, _ in node.items)))
            continue
        if isinstance(node, Call) and isinstance(node.func, (Name, Attr)):
            name = node.func.name if isinstance(node.func, Attr) else node.func.id
            (inside if off else outside).add(name)
        todo += [(part, off) for part in node if isinstance(part, tuple)]
    return frozenset(inside - outside)


def _blocks(body: Block) -> list[Block]:
    return [body, *[function.body for function in functions(body)]]


def _turns_off(block: Block, turns_off: Callable[[Expr], bool]) -> bool:
    """Whether gradients are off somewhere in a block."""
    found = [stmt for stmt in statements(block) if isinstance(stmt, With)]
    return any(turns_off(item) for stmt in found for item, _ in stmt.items)
