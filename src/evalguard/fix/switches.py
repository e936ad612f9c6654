"""Repairs that put a switch before an evaluation or training, or into a loop."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile

import libcst as cst

from evalguard.fix.around import STEPS, around, called, called_names, given, places, trains
from evalguard.fix.names import binds, is_text
from evalguard.fix.tree import Block, Function, Statement, Tree, is_dotted
from evalguard.places import Span
from evalguard.repair import Edit, Repair

Edits = tuple[Edit, ...]
Ways = Iterator[Edits]
Loop = cst.For | cst.While

_ENDS = re.compile(r"backward|step|scale")


def eval_before(tree: Tree, repair: Repair) -> Ways:
    """``net.eval()`` before the loop that evaluates, or before the call alone."""
    call = _call(tree, repair)
    narrow = tree.statement(call) if call is not None else None
    if call is None or narrow is None or _in_forward(tree, call) or _in_step(tree, narrow):
        return
    for place in places(tree, narrow, repair.subject, (cst.For, cst.With)):
        before = _switched(tree, place, repair.subject, "eval")
        if not any(trains(tree, item) for item in around(tree, place) if isinstance(item, Loop)):
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
    for outer in around(tree, place):
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
    named = repair.subject in (*called(call), *given(call))
    return call if named and not _is_managed(tree, call, repair.subject) else None


def _is_managed(tree: Tree, call: cst.Call, subject: str) -> bool:
    """Whether a context manager around the call is given the module, perhaps to switch it."""
    items = (
        item for outer in tree.above(call) if isinstance(outer, cst.With) for item in outer.items
    )
    managers = (item.item for item in items if isinstance(item.item, cst.Call))
    return any(subject in given(manager) for manager in managers)


def _in_forward(tree: Tree, call: cst.Call) -> bool:
    """Whether a module calls another: a switch there would undo what the whole is told."""
    function = tree.function(call)
    return function is not None and function.name.value == "forward"


def _in_step(tree: Tree, place: Statement) -> bool:
    """Whether a statement stands between ``zero_grad()`` and a backward pass or step."""
    for item in (place, *around(tree, place)):
        block = tree.block(item) if isinstance(tree.parent(item), Block) else ()
        at = next((number for number, each in enumerate(block) if each is item), 0)
        before = [name for each in block[:at] for name in called_names(tree, each)]
        steps = [name for name in before if STEPS.fullmatch(name)]
        if steps[-1:] == ["zero_grad"] and any(trains(tree, each, _ENDS) for each in block[at:]):
            return True
    return False


def _loop(tree: Tree, call: cst.Call, repair: Repair) -> cst.For | cst.While | None:
    """The loop that the repair is about, if it stands in the same function."""
    for item in tree.above(call):
        if isinstance(item, Function):
            return None
        if isinstance(item, Loop) and repair.loop is not None:
            same = repair.loop.path == repair.place.path
            if same and tree.span(item).start == repair.loop.span.start:
                return item
    return None


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
    return is_text(node.body[0]) or isinstance(node.body[0], cst.Global | cst.Nonlocal)
