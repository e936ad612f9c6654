"""A program that shows something → a smaller one that still shows it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from copy import deepcopy

Shows = Callable[[str], bool]
Change = tuple[int, int, list[ast.stmt]]
Way = Callable[[ast.Module, int, str], Iterator[Change]]
BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")


def reduced(text: str, shows: Shows) -> str:
    """Take away statements, and what is around others, as long as the program still shows it.

    Args:
        text: The program.
        shows: Whether a program is one of those that are looked for.
    """
    tree, before = ast.parse(text), ""
    while before != ast.unparse(tree):
        before = ast.unparse(tree)
        for way in (_without, _inside):
            tree = _round(tree, way, shows)
    return ast.unparse(tree) + "\n"


def _round(tree: ast.Module, way: Way, shows: Shows) -> ast.Module:
    """Try every change of a kind once, each on what the ones before it have left."""
    number = 0
    while number < len(list(ast.walk(tree))):
        for field in BLOCKS:
            for start, end, instead in way(tree, number, field):
                smaller = _changed(tree, number, field, start, end, instead)
                if smaller is not None and _holds(smaller, shows):
                    tree = smaller
        number += 1
    return tree


def _holds(tree: ast.Module, shows: Shows) -> bool:
    try:
        return shows(ast.unparse(tree) + "\n")
    except Exception:  # noqa: BLE001 (a program with something missing may fail in any way)
        return False


def _without(tree: ast.Module, number: int, field: str) -> Iterator[Change]:
    """Stretches of a block, from the end, the long ones first."""
    count = len(_block(tree, number, field))
    width = count
    while width:
        for start in range(count - width, -1, -width):
            yield start, start + width, []
        width //= 2


def _inside(tree: ast.Module, number: int, field: str) -> Iterator[Change]:
    """A statement's own block in its place."""
    for index, stmt in reversed(list(enumerate(_block(tree, number, field)))):
        for inner in BLOCKS[:3]:
            if getattr(stmt, inner, None) and not isinstance(stmt, ast.ClassDef):
                yield index, index + 1, getattr(stmt, inner)


def _block(tree: ast.Module, number: int, field: str) -> list[ast.stmt]:
    """A block of a node; empty if it has none."""
    found = getattr(list(ast.walk(tree))[number], field, None)
    return found if isinstance(found, list) else []


def _changed(
    tree: ast.Module, number: int, field: str, start: int, end: int, instead: list[ast.stmt]
) -> ast.Module | None:
    """The program with something else in a stretch of a block, if that is there."""
    copy = deepcopy(tree)
    block = _block(copy, number, field)
    if not block[start:end] or any(isinstance(each, ast.AugAssign) for each in block[start:end]):
        return None  # what counts a loop's rounds must stay
    block[start:end] = deepcopy(instead)
    if not block and field == "body" and number:
        block.append(ast.Pass())
    return copy
