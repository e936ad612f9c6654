"""Facts of a first look at a file → the statements of which only callers know what they run.

A function that calls what it is given is judged by what its callers give. What happens inside a
module's forward pass isn't: that is told where the whole module is called.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from evalguard.context.outline import Item, Outline
from evalguard.events import Attr, Call, Define, DefineClass, Expr, Name, Stmt
from evalguard.facts import (
    BuiltInForward,
    Fact,
    FunctionalCall,
    GradSwitchIdle,
    HiddenModules,
    SwitchOverride,
)
from evalguard.knowledge import Knowledge
from evalguard.link.interest import TURNING
from evalguard.records import NamedTuple

ALIKE_FOR_ALL = (FunctionalCall, BuiltInForward, HiddenModules, SwitchOverride, GradSwitchIdle)
FREEZES = frozenset(("requires_grad", "requires_grad_", *TURNING))
INSIDE = frozenset(("forward", "__init__"))


def openings(
    found: Outline,
    facts: Iterable[Fact],
    variables: frozenset[str],
    frozen: frozenset[str],
    knowledge: Knowledge,
) -> Iterator[Item]:
    """Find the statements of a file that callers decide about.

    Args:
        found: The file.
        facts: What a first look saw, with everything unknown taken for a module.
        variables: Names that are other files' variables, and may be modules.
        frozen: Names of parts of modules that other files may freeze.
        knowledge: What is known of libraries.

    Yields:
        The statements, once each.
    """
    lines = {
        fact.place.line
        for fact in facts
        if fact.place.path == found.unit.path and not isinstance(fact, ALIKE_FOR_ALL)
    }
    for item in found.items:
        named = _Named(variables, _own_methods(item.stmt), knowledge)
        if any(
            not lines.isdisjoint(_lines(part)) or named.speaks(part)
            for part in _outer(item.stmt, FREEZES | frozen)
        ):
            yield item


def around(found: Outline, lines: Iterable[int]) -> Iterator[Item]:
    """The statements of a file that lines lie in."""
    wanted = frozenset(lines)
    return (item for item in found.items if not wanted.isdisjoint(_lines(item.stmt)))


def _lines(stmt: Stmt) -> range:
    return range(stmt.at.line, stmt.at.end_line + 1)


class _Named(NamedTuple):
    """Tells by a call's name alone that it may run a module, or be part of a forward pass.

    ``variables`` belong to other files. What isn't among a class's ``own`` methods is a subclass's,
    or an attribute that it sets.
    """

    variables: frozenset[str]
    own: frozenset[str] | None
    knowledge: Knowledge

    def speaks(self, stmt: Stmt) -> bool:
        """Whether there is such a call in a statement."""
        names = self.variables
        if self.own is None:
            names |= self.knowledge.functional_names()
        todo: list[object] = [stmt]
        while todo:
            node = todo.pop()
            if isinstance(node, Call) and self._speaks(node.func, names):
                return True
            if isinstance(node, tuple):
                todo += node
        return False

    def _speaks(self, func: Expr, names: frozenset[str]) -> bool:
        if isinstance(func, Name):
            return func.id in names
        if not isinstance(func, Attr):
            return False
        if self.own is not None and func.value == Name("self") and func.name not in self.own:
            return True
        return func.name in names or self.knowledge.is_inference_method(func.name)


def _own_methods(stmt: Stmt) -> frozenset[str] | None:
    """The methods of a class, None for anything else."""
    if not isinstance(stmt, DefineClass):
        return None
    return frozenset(part.function.name for part in stmt.cls.body if isinstance(part, Define))


def _outer(stmt: Stmt, freezing: frozenset[str]) -> list[Stmt]:
    """A statement; of a module class, what its construction and forward pass don't lead to.

    If the class speaks of ``freezing``, all counts: that a frozen part runs in train mode is told
    at its own call.
    """
    if not isinstance(stmt, DefineClass) or not freezing.isdisjoint(stmt.cls.uses):
        return [stmt]
    body = stmt.cls.body
    methods = {part.function.name: part.function for part in body if isinstance(part, Define)}
    if "forward" not in methods:
        return [stmt]
    inner = INSIDE & methods.keys()
    todo = list(inner)
    while todo:
        new = (methods.keys() & methods[todo.pop()].uses) - inner
        inner |= new
        todo += new
    return [part for part in body if not (isinstance(part, Define) and part.function.name in inner)]
