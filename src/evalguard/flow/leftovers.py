"""A loop's text → the variables whose values of an earlier round no later round can read.

``if i % 10 == 0: y = net(x)`` and, further down in the same round, ``if i % 10 == 0: use(y)``.
"""

from __future__ import annotations

from collections.abc import Iterator

from evalguard.events import Attr, Bind, Block, Do, Expr, If, Item, Jump, Loop, Name, Stmt, With
from evalguard.flow.sampling import parts_of
from evalguard.records import NamedTuple


class Guard(NamedTuple):
    """A test that holds, or doesn't."""

    test: Expr
    holds: bool


Guards = frozenset[Guard]


def left_over(loop: Loop) -> tuple[str, ...]:
    """The variables that each round sets under a condition, and reads under the same one only."""
    reading = _Reading(frozenset(_set_in(loop.body)))
    reading.block(loop.body, frozenset())
    return tuple(sorted(name for name in reading.guarded if name not in reading.read))


class _Reading:
    """Goes through a round: what is set under which conditions, what is read without that.

    Args:
        changing: What a round sets: a test of it may not come out alike twice.
    """

    def __init__(self, changing: frozenset[str]) -> None:
        self._changing = changing
        self._set: dict[str, list[Guards]] = {}
        self.guarded: set[str] = set()
        self.read: set[str] = set()

    def block(self, block: Block, guards: Guards) -> None:
        """Go through statements that are reached under some conditions."""
        for stmt in block:
            self._stmt(stmt, guards)

    def _stmt(self, stmt: Stmt, guards: Guards) -> None:
        if isinstance(stmt, If):
            self._branches(stmt, guards)
        elif isinstance(stmt, Bind):
            self._bind(stmt, guards)
        elif isinstance(stmt, Do):
            self._reads(stmt.value, guards)
        elif isinstance(stmt, Loop):
            self._reads((stmt.iterable, stmt.test), guards)
            self._binds(stmt.target, guards)
            self.block((*stmt.body, *stmt.orelse), guards)
        elif isinstance(stmt, With):
            for context, held in stmt.items:
                self._reads(context, guards)
                self._binds(held, guards)
            self.block(stmt.body, guards)
        elif not isinstance(stmt, Jump):
            self.read.update(_names(stmt))

    def _bind(self, stmt: Bind, guards: Guards) -> None:
        self._reads(stmt.value, guards)
        for target in stmt.targets:
            if stmt.augmented:
                self._reads(target, guards)
            self._binds(target, guards)

    def _branches(self, stmt: If, guards: Guards) -> None:
        """Go through both; a test that may come out otherwise the next time is one by itself."""
        self._reads(stmt.test, guards)
        steady = self._changing.isdisjoint(_names(stmt.test))
        test = stmt.test if steady else Name(f"#{stmt.at}")
        for block, holds in ((stmt.body, True), (stmt.orelse, False)):
            self.block(block, guards | {Guard(test, holds)})

    def _reads(self, node: object, guards: Guards) -> None:
        for name in _names(node):
            if not any(known <= guards for known in self._set.get(name, ())):
                self.read.add(name)

    def _binds(self, target: Expr | None, guards: Guards) -> None:
        if any(isinstance(part, (Attr, Item)) for part in parts_of(target)):
            self._reads(target, guards)
            return
        for name in _names(target):
            self._set.setdefault(name, []).append(guards)
            if guards:
                self.guarded.add(name)


def _names(node: object) -> Iterator[str]:
    return (part.id for part in parts_of(node) if isinstance(part, Name))


def _set_in(block: Block) -> Iterator[str]:
    """The names that a block sets, attributes among them."""
    for part in parts_of(block):
        if isinstance(part, Bind):
            for target in part.targets:
                yield from _names(target)
                yield from (item.name for item in parts_of(target) if isinstance(item, Attr))
        elif isinstance(part, Loop) and part.target is not None:
            yield from _names(part.target)
