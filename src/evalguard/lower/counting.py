"""``a == b - 1`` and ``a + 1 == b`` → the two sides, and what is said of the last round."""

from __future__ import annotations

import ast
from typing import TypeGuard

LAST = "last"
SAID = {ast.Eq: LAST, ast.GtE: LAST, ast.NotEq: "not last", ast.Lt: "not last"}


def one_apart(node: ast.Compare) -> tuple[str, ast.expr, ast.expr] | None:
    """Whether a comparison asks if something is one less than another.

    Args:
        node: A comparison.

    Returns:
        What it says, and the lesser and the other; None if it asks something else.
    """
    said = SAID.get(type(node.ops[0])) if len(node.ops) == 1 else None
    if said is None:
        return None
    less, more = node.left, node.comparators[0]
    if _by_one(more, ast.Sub):
        more = more.left
    elif _by_one(less, ast.Add):
        less = less.left
    else:
        return None
    plain = isinstance(less, (ast.Name, ast.Attribute)) and not isinstance(more, ast.Constant)
    return (said, less, more) if plain else None


def _by_one(node: ast.expr, op: type[ast.operator]) -> TypeGuard[ast.BinOp]:
    """Whether one is added to something, or taken away."""
    return (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, op)
        and isinstance(node.right, ast.Constant)
        and node.right.value == 1
    )
