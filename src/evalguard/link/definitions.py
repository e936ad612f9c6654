"""Units → what they define, and of which names it is made."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from collections.abc import Set as AbstractSet

from evalguard.events import (
    Attr,
    Bind,
    Block,
    Call,
    Class,
    Define,
    DefineClass,
    Function,
    Item,
    Mapping,
    Name,
    Unit,
)
from evalguard.link.blocks import inner_blocks, is_main
from evalguard.link.mentions import dotted_in
from evalguard.records import NamedTuple

MAIN = "__main__"


class Definition(NamedTuple):
    """A function, class or variable, and the dotted names that it is made of.

    ``cls`` is the class around it, by file and name, or the class itself; ``member`` tells whether
    it is an attribute of that class. ``called``: a variable that holds what a call returns.
    """

    name: str
    path: str
    mentions: Collection[str]
    cls: str = ""
    member: bool = False
    function: Function | None = None
    bases: AbstractSet[str] = frozenset()
    called: bool = False

    @property
    def calls(self) -> Collection[str]:
        """The names of what it may call."""
        if self.function is not None:
            return (*self.function.calls, *self.function.told)
        return {dotted.rpartition(".")[2] for dotted in self.mentions}

    @property
    def is_class(self) -> bool:
        """Whether it is a class."""
        return bool(self.cls) and not self.member and self.function is None


def everything(units: Collection[Unit]) -> list[Definition]:
    """What the files of a program define, themselves included."""
    defined = [item for unit in units for item in definitions(unit.body, unit.path)]
    return [*defined, *[contents(unit.path, unit.body) for unit in units]]


def contents(path: str, block: Block) -> Definition:
    """A file as a whole: who is handed it as a module may ask for anything in it."""
    names = [stmt.function.name for stmt in block if isinstance(stmt, Define)]
    names += [stmt.cls.name for stmt in block if isinstance(stmt, DefineClass)]
    return Definition("", path, frozenset(names))


def definitions(
    block: Block, path: str, cls: str = "", inside: Function | None = None
) -> Iterator[Definition]:
    """Everything that a block defines, at any depth.

    Args:
        block: The statements.
        path: Their file.
        cls: The class around them, if any.
        inside: The function around them, if any.
    """
    member = bool(cls) and not inside
    for stmt in block:
        if isinstance(stmt, Define):
            function = stmt.function
            yield Definition(function.name, path, function.mentions, cls, member, function)
            if function.inner:
                yield from definitions(function.body, path, cls, function)
        elif isinstance(stmt, DefineClass):
            inner = f"{path}:{stmt.cls.name}"
            bases = frozenset(dotted_in(stmt.cls.bases))
            yield Definition(stmt.cls.name, path, _made_of(stmt.cls), inner, bases=bases)
            if member:
                yield Definition(stmt.cls.name, path, {stmt.cls.name}, cls, member)
            yield from definitions(stmt.cls.body, path, inner)
        elif isinstance(stmt, Bind):
            if inside is None:
                yield from _bindings(stmt, path, cls)
            else:
                yield from _choices(stmt, path, cls)
                yield from _elsewhere(stmt, path, inside)
        else:
            if is_main(stmt):
                yield Definition(MAIN, path, dotted_in(stmt))
            for body in inner_blocks(stmt):
                yield from definitions(body, path, cls, inside)


def _bindings(stmt: Bind, path: str, cls: str) -> Iterator[Definition]:
    mentions = frozenset(dotted_in(stmt.value))
    for target in stmt.targets:
        holder = target.value if isinstance(target, Item) else target
        if isinstance(holder, Name):
            called = isinstance(stmt.value, Call)
            yield Definition(holder.id, path, mentions, cls, bool(cls), called=called)


def _elsewhere(stmt: Bind, path: str, function: Function) -> Iterator[Definition]:
    """A variable of the file that a function sets."""
    names = [target.id for target in stmt.targets if isinstance(target, Name)]
    for name in names:
        if name not in function.locals:
            mentions = frozenset(dotted_in(stmt.value))
            called = isinstance(stmt.value, Call)
            yield Definition(name, path, mentions, called=called)


def _choices(stmt: Bind, path: str, cls: str) -> Iterator[Definition]:
    """An attribute that holds classes or functions by name: who mentions it may make one."""
    if cls and isinstance(stmt.value, Mapping):
        uses = frozenset(value.id for _, value in stmt.value.items if isinstance(value, Name))
        for target in stmt.targets if uses else ():
            if isinstance(target, Attr):
                yield Definition(target.name, path, uses, cls, member=True)


def _made_of(cls: Class) -> frozenset[str]:
    """What making or using an object of a class runs without naming it: bases, ``__init__``."""
    mentions = dotted_in((*cls.bases, *cls.decorators, cls.body))
    for stmt in cls.body:
        if isinstance(stmt, Define) and stmt.function.name.startswith("__"):
            mentions.update(stmt.function.mentions)
    return frozenset(mentions)
