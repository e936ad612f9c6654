"""What is found by a name that is a value, not one that is written."""

from __future__ import annotations

import ast

SPACES = frozenset(("globals", "vars"))
PLACES = {"getattr": 1, "eval": 0}  # of the name, among the arguments


def looks_up(node: ast.expr) -> bool:
    """Whether something is found by a name that isn't written here.

    ``getattr(owner, name)``, ``owner.__dict__[name]``, ``vars(owner)[name]``, ``eval(name)``.
    """
    if isinstance(node, ast.Subscript):
        of_owner = isinstance(node.value, ast.Attribute) and node.value.attr == "__dict__"
        return (of_owner or calls(node.value) in SPACES) and not is_string(node.slice)
    place = PLACES.get(calls(node))
    if place is None or not isinstance(node, ast.Call) or len(node.args) <= place:
        return False
    return not is_string(node.args[place])


def calls(node: ast.expr) -> str:
    """The name of the function that is called, if it has one."""
    by_name = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    return node.func.id if by_name else ""  # type: ignore[attr-defined]


def is_string(node: ast.expr) -> bool:
    """Whether a text is written here."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
