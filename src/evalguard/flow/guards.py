"""Whether a statement of a function is reached only once, by its text alone."""

from __future__ import annotations

from collections.abc import Iterator

from evalguard.events import Bind, Define, Expr, Function, If, Loop, Name, Return, Stmt, Try
from evalguard.places import Span


def is_guarded(function: Function, holder: Expr, at: Span) -> bool:
    """Whether something is put into a container of the object's only where it is missing.

    Args:
        function: A method.
        holder: The container.
        at: The span of the statement or call that puts it there.

    Returns:
        Whether a test of the object's attributes surrounds it, or leaves before it, or it mends
        what a look-up raised.
    """
    own = _own_names(function)
    if not any(_is_name(part, own) for part in _inside(holder)):
        return False
    for item in _inside(function.body):
        if isinstance(item, (If, Loop)) and any(_is_name(part, own) for part in _inside(item.test)):
            if _holds(item, at) or (isinstance(item, If) and item.at < at and _leaves(item)):
                return True
        elif isinstance(item, Try) and any(_holds(handler, at) for handler in item.handlers):
            return True
    return False


def comes_each_time(function: Function, stmt: Stmt) -> bool:
    """Whether a statement of a function is reached whatever happens, by its text alone."""
    if stmt not in function.body:
        return False
    return not any(
        isinstance(earlier, If) and _leaves(earlier)
        for earlier in function.body[: function.body.index(stmt)]
    )


def _own_names(function: Function) -> set[str]:
    """The object's name, and those of what is looked up in it."""
    own = {function.params[0].name} if function.params else set()
    for item in _inside(function.body):
        if isinstance(item, Bind) and any(_is_name(part, own) for part in _inside(item.value)):
            own.update(target.id for target in item.targets if isinstance(target, Name))
    return own


def _is_name(item: object, names: set[str]) -> bool:
    return isinstance(item, Name) and item.id in names


def _holds(item: object, at: Span) -> bool:
    return any(getattr(part, "at", None) == at for part in _inside(item))


def _leaves(branch: If) -> bool:
    return any(isinstance(part, Return) for part in _inside(branch.body))


def _inside(item: object) -> Iterator[object]:
    """All that is in a statement or expression, in order; inner functions aside."""
    yield item
    if isinstance(item, tuple) and not isinstance(item, Define):
        for part in item:
            yield from _inside(part)
