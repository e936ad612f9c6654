"""Repairs of what a module class keeps: a layer made in the constructor, a container of modules."""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from evalguard.fix.expressions import is_method
from evalguard.fix.names import dotted, imports, local_names, reached
from evalguard.fix.tree import Function, Tree
from evalguard.places import Span
from evalguard.repair import Edit, Repair

Edits = tuple[Edit, ...]
Ways = Iterator[Edits]

INIT = "__init__"
_REPEATS = (cst.For, cst.While, cst.BaseComp, cst.Lambda)
_LIST_METHODS = frozenset(("append", "extend", "insert"))
_DICT_METHODS = frozenset(("items", "keys", "values", "pop", "update"))
_TAKES_ANY = frozenset(("enumerate", "len", "zip", "reversed", "iter", "list", "tuple"))


def make_once(tree: Tree, repair: Repair) -> Ways:
    """``nn.Dropout(p)(x)`` in ``forward`` → ``self.dropout(x)``, made in ``__init__``."""
    call = tree.find(cst.Call, repair.place.span)
    method = tree.function(call) if call is not None else None
    cls = _class(tree, method) if method is not None else None
    init = _init(cls) if cls is not None else None
    if call is None or method is None or cls is None or init is None:
        return
    me = method.params.params[0].name.value if method.params.params else ""
    if not is_method(tree, method, me) or not is_method(tree, init, me) or method is init:
        return
    if not _used_at_once(tree, call) or not _known_in(tree, init, method, call, me):
        return
    if repair.once and not _in_every_call(tree, method, call):
        return
    name = _free_name(tree, repair.subject.rpartition(".")[2])
    last = init.body.body[-1]
    line = f"{tree.indent(last)}{me}.{name} = {tree.code(call)}"
    if "\n" not in line:
        yield (tree.lines_after(tree.last_line(last), line), tree.replace(call, f"{me}.{name}"))


def _class(tree: Tree, method: Function) -> cst.ClassDef | None:
    around = list(tree.above(method))
    cls = around[1] if len(around) > 1 else None
    return cls if isinstance(cls, cst.ClassDef) else None


def _init(cls: cst.ClassDef) -> Function | None:
    """The constructor, if it calls the inherited one and comes to its end."""
    found = [
        item for item in cls.body.body if isinstance(item, Function) and item.name.value == INIT
    ]
    if len(found) != 1 or not isinstance(found[0].body, cst.IndentedBlock):
        return None
    lines = [item for item in found[0].body.body if isinstance(item, cst.SimpleStatementLine)]
    starts = [item for line in lines for item in line.body if _starts_base(item)]
    return found[0] if starts and not _leaves(found[0]) else None


def _starts_base(node: cst.CSTNode) -> bool:
    if not isinstance(node, cst.Expr) or not isinstance(node.value, cst.Call):
        return False
    func = node.value.func
    return isinstance(func, cst.Attribute) and func.attr.value == INIT


def _leaves(function: Function) -> bool:
    """Whether the end of a function may not be reached."""
    finder = _Leaving()
    function.body.visit(finder)
    return finder.found


class _Leaving(cst.CSTVisitor):
    """Looks for ``return`` and ``yield``; a ``raise`` only refuses arguments."""

    def __init__(self) -> None:
        super().__init__()
        self.found = False

    def visit_Return(self, node: cst.Return) -> None:  # noqa: N802 (named by libcst)
        self.found = True

    def visit_FunctionDef(self, node: cst.FunctionDef) -> bool:  # noqa: N802
        return False


def _used_at_once(tree: Tree, call: cst.Call) -> bool:
    """Whether the layer is called on the spot, or given a name."""
    parent = tree.parent(call)
    if isinstance(parent, cst.Call):
        return parent.func is call
    return isinstance(parent, cst.Assign) and len(parent.targets) == 1


def _in_every_call(tree: Tree, method: Function, call: cst.Call) -> bool:
    """Whether a layer is made exactly once in each pass, so that one can stand for all."""
    statement = tree.statement(call)
    if statement is None or tree.parent(statement) is not method.body:
        return False
    around = list(tree.above(call))
    return not any(isinstance(item, _REPEATS) for item in around[: around.index(method)])


def _known_in(tree: Tree, init: Function, method: Function, call: cst.Call, me: str) -> bool:
    """Whether all that the layer is made of is the same at the end of the constructor."""
    local = local_names(tree, method)
    hidden = local_names(tree, init) | {
        name
        for item in tree.above(method)
        if isinstance(item, Function)
        for name in local_names(tree, item)
    }
    set_there = {dotted(item.target) for item in tree.within(init, cst.AssignTarget)}
    for node in tree.within(call, cst.Name):
        parent = tree.parent(node)
        if isinstance(parent, cst.Arg) and parent.keyword is node:
            continue
        if isinstance(parent, cst.Attribute) and parent.attr is node:
            continue
        if node.value == me:
            if not isinstance(parent, cst.Attribute) or dotted(parent) not in set_there:
                return False
        elif node.value in local or node.value in hidden:
            return False
    return True


def _free_name(tree: Tree, kind: str) -> str:
    """A name for an attribute that nothing in the file has."""
    base = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", kind).lower()
    imported = {item.bound for item in imports(tree)}
    taken = {
        node.attr.value
        for node in tree.within(tree.module, cst.Attribute)
        if dotted(node).split(".")[0] not in imported
    }
    taken |= {node.name.value for node in tree.within(tree.module, Function)}
    numbered = (f"{base}_layer{number}" for number in range(2, 1000))
    return next(name for name in (base, f"{base}_layer", *numbered) if name not in taken)


def register(tree: Tree, repair: Repair) -> Ways:
    """``self.layers = [...]`` → ``self.layers = nn.ModuleList([...])``."""
    node = tree.find(cst.Assign, repair.place.span)
    if (
        node is None
        or len(node.targets) != 1
        or not isinstance(node.targets[0].target, cst.Attribute)
    ):
        return
    target = node.targets[0].target
    cls = next((item for item in tree.above(node) if isinstance(item, cst.ClassDef)), None)
    if cls is None or target.attr.value != repair.flag or not _is_container(node.value, repair):
        return
    if not all(_suits(tree, item, node, repair) for item in _uses(tree, cls, target)):
        return
    way = reached(tree, f"torch.{repair.subject}", tree.span(node).line)
    if way is None:
        return
    if _is_empty(node.value):
        yield (*way.imports, tree.replace(node.value, f"{way.text}()"))
        return
    span = tree.bracketed(node.value)
    start = Edit(Span(*span.start, *span.start), f"{way.text}(")
    yield (*way.imports, start, Edit(Span(*span.end, *span.end), ")"))


def _is_empty(node: cst.BaseExpression) -> bool:
    return isinstance(node, cst.List | cst.Dict) and not node.elements


def _is_container(node: cst.BaseExpression, repair: Repair) -> bool:
    """A display or comprehension; in a dict, all keys must be texts without dots."""
    if repair.subject.endswith("ModuleList"):
        if isinstance(node, cst.List | cst.Tuple):
            starred = any(isinstance(item, cst.StarredElement) for item in node.elements)
            return not starred and (isinstance(node, cst.List) or bool(node.lpar))
        return isinstance(node, cst.ListComp)
    if isinstance(node, cst.Dict):
        return bool(node.elements) and all(map(_has_plain_key, node.elements))
    return isinstance(node, cst.DictComp) and _is_plain_key(node.key)


def _has_plain_key(item: cst.BaseDictElement) -> bool:
    return isinstance(item, cst.DictElement) and _is_plain_key(item.key)


def _is_plain_key(key: cst.BaseExpression) -> bool:
    if isinstance(key, cst.FormattedString):
        parts = [part.value for part in key.parts if isinstance(part, cst.FormattedStringText)]
        return "." not in "".join(parts)
    return isinstance(key, cst.SimpleString) and "." not in key.value


def _uses(tree: Tree, cls: cst.ClassDef, target: cst.Attribute) -> Iterator[cst.Attribute]:
    """Where the attribute is used: by the class on its own objects, by others on any."""
    me = dotted(target.value)
    mine = set(tree.within(cls, cst.Attribute))
    for node in tree.within(tree.module, cst.Attribute):
        if node.attr.value == target.attr.value and (node in mine or dotted(node.value) != me):
            yield node


def _suits(tree: Tree, use: cst.Attribute, made: cst.Assign, repair: Repair) -> bool:
    """Whether a use of the container would do the same with PyTorch's."""
    parent = tree.parent(use)
    if isinstance(parent, cst.AssignTarget):
        return tree.parent(parent) is made
    is_list = repair.subject.endswith("ModuleList")
    if isinstance(parent, cst.Attribute):
        called = isinstance(tree.parent(parent), cst.Call)
        return called and parent.attr.value in (_LIST_METHODS if is_list else _DICT_METHODS)
    if isinstance(parent, cst.Subscript):
        return parent.value is use and _is_read(tree, parent)
    if isinstance(parent, cst.For | cst.CompFor):
        return parent.iter is use
    if isinstance(parent, cst.Arg):
        return _is_taken(tree, parent)
    return isinstance(parent, cst.ComparisonTarget) and not is_list


def _is_read(tree: Tree, item: cst.Subscript) -> bool:
    parent = tree.parent(item)
    return not isinstance(parent, cst.AssignTarget | cst.Del | cst.AugAssign)


def _is_taken(tree: Tree, arg: cst.Arg) -> bool:
    """Whether a function takes any iterable; ``nn.Sequential(*self.layers)`` does."""
    call = tree.parent(arg)
    if arg.star == "*":
        return True
    return isinstance(call, cst.Call) and dotted(call.func) in _TAKES_ANY
