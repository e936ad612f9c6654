"""A function's text → the contexts around all that it may return, for what it is passed."""

from __future__ import annotations

from collections.abc import Mapping

from evalguard.events import (
    Bind,
    Block,
    Compare,
    Const,
    Display,
    Expr,
    Function,
    If,
    Jump,
    Name,
    Raise,
    Return,
    Stmt,
    With,
)
from evalguard.link.blocks import inner_blocks

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
        holds = self._holds(stmt.test)
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

    def _holds(self, test: Expr) -> bool | None:
        """Whether a test of what is passed holds, if known."""
        if isinstance(test, Name) and test.id in self.given:
            return bool(self.given[test.id])
        if not isinstance(test, Compare) or test.op not in ("==", "!=", "is", "is not"):
            return None
        if not isinstance(test.left, Name) or not isinstance(test.right, Const):
            return None
        if test.left.id not in self.given:
            return None
        return (self.given[test.left.id] == test.right.value) == (test.op in ("==", "is"))


def _values(node: Expr) -> tuple[Expr, ...]:
    """What is returned, one by one; constants depend on nothing."""
    each = node.items if isinstance(node, Display) else (node,)
    return tuple([value for value in each if not isinstance(value, Const)])
