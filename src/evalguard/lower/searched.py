"""``sys.path.append(...)`` and its like → the folders that imports are searched in besides.

A folder is told by the strings in the expression, joined by ``/``: ``os.path.join(HERE, "lib")``
is ``lib``. Where there are none (``os.path.dirname(HERE)``) it is the empty string: some folder
above the file. A function that puts what it is given there tells nothing, but its calls do.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

ADDING = frozenset(("append", "insert", "extend", "addsitedir"))
PATHS = frozenset((("sys", "path"), ("site", "addsitedir")))
DEEPEST = 8


def folders(tree: ast.Module, text: str) -> frozenset[str]:
    """The folders that a file puts on the path."""
    if "sys.path" not in text and "addsitedir" not in text:
        return frozenset()
    nodes = list(ast.walk(tree))
    bound = {
        target.id: node.value
        for node in nodes
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    added = [value for node in nodes for value in _added(node)]
    passed = _passed(nodes)
    put = [found for value in added for found in passed.get(id(value), [value])]
    return frozenset(_folder(value, bound) for value in put)


def _passed(nodes: list[ast.AST]) -> dict[int, list[ast.expr]]:
    """Parameters that functions put on the path, by where they do → what calls pass for them."""
    passed: dict[int, list[ast.expr]] = {}
    for function in nodes:
        if isinstance(function, ast.FunctionDef):
            names = [arg.arg for arg in function.args.args]
            for value in (value for node in ast.walk(function) for value in _added(node)):
                if isinstance(value, ast.Name) and value.id in names:
                    found = _arguments(nodes, function.name, names.index(value.id), value.id)
                    if found:
                        passed[id(value)] = found
    return passed


def _arguments(nodes: list[ast.AST], function: str, index: int, name: str) -> list[ast.expr]:
    """What calls of a function pass for one of its parameters."""
    found: list[ast.expr] = []
    for call in nodes:
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            continue
        if call.func.id == function:
            found += call.args[index : index + 1]
            found += [word.value for word in call.keywords if word.arg == name]
    return found


def _added(node: ast.AST) -> Iterator[ast.expr]:
    """The expressions that a statement or call puts on the path."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr in ADDING and node.args and _is_path(node.func):
            yield from _each(node.args[-1])
    elif isinstance(node, ast.AugAssign) and _is_path(node.target):
        yield from _each(node.value)


def _is_path(node: ast.AST) -> bool:
    return any(
        isinstance(inner, ast.Attribute)
        and isinstance(inner.value, ast.Name)
        and (inner.value.id, inner.attr) in PATHS
        for inner in ast.walk(node)
    )


def _each(node: ast.expr) -> list[ast.expr]:
    return node.elts if isinstance(node, (ast.List, ast.Tuple)) else [node]


def _folder(node: ast.expr, bound: dict[str, ast.expr]) -> str:
    parts = [part for text in _strings(node, bound, 0) for part in text.split("/")]
    return "/".join([part for part in parts if part not in ("", ".", "..")])


def _strings(node: ast.AST, bound: dict[str, ast.expr], depth: int) -> Iterator[str]:
    """The strings in an expression, in order, those in the variables that it names among them."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            yield node.value
    elif isinstance(node, ast.Name):
        if node.id in bound and depth < DEEPEST:
            yield from _strings(bound[node.id], bound, depth + 1)
    else:
        for child in ast.iter_child_nodes(node):
            yield from _strings(child, bound, depth)
