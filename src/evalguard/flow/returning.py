"""What a function returns, by its text alone."""

from __future__ import annotations

from evalguard.events import (
    NONE,
    Bind,
    Call,
    Const,
    Define,
    Display,
    Do,
    Expr,
    Function,
    Name,
    Return,
    Stmt,
    Try,
    With,
)
from evalguard.link.blocks import statements


def works_out(function: Function) -> bool:
    """Whether a function does nothing but work out what it returns, by the looks of it.

    Args:
        function: It.
    """
    found = list(statements(function.body))
    returns = [stmt for stmt in found if isinstance(stmt, Return) and stmt.value != NONE]
    return bool(returns) and not any(map(_does_more, found))


def makes_leaf(function: Function) -> bool:
    """Whether all that a function returns is a tensor that it makes with ``requires_grad=True``."""
    found = list(statements(function.body))
    made = {
        target
        for stmt in found
        if isinstance(stmt, Bind) and _is_leaf(stmt.value)
        for target in stmt.targets
        if isinstance(target, Name)
    }
    returned = [stmt.value for stmt in found if isinstance(stmt, Return)]
    return bool(returned) and all(value in made or _is_leaf(value) for value in returned)


def _is_leaf(value: Expr | None) -> bool:
    return isinstance(value, Call) and ("requires_grad", Const(True)) in value.keywords


def _does_more(stmt: Stmt) -> bool:
    """Whether a statement does something beside binding variables of its function."""
    if isinstance(stmt, Bind):
        return not all(isinstance(node, (Name, Display)) for node in stmt.targets)
    calls = isinstance(stmt, Do) and isinstance(stmt.value, Call)
    return calls or isinstance(stmt, (With, Try, Define))
