"""A function's text → what is repeated in it, by which names."""

from __future__ import annotations

from collections.abc import Iterator

from evalguard.events import (
    Attr,
    Bind,
    Block,
    Call,
    Clause,
    Comprehension,
    Display,
    Do,
    Expr,
    Function,
    Item,
    Loop,
    Name,
    With,
)
from evalguard.facts import Purpose
from evalguard.places import Span


def repeated_for(function: Function, at: Span) -> list[str]:
    """The names that tell how often a call is repeated, as in ``for _ in range(n_samples)``.

    Args:
        function: The function that it stands in.
        at: Its span.
    """
    return [
        name
        for node in parts_of(function.body)
        for counted in _counted(node)
        if any(getattr(part, "at", None) == at for part in parts_of(node))
        for name in _names(counted)
    ]


def drawn_anew(function: Function, call: Call) -> bool:
    """Whether a call gets the same input in each round of a counted loop: only chance differs."""
    return _same(call, _rounds(counted_in(function.body), call.at))


def counted_in(body: Block) -> list[object]:
    """The counted loops of a body, and the comprehensions that count."""
    return [node for node in parts_of(body) if _counted(node)]


def repeated(counted: list[object], at: Span, site: Call | None = None) -> Purpose:
    """What the counted loops around a call say of why it is made.

    Args:
        counted: The counted loops of the body that it stands in.
        at: Its span.
        site: The call as it is understood; None if that is as it is written.

    Returns:
        ``AGAIN``: it gets the same input in each round. ``SAMPLED``: and nothing else is done in
        them. ``REPEATED``: neither is it where the whole round gets the same data.
    """
    rounds = _rounds(counted, at)
    call = next((part for node in rounds for part in parts_of(node) if _is_at(part, at)), None)
    if not isinstance(call, Call):
        return Purpose.NONE
    site = call if site is None else site
    named = bool(site.args) and isinstance(site.args[0], Name)
    purpose = Purpose.AGAIN if named and _same(site, rounds) else Purpose.NONE
    for node in rounds:
        given, bound = {*_names((site.args, site.keywords))}, _bound(node)
        if given <= _unchanged(node, bound) | (given - bound) and _quiet(node, call, bound):
            purpose |= Purpose.REPEATED
            if given and given.isdisjoint(bound):
                purpose |= Purpose.SAMPLED
    return purpose


def _same(call: Call, rounds: list[object]) -> bool:
    given = {*_names(call.args[0])} if call.args else set()
    return bool(given) and any(given.isdisjoint(_bound(node)) for node in rounds)


def _rounds(counted: list[object], at: Span) -> list[object]:
    return [node for node in counted if any(_is_at(part, at) for part in parts_of(node))]


def _is_at(part: object, at: Span) -> bool:
    return isinstance(part, Call) and part.at == at


def _unchanged(node: object, bound: set[str]) -> set[str]:
    """The names set in a loop that hold the same in each of its rounds: items of other loops."""
    out: set[str] = set()
    for part in parts_of(node):
        if isinstance(part, (Loop, Clause)) and not _counts(part):
            if bound.isdisjoint({*_names(part.iterable)} - out):
                out |= {*_names(part.target)}
        elif isinstance(part, Bind):
            targets = {*_names(part.targets)}
            out = out | targets if not part.augmented and _is_of(part.value, out) else out - targets
    return out


def _is_of(value: Expr, names: set[str]) -> bool:
    """Whether a value is part of what names stand for, or comes by their methods."""
    if isinstance(value, Display):
        return all(_is_of(item, names) for item in value.items)
    return _root(value) in names


def _quiet(node: object, call: Call, bound: set[str]) -> bool:
    """Whether a loop does nothing but gather what comes out of a call."""
    made = _made(node, call)
    inner = {*_calls(call)}
    around = {item for part in parts_of(node) for item in _calls(_surroundings(part))}
    own = bound - {name for part in parts_of(node) for name in _counter(part)}
    others = [item for item in _calls(node) if item not in inner and item not in around]
    from_it = [item for item in others if call in _calls(item) or _reads(item, made)]
    quiet = all(item in from_it or _receiver(item) in own for item in others)
    told = [part.value for part in parts_of(node) if isinstance(part, Do)]
    kept = any(item in told and _receiver(item) not in {"", *bound} for item in from_it)
    return quiet and (kept or isinstance(node, Comprehension) or _adds_up(node, call, made))


def _made(node: object, call: Call) -> set[str]:
    """The names that hold what is made of a call's result."""
    made: set[str] = set()
    for _ in range(2):
        for part in parts_of(node):
            if isinstance(part, Bind) and (call in _calls(part.value) or _reads(part.value, made)):
                made |= {*_names(part.targets)}
    return made


def _adds_up(node: object, call: Call, made: set[str]) -> bool:
    """Whether what is made of a call's result is added to a sum, or put into a collection."""
    return any(
        isinstance(part, Bind)
        and (part.augmented or any(isinstance(target, Item) for target in part.targets))
        and (call in _calls(part.value) or _reads(part.value, made))
        for part in parts_of(node)
    )


def _calls(node: object) -> list[Call]:
    return [part for part in parts_of(node) if isinstance(part, Call)]


def _reads(node: object, names: set[str]) -> bool:
    return not names.isdisjoint(_names(node))


def _surroundings(node: object) -> object:
    """What a statement goes through or stands in."""
    if isinstance(node, (Loop, Clause)):
        return node.iterable
    return node.items if isinstance(node, With) else None


def _counter(node: object) -> list[str]:
    """The names that count rounds."""
    return [*_names(node.target)] if isinstance(node, (Loop, Clause)) and _counts(node) else []


def _root(expr: Expr) -> str:
    """The name that a value is looked up in, or that a method is called on, however deep."""
    node: Expr | None = expr
    while isinstance(node, (Attr, Item, Call)):
        node = node.func if isinstance(node, Call) else node.value
    return node.id if isinstance(node, Name) else ""


def _receiver(call: Call) -> str:
    """The name that a method is called on; empty for a function."""
    return _root(call.func) if isinstance(call.func, Attr) else ""


def _bound(node: object) -> set[str]:
    """The names that are set in a loop or comprehension."""
    return {
        name
        for part in parts_of(node)
        if isinstance(part, (Loop, Clause, Bind))
        for target in (part.targets if isinstance(part, Bind) else (part.target,))
        for name in _names(target)
    }


def _counted(node: object) -> list[Call]:
    """The ranges that a loop or a comprehension goes through."""
    parts: tuple[Loop | Clause, ...] = ()
    if isinstance(node, Loop):
        parts = (node,)
    elif isinstance(node, Comprehension):
        parts = node.clauses
    return [item for part in parts if (item := _counts(part)) is not None]


def _counts(node: Loop | Clause) -> Call | None:
    """The range that is gone through."""
    item = node.iterable
    return item if isinstance(item, Call) and item.func == Name("range") else None


def _names(node: object) -> Iterator[str]:
    for part in parts_of(node):
        if isinstance(part, (Name, Attr)):
            yield part.id if isinstance(part, Name) else part.name


def parts_of(node: object) -> Iterator[object]:
    """A statement or expression and all that is in it."""
    todo = [node] if isinstance(node, tuple) else []
    while todo:
        part = todo.pop()
        yield part
        todo.extend([inner for inner in reversed(part) if isinstance(inner, tuple)])
