"""Names in a ``Tree``: which are bound where, and how the file writes one of PyTorch's."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from evalguard.fix.tree import Function, Tree
from evalguard.records import NamedTuple
from evalguard.repair import Edit

TORCH = "torch"
CHECKED_ONLY = "TYPE_CHECKING"


class Reached(NamedTuple):
    """How a name is written, and the import that has to be added for it, if any."""

    text: str
    imports: tuple[Edit, ...] = ()


class _Imported(NamedTuple):
    bound: str
    name: str
    line: int
    top: bool


def dotted(node: cst.CSTNode | None) -> str:
    """A name or attribute as text; empty for anything else."""
    if isinstance(node, cst.Name):
        return node.value
    if isinstance(node, cst.Attribute) and (left := dotted(node.value)):
        return f"{left}.{node.attr.value}"
    return ""


def binds(tree: Tree, node: cst.CSTNode, text: str) -> bool:
    """Whether a node assigns a dotted name, or what a part of it stands for."""
    parts = text.split(".")
    prefixes = {".".join(parts[: end + 1]) for end in range(len(parts))}
    return any(dotted(target) in prefixes for target in _targets(tree, node))


def _targets(tree: Tree, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    for item in tree.nodes(node):
        if isinstance(
            item, cst.AssignTarget | cst.AnnAssign | cst.AugAssign | cst.For | cst.CompFor
        ):
            yield from _unpacked(tree, item.target)
        elif isinstance(item, cst.NamedExpr):
            yield item.target
        elif isinstance(item, cst.AsName):
            yield from _unpacked(tree, item.name)
        elif isinstance(item, cst.Del):
            yield from _unpacked(tree, item.target)
        elif isinstance(item, cst.ImportAlias):
            yield cst.Name(_bound(item))
        elif isinstance(item, Function | cst.ClassDef):
            yield item.name
        elif isinstance(item, cst.Global | cst.Nonlocal):
            yield from (name.name for name in item.names)


def _unpacked(tree: Tree, target: cst.CSTNode) -> Iterator[cst.CSTNode]:
    if isinstance(target, cst.Tuple | cst.List):
        for element in target.elements:
            yield from _unpacked(tree, element.value)
    else:
        yield target


def is_handed_over(tree: Tree, function: Function) -> bool:
    """Whether a function, or one that calls it, gives something back and is an argument of a call.

    Functions are told by their names, within the file.
    """
    names: set[str] = set()
    todo = [function]
    while todo:
        current = todo.pop()
        if current.name.value in names or not any(map(_returns, tree.within(current, cst.Return))):
            continue
        names.add(current.name.value)
        for call in tree.within(tree.module, cst.Call):
            if any(_last(arg.value) == current.name.value for arg in call.args):
                return True
            outer = tree.function(call)
            if outer is not None and _last(call.func) == current.name.value:
                todo.append(outer)
    return False


def _returns(node: cst.Return) -> bool:
    return node.value is not None


def _last(node: cst.CSTNode) -> str:
    return dotted(node).rpartition(".")[2]


def local_names(tree: Tree, function: Function) -> set[str]:
    """The names that a function binds itself, those of its nested functions included."""
    params = {param.name.value for param in tree.within(function, cst.Param)}
    bound = {dotted(target) for target in _targets(tree, function.body)}
    return params | bound


def reached(tree: Tree, name: str, line: int) -> Reached | None:
    """How a name of PyTorch's is written on a line; None if a name that is needed has two meanings.

    Args:
        tree: The file.
        name: Such as ``torch.nn.ModuleList``.
        line: Where it is to be written.
    """
    shadowed = _bound_otherwise(tree)
    known = [item for item in imports(tree) if item.line < line and item.bound not in shadowed]
    ways = [way for item in known if (way := _by(item, name))]
    if ways:
        return Reached(min(ways, key=len))
    taken = {item.bound for item in imports(tree)} | shadowed
    place = _import_line(tree)
    if TORCH in taken or place is None or place > line:
        return None
    return Reached(name, (tree.lines_before(place, f"import {TORCH}"),))


def _by(item: _Imported, name: str) -> str:
    if item.name == name:
        return item.bound
    return f"{item.bound}{name[len(item.name) :]}" if name.startswith(f"{item.name}.") else ""


def imports(tree: Tree) -> Iterator[_Imported]:
    """The imports that hold for the whole file."""
    for node in tree.nodes(tree.module):
        if not isinstance(node, cst.Import | cst.ImportFrom) or tree.function(node) is not None:
            continue
        around = list(tree.above(node))
        if any(isinstance(item, cst.ClassDef) or _checked_only(tree, item) for item in around):
            continue
        line, top = tree.span(node).line, len(around) == 2
        yield from (_Imported(bound, name, line, top) for bound, name in _names(node))


def _checked_only(tree: Tree, node: cst.CSTNode) -> bool:
    return isinstance(node, cst.If) and CHECKED_ONLY in tree.code(node.test)


def _names(node: cst.Import | cst.ImportFrom) -> Iterator[tuple[str, str]]:
    if isinstance(node.names, cst.ImportStar) or (
        isinstance(node, cst.ImportFrom) and node.relative
    ):
        return
    base = f"{dotted(node.module)}." if isinstance(node, cst.ImportFrom) else ""
    for alias in node.names:
        whole = f"{base}{dotted(alias.name)}"
        bound = _bound(alias)
        yield bound, whole if base or alias.asname else bound


def _bound(alias: cst.ImportAlias) -> str:
    if alias.asname is not None:
        return dotted(alias.asname.name)
    return dotted(alias.name).split(".")[0]


def _bound_otherwise(tree: Tree) -> set[str]:
    """Names that something other than an import of the whole file binds, somewhere."""
    params = {param.name.value for param in tree.within(tree.module, cst.Param)}
    aliases = {
        _bound(alias)
        for alias in tree.within(tree.module, cst.ImportAlias)
        if tree.function(alias) is not None and not dotted(alias.name).startswith(TORCH)
    }
    plain = {
        dotted(target)
        for item in tree.nodes(tree.module)
        if isinstance(item, cst.AssignTarget | cst.For | cst.AnnAssign | Function | cst.ClassDef)
        for target in _targets_of(tree, item)
    }
    return params | aliases | plain


def _targets_of(tree: Tree, item: cst.CSTNode) -> Iterator[cst.CSTNode]:
    if isinstance(item, Function | cst.ClassDef):
        yield item.name
    elif isinstance(item, cst.AssignTarget | cst.For | cst.AnnAssign):
        yield from _unpacked(tree, item.target)


def _import_line(tree: Tree) -> int | None:
    """The line before which ``import torch`` belongs; None if a line there holds more than one."""
    lines = [
        item
        for item in tree.module.body
        if isinstance(item, cst.SimpleStatementLine)
        and isinstance(item.body[0], cst.Import | cst.ImportFrom)
        and not _is_future(item.body[0])
    ]
    kin = [item for item in lines if any(name.startswith(TORCH) for _, name in _of_line(item))]
    if kin or lines:
        first = kin[0] if kin else lines[0]
        return tree.span(first).line if kin else tree.first_line(first)
    first_code = next((item for item in tree.module.body if not _is_head(item)), None)
    return tree.first_line(first_code) if first_code is not None else None


def _of_line(line: cst.SimpleStatementLine) -> Iterator[tuple[str, str]]:
    for node in line.body:
        if isinstance(node, cst.Import | cst.ImportFrom):
            yield from _names(node)


def _is_future(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.ImportFrom) and dotted(node.module) == "__future__"


def _is_head(node: cst.CSTNode) -> bool:
    """A docstring, or an import from ``__future__``."""
    if not isinstance(node, cst.SimpleStatementLine):
        return False
    return is_text(node.body[0]) or _is_future(node.body[0])


def is_text(node: cst.CSTNode) -> bool:
    """Whether a statement is a string alone, as a docstring is."""
    return isinstance(node, cst.Expr) and isinstance(
        node.value, cst.SimpleString | cst.ConcatenatedString
    )
