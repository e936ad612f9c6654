"""Expressions as text, for people."""

from __future__ import annotations

from evalguard.events import Attr, Call, Const, Expr, Item, Name


def show(node: Expr) -> str:
    """Write an expression as a person would name it, shortened where it is long."""
    if isinstance(node, Name):
        return node.id
    if isinstance(node, Attr):
        return f"{show(node.value)}.{node.name}"
    if isinstance(node, Const):
        return repr(node.value)
    if isinstance(node, Call):
        return f"{show(node.func)}({'...' if node.args or node.keywords else ''})"
    if isinstance(node, Item):
        return f"{show(node.value)}[{show(node.key)}]"
    return "..."
