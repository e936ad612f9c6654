"""An evaluation → the statements around it that a switch or a ``no_grad`` may be for."""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from evalguard.fix.names import binds, dotted
from evalguard.fix.tree import Block, Function, Statement, Tree

STEPS = re.compile(r"backward|step|zero_grad|scale")
_TRAINS = re.compile(rf"{STEPS.pattern}|(\w*_)?(train|fit)(_\w*)?")


def places(
    tree: Tree, narrow: Statement, subject: str, over: tuple[type[Statement], ...] = (cst.For,)
) -> tuple[Statement, ...]:
    """The statements around an evaluation that may be prepared for it, the best first.

    Args:
        tree: The file.
        narrow: The statement that evaluates.
        subject: What the module is called.
        over: The kinds of statement that may be prepared as a whole.
    """
    whole = whole_choice(tree, narrow, subject)
    return tuple(dict.fromkeys((widest(tree, whole, subject, over), whole, narrow)))


def widest(
    tree: Tree, place: Statement, subject: str, over: tuple[type[Statement], ...]
) -> Statement:
    """The outermost statement of some kinds that does nothing but evaluate the module."""
    for outer in around(tree, place):
        is_part = isinstance(outer, over)
        if not is_part or binds(tree, outer, subject) or trains(tree, outer):
            return place
        if not isinstance(tree.parent(outer), Block):
            return place
        place = outer
    return place


def whole_choice(tree: Tree, place: Statement, subject: str) -> Statement:
    """The outermost ``if`` all of whose branches use the module, whatever its mode, untrained."""
    for outer in around(tree, place):
        if isinstance(tree.parent(outer), cst.If):
            continue
        if not isinstance(outer, cst.If) or binds(tree, outer, subject) or trains(tree, outer):
            return place
        by_mode = any(item.value == "training" for item in tree.within(outer, cst.Name))
        if by_mode or not all(_uses(tree, branch, subject) for branch in _branches(outer)):
            return place
        place = outer
    return place


def _branches(choice: cst.If) -> Iterator[cst.CSTNode | None]:
    """What an ``if`` may run; None for nothing."""
    yield choice.body
    rest = choice.orelse
    if isinstance(rest, cst.If):
        yield from _branches(rest)
    else:
        yield rest


def _uses(tree: Tree, node: cst.CSTNode | None, subject: str) -> bool:
    calls = tree.within(node, cst.Call) if node is not None else ()
    return any(subject in (*called(call), *given(call)) for call in calls)


def around(tree: Tree, statement: Statement) -> Iterator[Statement]:
    """The compound statements around a statement, within its function."""
    for item in tree.above(statement):
        if isinstance(item, Function | cst.ClassDef):
            return
        if isinstance(item, Statement):
            yield item


def trains(tree: Tree, node: cst.CSTNode, how: re.Pattern[str] = _TRAINS) -> bool:
    """Whether a node calls what has the name of something that trains."""
    return any(how.fullmatch(name) for name in called_names(tree, node))


def called_names(tree: Tree, node: cst.CSTNode) -> Iterator[str]:
    """The last names of what a node calls, in the order of the text."""
    calls = sorted(tree.within(node, cst.Call), key=tree.span)
    return (dotted(call.func).rpartition(".")[2] for call in calls)


def called(call: cst.Call) -> Iterator[str]:
    """What may be called there: ``net``, and ``net.encode``, which is a method or a part of it."""
    func = dotted(call.func)
    yield from (func, func.rpartition(".")[0])


def given(call: cst.Call) -> Iterator[str]:
    """What a call is given, as far as it has a dotted name."""
    return (dotted(arg.value) for arg in call.args)
