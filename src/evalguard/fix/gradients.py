"""Repairs that run an evaluation, a function or the rest of a block under ``no_grad``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import libcst as cst

from evalguard.fix.around import STEPS, called, places, trains
from evalguard.fix.names import is_handed_over, reached
from evalguard.fix.tree import Function, Statement, Tree
from evalguard.places import Span
from evalguard.repair import Edit, Repair

Edits = tuple[Edit, ...]
Ways = Iterator[Edits]

NO_GRAD = "torch.no_grad"
MOST_WRAPPED = 24  # lines that may be indented, so that a loop need not be entered each time
_SWITCHES_OFF = re.compile(r"no_?grad|inference_?mode", re.IGNORECASE)
_KEPT_OUT = (Function, cst.ClassDef, cst.Import, cst.ImportFrom, cst.Global, cst.Nonlocal)


def no_grad_around(tree: Tree, repair: Repair) -> Ways:
    """The evaluation in a ``with torch.no_grad():``."""
    narrow = _evaluation(tree, repair)
    if narrow is None:
        return
    for place in places(tree, narrow, repair.subject.split(".")[0]):
        if place is narrow or tree.last_line(place) - tree.first_line(place) < MOST_WRAPPED:
            yield from _wrapped(tree, place)


def _evaluation(tree: Tree, repair: Repair) -> Statement | None:
    """The statement that calls the module itself; a function on the way may train for others.

    None if a decorator of a function around it is named for what it does already, or if a function
    that returns what comes of it is handed to something that may take its gradients.
    """
    call = tree.find(cst.Call, repair.place.span)
    function = tree.function(call) if call is not None else None
    if call is not None and any(_is_off(tree, item) for item in tree.above(call)):
        return None
    if function is not None and is_handed_over(tree, function):
        return None
    found = call is not None and repair.subject in (*called(call), tree.code(call.func))
    return tree.statement(call) if call is not None and found else None


def _is_off(tree: Tree, node: cst.CSTNode) -> bool:
    decorators = node.decorators if isinstance(node, Function) else ()
    return any(_SWITCHES_OFF.search(tree.code(item.decorator)) for item in decorators)


def no_grad_throughout(tree: Tree, repair: Repair) -> Ways:
    """A function with several evaluations as a whole: ``@torch.no_grad()`` before its ``def``."""
    narrow = _evaluation(tree, repair)
    function = tree.function_at(repair.place.span)
    if narrow is None:
        return
    if function is not None and not function.asynchronous and not trains(tree, function, STEPS):
        line = tree.span(function).line
        way = reached(tree, NO_GRAD, line)
        if way is not None and function.name.value != "forward" and not _yields(tree, function):
            yield (*way.imports, tree.lines_before(line, f"{tree.indent_of(line)}@{way.text}()"))
    yield from no_grad_around(tree, repair)


def _yields(tree: Tree, function: Function) -> bool:
    return any(True for _ in tree.within(function, cst.Yield))


def no_grad_below(tree: Tree, repair: Repair) -> Ways:
    """A bare ``torch.no_grad()``, and what follows it in its block, as a ``with``."""
    node = tree.find(cst.Expr, repair.place.span)
    line = tree.statement(node) if node is not None else None
    if node is None or line is None:
        return
    block = tree.block(line)
    rest = block[next(place for place, item in enumerate(block) if item is line) + 1 :]
    if not rest or any(trains(tree, item) or _defines(item) for item in rest):
        return
    context = tree.code(node.value)
    context = context if isinstance(node.value, cst.Call) else f"{context}()"
    yield (tree.replace(node, f"with {context}:"), *_indented(tree, rest))


def _defines(item: cst.CSTNode) -> bool:
    parts = item.body if isinstance(item, cst.SimpleStatementLine) else (item,)
    return any(isinstance(part, _KEPT_OUT) for part in parts)


def _wrapped(tree: Tree, place: Statement) -> Ways:
    """A statement under ``no_grad``, joined with what is under it right before or after."""
    line = tree.first_line(place)
    indented = _indented(tree, [place])
    gap = _gap(tree, place)
    if gap is not None:
        step = _step(tree, place)
        yield (*(Edit(Span(number, 1, number, 1), step) for number in gap), *indented)
        return
    following = _next(tree, place)
    if following is not None:
        head = tree.line(tree.span(following).line)
        gone = Edit(Span(tree.span(following).line, 1, tree.span(following).line + 1, 1), "")
        yield (indented[0]._replace(text=f"{head}\n{indented[0].text}"), *indented[1:], gone)
        return
    way = reached(tree, NO_GRAD, line)
    if way is not None:
        head = f"{tree.indent(place)}with {way.text}():"
        first = indented[0]._replace(text=f"{head}\n{indented[0].text}")
        yield (*way.imports, first, *indented[1:])


def _gap(tree: Tree, place: Statement) -> range | None:
    """The lines of comments, or none, between a ``with torch.no_grad():`` and a statement."""
    previous = tree.before(place)
    if not isinstance(previous, cst.With) or not _is_no_grad(tree, previous):
        return None
    first = previous.body.body[0]
    same = tree.indent(first) == tree.indent(place) + _step(tree, place)
    gap = range(tree.last_line(previous) + 1, tree.first_line(place))
    comments = all(tree.line(number).startswith(f"{tree.indent(place)}#") for number in gap)
    return gap if same and comments else None


def _is_no_grad(tree: Tree, node: cst.With) -> bool:
    head = tree.line(tree.span(node).line).strip()
    return re.fullmatch(rf"with ({NO_GRAD}|no_grad)\(\):", head) is not None


def _next(tree: Tree, place: Statement) -> cst.With | None:
    """A ``with torch.no_grad():`` on the very next line."""
    block = tree.block(place)
    index = next(number for number, item in enumerate(block) if item is place)
    following = block[index + 1] if index + 1 < len(block) else None
    if not isinstance(following, cst.With) or len(following.items) != 1:
        return None
    adjacent = tree.span(following).line == tree.last_line(place) + 1
    return following if adjacent and _is_no_grad(tree, following) else None


def _indented(tree: Tree, statements: Sequence[cst.CSTNode]) -> Edits:
    """One more step of indentation for each line, but for those within strings."""
    step = _step(tree, statements[0])
    lines = range(tree.first_line(statements[0]), tree.last_line(statements[-1]) + 1)
    fixed = set(_in_strings(tree, statements))
    return tuple(
        Edit(Span(line, 1, line, 1), step)
        for line in lines
        if tree.line(line).strip() and line not in fixed
    )


def _step(tree: Tree, statement: cst.CSTNode) -> str:
    """What the block of a statement is indented by; on the top level, the file's own step."""
    block = tree.parent(statement)
    head = tree.parent(block) if isinstance(block, cst.IndentedBlock) else None
    outer = tree.indent(head) if head is not None else ""
    return tree.indent(statement).removeprefix(outer) or tree.module.default_indent


def _in_strings(tree: Tree, statements: Sequence[cst.CSTNode]) -> Iterator[int]:
    """The lines that begin within a string."""
    for statement in statements:
        for node in tree.nodes(statement):
            if isinstance(node, cst.SimpleString | cst.FormattedString | cst.TemplatedString):
                span = tree.span(node)
                yield from range(span.line + 1, span.end_line + 1)
