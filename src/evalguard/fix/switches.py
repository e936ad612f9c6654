"""Repairs that put a switch or a ``no_grad`` around an evaluation, or a switch into a loop."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile

import libcst as cst

from evalguard.fix.names import binds, dotted, reached
from evalguard.fix.tree import Block, Function, Statement, Tree, is_dotted
from evalguard.places import Span
from evalguard.repair import Edit, Repair

Edits = tuple[Edit, ...]
Ways = Iterator[Edits]
Loop = cst.For | cst.While

NO_GRAD = "torch.no_grad"
MOST_WRAPPED = 24  # lines that may be indented, so that a loop need not be entered each time
_STEPS = re.compile(r"backward|step|zero_grad|scale")
_TRAINS = re.compile(rf"{_STEPS.pattern}|(\w*_)?(train|fit)(_\w*)?")
_KEPT_OUT = (Function, cst.ClassDef, cst.Import, cst.ImportFrom, cst.Global, cst.Nonlocal)


def eval_before(tree: Tree, repair: Repair) -> Ways:
    """``net.eval()`` before the loop that evaluates, or before the call alone."""
    call = _call(tree, repair)
    narrow = tree.statement(call) if call is not None else None
    if call is None or narrow is None or _in_forward(tree, call):
        return
    wide = widest(tree, narrow, repair.subject)
    for place in dict.fromkeys((wide, narrow)):
        before = _switched(tree, place, repair.subject, "eval")
        if not any(_trains(tree, item) for item in _around(tree, place) if isinstance(item, Loop)):
            yield before
        elif not any(tree.within(place, cst.Return)) and not any(tree.within(place, cst.Yield)):
            line = f"{tree.indent(place)}{repair.subject}.train()"
            yield (*before, tree.lines_after(tree.last_line(place), line))


def train_before(tree: Tree, repair: Repair) -> Ways:
    """``net.train()`` before the loops that train."""
    call = _call(tree, repair)
    place = tree.statement(call) if call is not None else None
    if call is None or place is None or _in_forward(tree, call):
        return
    for outer in _around(tree, place):
        if not isinstance(outer, Loop | cst.With) or binds(tree, outer, repair.subject):
            break
        place = outer
    yield _switched(tree, place, repair.subject, "train")


def train_each_round(tree: Tree, repair: Repair) -> Ways:
    """``net.train()`` after the evaluation in the loop, at its top, or where training starts."""
    call = _call(tree, repair)
    if call is None or tree.statement(call) is None or _in_forward(tree, call):
        return
    loop, function = _loop(tree, call, repair), tree.function(call)
    if loop is not None and not binds(tree, loop, repair.subject):
        yield from _after_evaluation(tree, loop, repair)
        yield (*_moved(tree, loop, repair.subject), *_at_top(tree, loop.body, repair.subject))
    root = repair.subject.split(".")[0]
    if loop is None and function is not None and not binds(tree, function.body, root):
        yield _at_top(tree, function.body, repair.subject)


def _after_evaluation(tree: Tree, loop: cst.For | cst.While, repair: Repair) -> Ways:
    """At the end of the branch of the loop that leaves eval mode behind."""
    turns = [turn.span for turn in repair.turns if turn.path == repair.place.path]
    blocks = [block for turn in turns if (block := tree.block_at(turn)) is not None]
    inside = [block for block in blocks if any(item is loop for item in tree.above(block))]
    branches = [block for block in inside if isinstance(tree.parent(block), cst.If | cst.Else)]
    if len(branches) != 1 or len(inside) != 1:
        return
    last = branches[0].body[-1]
    ends = last.body[-1] if isinstance(last, cst.SimpleStatementLine) else last
    if not isinstance(ends, cst.Return | cst.Break | cst.Continue | cst.Raise):
        line = f"{tree.indent(last)}{repair.subject}.train()"
        yield (tree.lines_after(tree.last_line(last), line),)


def _call(tree: Tree, repair: Repair) -> cst.Call | None:
    """The call, if the module is called or handed over there by a name that can be repeated."""
    call = tree.find(cst.Call, repair.place.span)
    if call is None or not is_dotted(repair.subject):
        return None
    named = repair.subject in (*_called(call), *_given(call))
    return call if named and not _is_managed(tree, call, repair.subject) else None


def _given(call: cst.Call) -> Iterator[str]:
    return (dotted(arg.value) for arg in call.args)


def _is_managed(tree: Tree, call: cst.Call, subject: str) -> bool:
    """Whether a context manager around the call is given the module, perhaps to switch it."""
    items = (
        item for outer in tree.above(call) if isinstance(outer, cst.With) for item in outer.items
    )
    managers = (item.item for item in items if isinstance(item.item, cst.Call))
    return any(subject in _given(manager) for manager in managers)


def _called(call: cst.Call) -> Iterator[str]:
    """What may be called there: ``net``, and ``net.encode``, which is a method or a part of it."""
    func = dotted(call.func)
    yield from (func, func.rpartition(".")[0])


def _in_forward(tree: Tree, call: cst.Call) -> bool:
    """Whether a module calls another: a switch there would undo what the whole is told."""
    function = tree.function(call)
    return function is not None and function.name.value == "forward"


def _loop(tree: Tree, call: cst.Call, repair: Repair) -> cst.For | cst.While | None:
    """The loop that the repair is about, if it stands in the same function."""
    for item in tree.above(call):
        if isinstance(item, Function):
            return None
        if isinstance(item, Loop) and repair.loop is not None:
            same = repair.loop.path == repair.place.path
            if same and tree.span(item)[:2] == repair.loop.span[:2]:
                return item
    return None


def _around(tree: Tree, statement: Statement) -> Iterator[Statement]:
    """The compound statements around a statement, within its function."""
    for item in tree.above(statement):
        if isinstance(item, Function | cst.ClassDef):
            return
        if isinstance(item, Statement):
            yield item


def widest(tree: Tree, place: Statement, subject: str) -> Statement:
    """The outermost loop or ``with`` that does nothing but evaluate the module."""
    for outer in _around(tree, place):
        is_part = isinstance(outer, cst.For | cst.With)
        if not is_part or binds(tree, outer, subject) or _trains(tree, outer):
            return place
        if not isinstance(tree.parent(outer), Block):
            return place
        place = outer
    return place


def _trains(tree: Tree, node: cst.CSTNode, how: re.Pattern[str] = _TRAINS) -> bool:
    names = (dotted(call.func).rpartition(".")[2] for call in tree.within(node, cst.Call))
    return any(how.fullmatch(name) for name in names)


def _switched(tree: Tree, place: Statement, subject: str, name: str) -> Edits:
    """The switch on a line of its own, or in place of the opposite one shortly before."""
    opposite = _opposite(tree, place, subject, name)
    if opposite is not None:
        return (tree.replace(opposite, f"{subject}.{name}()"),)
    line = f"{tree.indent(place)}{subject}.{name}()"
    return (tree.lines_before(tree.first_line(place), line),)


def _opposite(tree: Tree, place: Statement, subject: str, name: str) -> cst.CSTNode | None:
    """A switch to the other mode that nothing has made use of before the place."""
    other = f"{subject}.{'train' if name == 'eval' else 'eval'}()"
    block = tree.block(place)
    index = next(number for number, item in enumerate(block) if item is place)
    for item in reversed(block[:index]):
        if tree.line(tree.first_line(item)).strip() == other:
            return item
        if not isinstance(item, cst.SimpleStatementLine) or _mentions(tree, item, subject):
            return None
    return None


def _mentions(tree: Tree, node: cst.CSTNode, subject: str) -> bool:
    root = subject.split(".", maxsplit=1)[0]
    return any(name.value == root for name in tree.within(node, cst.Name))


def _moved(tree: Tree, loop: Statement, subject: str) -> Edits:
    """Take a ``net.train()`` away that stands right before the loop it is to stand in."""
    previous = tree.before(loop)
    if previous is None or tree.code(previous) != f"{subject}.train()":
        return ()
    line = tree.span(previous).line
    if tree.line(line).strip() != f"{subject}.train()":
        return ()
    return (Edit(Span(line, 1, line + 1, 1), ""),)


def _at_top(tree: Tree, body: cst.BaseSuite, subject: str) -> Edits:
    """The switch as the first statement of a block, after a docstring and ``global``."""
    if not isinstance(body, cst.IndentedBlock):
        return ()
    heads = sum(1 for _ in takewhile(_is_head, body.body))
    first = body.body[min(heads, len(body.body) - 1)]
    line = tree.first_line(first)
    if not heads:
        line -= len(getattr(first, "leading_lines", ()))
    return (tree.lines_before(line, f"{tree.indent(first)}{subject}.train()"),)


def _is_head(node: cst.CSTNode) -> bool:
    if not isinstance(node, cst.SimpleStatementLine):
        return False
    first = node.body[0]
    is_text = isinstance(first, cst.Expr) and isinstance(
        first.value, cst.SimpleString | cst.ConcatenatedString
    )
    return is_text or isinstance(first, cst.Global | cst.Nonlocal)


def no_grad_around(tree: Tree, repair: Repair) -> Ways:
    """The evaluation in a ``with torch.no_grad():``."""
    narrow = _evaluation(tree, repair)
    if narrow is None:
        return
    wide = widest(tree, narrow, repair.subject.split(".")[0])
    small = tree.last_line(wide) - tree.first_line(wide) < MOST_WRAPPED
    for place in dict.fromkeys((wide, narrow) if small else (narrow,)):
        yield from _wrapped(tree, place)


def _evaluation(tree: Tree, repair: Repair) -> Statement | None:
    """The statement that calls the module itself; a function on the way may train for others."""
    call = tree.find(cst.Call, repair.place.span)
    found = call is not None and repair.subject in (*_called(call), tree.code(call.func))
    return tree.statement(call) if call is not None and found else None


def no_grad_throughout(tree: Tree, repair: Repair) -> Ways:
    """A function with several evaluations as a whole: ``@torch.no_grad()`` before its ``def``."""
    narrow = _evaluation(tree, repair)
    function = tree.function_at(repair.place.span)
    if narrow is None:
        return
    if function is not None and not function.asynchronous and not _trains(tree, function, _STEPS):
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
    if not rest or any(_trains(tree, item) or _defines(item) for item in rest):
        return
    context = tree.code(node.value)
    context = context if isinstance(node.value, cst.Call) else f"{context}()"
    yield (tree.replace(node, f"with {context}:"), *_indented(tree, rest))


def _defines(item: cst.CSTNode) -> bool:
    parts = item.body if isinstance(item, cst.SimpleStatementLine) else (item,)
    return any(isinstance(part, _KEPT_OUT) for part in parts)


def _wrapped(tree: Tree, place: Statement) -> Ways:
    """A statement under ``no_grad``, with what is under it right after, if anything is."""
    line = tree.first_line(place)
    indented = _indented(tree, [place])
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


def _next(tree: Tree, place: Statement) -> cst.With | None:
    """A ``with torch.no_grad():`` on the very next line."""
    block = tree.block(place)
    index = next(number for number, item in enumerate(block) if item is place)
    following = block[index + 1] if index + 1 < len(block) else None
    if not isinstance(following, cst.With) or len(following.items) != 1:
        return None
    head, line = tree.line(tree.last_line(place) + 1).strip(), tree.span(following).line
    switch = rf"with ({NO_GRAD}|no_grad)\(\):"
    adjacent = line == tree.last_line(place) + 1 and re.fullmatch(switch, head)
    return following if adjacent else None


def _indented(tree: Tree, statements: Sequence[cst.CSTNode]) -> Edits:
    """One more step of indentation for each line, but for those within strings."""
    step = tree.module.default_indent
    lines = range(tree.first_line(statements[0]), tree.last_line(statements[-1]) + 1)
    fixed = set(_in_strings(tree, statements))
    return tuple(
        Edit(Span(line, 1, line, 1), step)
        for line in lines
        if tree.line(line).strip() and line not in fixed
    )


def _in_strings(tree: Tree, statements: Sequence[cst.CSTNode]) -> Iterator[int]:
    """The lines that begin within a string."""
    for statement in statements:
        for node in tree.nodes(statement):
            if isinstance(node, cst.SimpleString | cst.FormattedString | cst.TemplatedString):
                span = tree.span(node)
                yield from range(span.line + 1, span.end_line + 1)
