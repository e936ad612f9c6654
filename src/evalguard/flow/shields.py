"""A function's text, and what it is passed → what it comes to.

That is the contexts around all that it may return, the switches of its own object, and what else of
it is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from evalguard.events import (
    Bind,
    Block,
    Call,
    Compare,
    Const,
    Define,
    Display,
    Do,
    Expr,
    Function,
    If,
    Jump,
    Loop,
    Name,
    Raise,
    Return,
    Stmt,
    Try,
    With,
)
from evalguard.flow.results import OWN
from evalguard.link.blocks import inner_blocks, size_of
from evalguard.link.mentions import dotted_in

Around = tuple[With, ...]


def returned_within(function: Function, given: Mapping[str, object]) -> list[Around]:
    """The ``with`` statements in which each value is made that the function may return.

    Args:
        function: It.
        given: Its parameters of which it is known what is passed: constants.
    """
    reading = _Reading(given)
    reading.block(function.body, ())
    return reading.returned


def switched(method: Function, given: Mapping[str, object]) -> frozenset[str]:
    """The switches of its own object that a method comes to: ``train``, ``eval``.

    Args:
        method: It.
        given: Its parameters of which it is known what is passed: constants.
    """
    calls = [stmt.value for stmt in _reached(method.body, given) if isinstance(stmt, Do)]
    funcs = [call.func for call in calls if isinstance(call, Call)]
    return frozenset([switch.name for switch in OWN if switch in funcs])


def chosen(method: Function, given: Mapping[str, object]) -> bool:
    """Whether what is passed rules out some of a method's statements.

    Args:
        method: It.
        given: Its parameters of which it is known what is passed: constants.
    """
    return bool(given) and len(list(_reached(method.body, given))) < size_of(method.body)


def read_of_self(method: Function, given: Mapping[str, object]) -> frozenset[str] | None:
    """What a method reads of its own object, if it isn't handed on as a whole.

    Args:
        method: It.
        given: Its parameters of which it is known what is passed: constants.
    """
    me = method.params[0].name if method.params else ""
    found: set[str] = set()
    for stmt in _reached(method.body, given):
        if isinstance(stmt, Define):
            return None
        for dotted in dotted_in(_head(stmt)):
            first, *rest = dotted.split(".")
            if first == "super" or (first == me and not rest):
                return None
            found.update(rest[:1] if first == me else ())
    return frozenset(found)


def _head(stmt: Stmt) -> object:
    """A statement without the blocks in it."""
    if isinstance(stmt, If):
        return stmt.test
    if isinstance(stmt, Loop):
        return (stmt.target, stmt.iterable, stmt.test)
    if isinstance(stmt, With):
        return stmt.items
    return () if isinstance(stmt, Try) else stmt


def _reached(block: Block, given: Mapping[str, object]) -> Iterator[Stmt]:
    """The statements of a block that a test of what is passed doesn't rule out."""
    for stmt in block:
        yield stmt
        holds = _holds(stmt.test, given) if isinstance(stmt, If) else None
        if isinstance(stmt, If) and holds is not None:
            taken = stmt.body if holds else stmt.orelse
            yield from _reached(taken, given)
            if taken and isinstance(taken[-1], (Return, Raise)):
                return
        else:
            for inner in inner_blocks(stmt):
                yield from _reached(inner, given)


class _Reading:
    """Goes through a function; ``made`` tells where its variables were bound last."""

    def __init__(self, given: Mapping[str, object]) -> None:
        self.given = dict(given)
        self.made: dict[str, Around] = {}
        self.returned: list[Around] = []

    def block(self, block: Block, around: Around) -> bool:
        """Read a block; whether its end may be reached."""
        return all(self._goes_on(stmt, around) for stmt in block)

    def _goes_on(self, stmt: Stmt, around: Around) -> bool:
        if isinstance(stmt, Return):
            self.returned += [self._within(value, around) for value in _values(stmt.value)]
            return False
        if isinstance(stmt, (Raise, Jump)):
            return False
        if isinstance(stmt, Bind):
            self._bind(stmt, around)
            return True
        if isinstance(stmt, With):
            return self.block(stmt.body, (*around, stmt))
        if isinstance(stmt, If):
            return self._branches(stmt, around)
        for inner in inner_blocks(stmt):
            self._either(inner, around)
        return True

    def _branches(self, stmt: If, around: Around) -> bool:
        holds = _holds(stmt.test, self.given)
        if holds is not None:
            return self.block(stmt.body if holds else stmt.orelse, around)
        ends = [self._either(stmt.body, around), self._either(stmt.orelse, around)]
        return any(ends)

    def _either(self, block: Block, around: Around) -> bool:
        """Read a block that may be passed by."""
        before = dict(self.made)
        goes_on = self.block(block, around)
        after = self.made if goes_on else before
        self.made = {
            name: where if before.get(name, where) == where else ()
            for name, where in {**before, **after}.items()
        }
        return goes_on

    def _bind(self, stmt: Bind, around: Around) -> None:
        for target in stmt.targets:
            for node in target.items if isinstance(target, Display) else (target,):
                if isinstance(node, Name):
                    self.made[node.id] = () if stmt.augmented else around
                    self.given.pop(node.id, None)

    def _within(self, value: Expr, around: Around) -> Around:
        return self.made.get(value.id, around) if isinstance(value, Name) else around


def _holds(test: Expr, given: Mapping[str, object]) -> bool | None:
    """Whether a test of what is passed holds, if known."""
    if isinstance(test, Name) and test.id in given:
        return bool(given[test.id])
    if not isinstance(test, Compare) or test.op not in ("==", "!=", "is", "is not"):
        return None
    if not isinstance(test.left, Name) or not isinstance(test.right, Const):
        return None
    if test.left.id not in given:
        return None
    return (given[test.left.id] == test.right.value) == (test.op in ("==", "is"))


def _values(node: Expr) -> tuple[Expr, ...]:
    """What is returned, one by one; constants depend on nothing."""
    each = node.items if isinstance(node, Display) else (node,)
    return tuple([value for value in each if not isinstance(value, Const)])
