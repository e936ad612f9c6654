"""Repairs within one expression or statement: calls, flags, switches, returns."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from evalguard.fix.names import dotted, local_names
from evalguard.fix.tree import Function, Node, Tree
from evalguard.places import Span
from evalguard.repair import Edit, Repair

Edits = tuple[Edit, ...]
Ways = Iterator[Edits]

SWITCHES = ("eval", "train")
_MODES = {"False": "eval()", "0": "eval()", "True": "train()", "1": "train()"}
_LOOSE = (cst.IfExp, cst.Lambda, cst.NamedExpr)


def add_call(tree: Tree, repair: Repair) -> Ways:
    """``net.eval`` → ``net.eval()``, also in ``with torch.no_grad:``."""
    span = repair.place.span
    if repair.subject:
        statement = tree.find(cst.With, span)
        items = statement.items if statement is not None else ()
        nodes: list[cst.CSTNode] = [
            item.item for item in items if dotted(item.item) == repair.subject
        ]
    else:
        found = tree.find(cst.Expr, span)
        nodes = [found.value] if found is not None and _is_switch(found.value) else []
    if len(nodes) == 1:
        yield (tree.after(nodes[0], "()"),)


def _is_switch(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.Attribute) and node.attr.value in SWITCHES and not node.lpar


def drop_argument(tree: Tree, repair: Repair) -> Ways:
    """``net.eval(True)`` → ``net.eval()``, unless the exception may be what a ``try`` is for."""
    call = tree.find(cst.Call, repair.place.span)
    if call is None or len(call.args) != 1 or not _is_eval(call) or _is_tried(tree, call):
        return
    arg = call.args[0]
    start, end = tree.bracketed(call.func), tree.span(call)
    behind = Span(*start.end, *end.end)
    comments = tree.within(call, cst.Comment)
    if not arg.star and dotted(arg.value) == "True" and not any(True for _ in comments):
        yield (Edit(behind, "()"),)


def _is_eval(call: cst.Call) -> bool:
    return isinstance(call.func, cst.Attribute) and call.func.attr.value == "eval"


def _is_tried(tree: Tree, node: cst.CSTNode) -> bool:
    around = (item for item in tree.above(node) if isinstance(item, cst.Try | Function))
    return isinstance(next(around, None), cst.Try)


def switch_whole(tree: Tree, repair: Repair) -> Ways:
    """``net.training = False`` → ``net.eval()``."""
    node = tree.find(cst.Assign, repair.place.span)
    if node is None or len(node.targets) != 1 or not isinstance(node.value, cst.Name | cst.Integer):
        return
    target = node.targets[0].target
    call = _MODES.get(node.value.value)
    if isinstance(target, cst.Attribute) and target.attr.value == "training" and call:
        yield (tree.replace(node, f"{tree.code(target.value)}.{call}"),)


def flag_by_mode(tree: Tree, repair: Repair) -> Ways:
    """``F.dropout(x, p)`` → ``F.dropout(x, p, training=self.training)``."""
    call = _call_of_method(tree, repair)
    if call is None:
        return
    mode = f"{repair.subject}.training"
    given = _argument(call, repair)
    if given is not None:
        yield (tree.replace(given.value, mode),)
    elif not any(arg.star for arg in call.args):
        yield _added(tree, call, f"{repair.flag}={mode}")


def scale_by_mode(tree: Tree, repair: Repair) -> Ways:
    """``dropout_p=p`` → ``dropout_p=p if self.training else 0.0``."""
    call = _call_of_method(tree, repair)
    given = _argument(call, repair) if call is not None else None
    if given is None:
        return
    rate = tree.code(given.value)
    rate = f"({rate})" if isinstance(given.value, _LOOSE) and not given.value.lpar else rate
    yield (tree.replace(given.value, f"{rate} if {repair.subject}.training else 0.0"),)


def _call_of_method(tree: Tree, repair: Repair) -> cst.Call | None:
    """The call, if its method's first parameter is at hand there."""
    call = tree.find(cst.Call, repair.place.span)
    functions = [item for item in tree.above(call) if isinstance(item, Function)] if call else []
    if not functions or not is_method(tree, functions[-1], repair.subject):
        return None
    inner = (name for item in functions[:-1] for name in local_names(tree, item))
    return None if repair.subject in inner else call


def is_method(tree: Tree, function: Function, me: str) -> bool:
    """Whether a function stands in a class, is bound to its objects and calls them so."""
    in_class = any(isinstance(item, cst.ClassDef) for item in tree.above(function))
    kinds = {dotted(item.decorator) for item in function.decorators}
    params = (*function.params.posonly_params, *function.params.params)
    bound = bool(params) and params[0].name.value == me
    return in_class and bound and not kinds & {"staticmethod", "classmethod"}


def _argument(call: cst.Call, repair: Repair) -> cst.Arg | None:
    """The flag as it is passed, by name or by position."""
    for arg in call.args:
        if arg.keyword is not None and arg.keyword.value == repair.flag:
            return arg
    plain = [arg for arg in call.args if arg.keyword is None]
    if repair.position is None or len(plain) <= repair.position or any(arg.star for arg in plain):
        return None
    return plain[repair.position]


def _added(tree: Tree, call: cst.Call, text: str) -> Edits:
    """One more argument, on a line of its own where the last one has one."""
    if not call.args:
        end = tree.span(call)
        column = end.end_column - 1
        return (Edit(Span(end.end_line, column, end.end_line, column), text),)
    last = call.args[-1]
    comma = last.comma if isinstance(last.comma, cst.Comma) else None
    if not _has_own_line(tree, last, comma):
        return (tree.after(comma, f" {text}") if comma else tree.after(last, f", {text}"),)
    line = f"{_blanks(tree.line(tree.span(last).line))}{text}{',' if comma else ''}"
    below = tree.lines_after(tree.span(comma or last).end_line, line)
    return (below,) if comma else (tree.after(last, ","), below)


def _has_own_line(tree: Tree, arg: cst.Arg, comma: cst.Comma | None) -> bool:
    """Whether nothing else but a comment stands on an argument's lines."""
    start, end = tree.span(arg), tree.span(comma or arg)
    after = tree.line(end.end_line)[end.end_column - 1 :].lstrip()
    alone = len(_blanks(tree.line(start.line))) == start.column - 1
    return alone and (not after or after.startswith("#"))


def _blanks(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t\f"))]


def return_self(tree: Tree, repair: Repair) -> Ways:
    """End a method with ``return self``."""
    function = tree.starting(Function, repair.place.span)
    if function is None or not isinstance(function.body, cst.IndentedBlock):
        return
    params = (*function.params.posonly_params, *function.params.params)
    if not params or not is_method(tree, function, params[0].name.value):
        return
    me = params[0].name.value
    if not all(_gives(item, me) for item in _own(tree, function, cst.Return)):
        return
    if any(_own(tree, function, cst.Yield)):
        return
    note = _annotation(tree, function)
    last = function.body.body[-1]
    if note is not None:
        yield (*note, tree.lines_after(tree.last_line(last), f"{tree.indent(last)}return {me}"))


def _gives(node: cst.Return, name: str) -> bool:
    return node.value is not None and dotted(node.value) == name


def _own(tree: Tree, function: Function, kind: type[Node]) -> list[Node]:
    """Nodes of a function's own, without those of functions in it."""
    return [item for item in tree.within(function, kind) if tree.function(item) is function]


def _annotation(tree: Tree, function: Function) -> Edits | None:
    """What becomes of ``-> None``; None if that can't be told."""
    if function.returns is None or dotted(function.returns.annotation) != "None":
        return ()
    around = list(tree.above(function))
    cls = around[1] if len(around) == 3 else None
    if not isinstance(cls, cst.ClassDef):
        return None
    return (tree.replace(function.returns.annotation, f'"{cls.name.value}"'),)
