"""What stands in a block: statements, functions and classes, at any depth."""

from __future__ import annotations

from collections.abc import Iterator

from evalguard.events import (
    Block,
    Compare,
    Const,
    Define,
    DefineClass,
    Function,
    If,
    Loop,
    Name,
    Stmt,
    Try,
    With,
)


def statements(block: Block) -> Iterator[Stmt]:
    """Every statement of a block outside functions and classes, at any depth."""
    todo = [*reversed(block)]
    while todo:
        stmt = todo.pop()
        yield stmt
        for inner in reversed(inner_blocks(stmt)):
            todo.extend(reversed(inner))


def size_of(block: Block) -> int:
    """How many statements these are."""
    return sum(1 for _ in statements(block))


def functions(block: Block) -> Iterator[Function]:
    """Every function in a block, methods and nested ones too."""
    return (stmt.function for stmt in _defining(block) if isinstance(stmt, Define))


def _defining(block: Block) -> Iterator[Define | DefineClass]:
    """Every definition of a function or class in a block, at any depth."""
    for stmt in statements(block):
        if isinstance(stmt, Define):
            yield stmt
            if stmt.function.inner:
                yield from _defining(stmt.function.body)
        elif isinstance(stmt, DefineClass):
            yield stmt
            yield from _defining(stmt.cls.body)


def inner_blocks(stmt: object) -> tuple[Block, ...]:
    """The blocks of a statement, functions and classes aside."""
    if isinstance(stmt, (If, Loop)):
        return stmt.body, stmt.orelse
    if isinstance(stmt, Try):
        return stmt.body, stmt.orelse, stmt.final, *[body for _, body in stmt.handlers]
    if isinstance(stmt, With):
        return (stmt.body,)
    return ()


def is_main(stmt: Stmt) -> bool:
    """Whether a statement is ``if __name__ == "__main__":``."""
    test = stmt.test if isinstance(stmt, If) else None
    return (
        isinstance(test, Compare)
        and test.left == Name("__name__")
        and test.right == Const("__main__")
    )
