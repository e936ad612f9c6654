"""Unit → ``Outline``: the statements of a file, with the names that each binds and mentions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from evalguard.events import (
    Attr,
    Bind,
    Block,
    Class,
    Compare,
    Const,
    Define,
    DefineClass,
    Display,
    Expr,
    Function,
    If,
    Import,
    Loop,
    Name,
    Star,
    Stmt,
    Unit,
    With,
)
from evalguard.link.blocks import statements
from evalguard.records import NamedTuple

MAIN = Compare("==", Name("__name__"), Const("__main__"))


class Item(NamedTuple):
    """A statement of a file that is no import; ``imports`` holds those inside it."""

    stmt: Stmt
    binds: frozenset[str]
    uses: frozenset[str]
    imports: tuple[Import, ...]


class Outline(NamedTuple):
    """A file as its neighbours see it.

    ``effects`` are the items that may do something besides binding names when the file is
    imported. ``imports`` holds those outside of functions and classes, ``stars`` those of
    everything; ``binding`` and ``aliases`` tell by name which items and imports bind it.
    """

    unit: Unit
    items: tuple[Item, ...]
    effects: tuple[Item, ...]
    imports: tuple[Import, ...]
    stars: tuple[Import, ...]
    binding: dict[str, list[Item]]
    aliases: dict[str, list[Import]]
    bound: frozenset[str]

    def slice(self, kept: Iterable[Item]) -> Unit:
        """The file with these items and its imports alone."""
        wanted = {id(item.stmt) for item in kept}
        body = [stmt for stmt in self.unit.body if isinstance(stmt, Import) or id(stmt) in wanted]
        return self.unit._replace(body=tuple(body))


def outline(unit: Unit) -> Outline:
    """Look at a file from outside."""
    items = tuple(_item(stmt) for stmt in unit.body if not isinstance(stmt, Import))
    imports = tuple(stmt for stmt in statements(unit.body) if isinstance(stmt, Import))
    binding: dict[str, list[Item]] = {}
    aliases: dict[str, list[Import]] = {}
    for item in items:
        for name in item.binds:
            binding.setdefault(name, []).append(item)
    for stmt in imports:
        aliases.setdefault(alias(stmt), []).append(stmt)
    stars = tuple(stmt for stmt in imports if stmt.name == "*")
    effects = tuple(item for item in items if _is_effect(item.stmt))
    bound = frozenset((*binding, *aliases))
    return Outline(unit, items, effects, imports, stars, binding, aliases, bound)


def alias(stmt: Import) -> str:
    """The name by which code reaches what is imported; ``import a.b`` binds ``a``."""
    return stmt.bound or stmt.module.partition(".")[0]


def _item(stmt: Stmt) -> Item:
    return Item(stmt, frozenset(_binds(stmt)), _uses(stmt), tuple(_imports_in((stmt,))))


def _is_effect(stmt: Stmt) -> bool:
    if isinstance(stmt, Bind):
        return not all(isinstance(target, Name) for target in stmt.targets)
    main = isinstance(stmt, If) and stmt.test == MAIN
    return not main and not isinstance(stmt, (Define, DefineClass))


def _uses(stmt: Stmt) -> frozenset[str]:
    if isinstance(stmt, Define):
        return frozenset(stmt.function.uses)
    if isinstance(stmt, DefineClass):
        return frozenset(stmt.cls.uses)
    return frozenset(_mentioned(stmt))


def _mentioned(node: object) -> Iterator[str]:
    """Every name in a statement, bodies of functions and classes included."""
    todo: list[object] = [node]
    while todo:
        item = todo.pop()
        if isinstance(item, Name):
            yield item.id
        elif isinstance(item, (Function, Class)):
            yield from item.uses
        elif isinstance(item, tuple):
            if isinstance(item, Attr):
                yield item.name
            todo += item


def _binds(stmt: Stmt) -> Iterator[str]:
    for part in statements((stmt,)):
        if isinstance(part, Define):
            yield part.function.name
        elif isinstance(part, DefineClass):
            yield part.cls.name
        elif isinstance(part, Import):
            yield alias(part)
        elif isinstance(part, Bind):
            yield from _targets(part.targets)
        elif isinstance(part, Loop) and part.target is not None:
            yield from _targets((part.target,))
        elif isinstance(part, With):
            yield from _targets(target for _, target in part.items if target is not None)


def _targets(targets: Iterable[Expr]) -> Iterator[str]:
    for target in targets:
        if isinstance(target, Name):
            yield target.id
        elif isinstance(target, Display):
            yield from _targets(target.items)
        elif isinstance(target, Star):
            yield from _targets((target.value,))


def _imports_in(block: Block) -> Iterator[Import]:
    """The imports of a block and of the functions and classes in it."""
    for stmt in statements(block):
        if isinstance(stmt, Import):
            yield stmt
        elif isinstance(stmt, Define):
            yield from _imports_in(stmt.function.body)
        elif isinstance(stmt, DefineClass):
            yield from _imports_in(stmt.cls.body)
