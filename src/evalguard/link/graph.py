"""Definitions and what each is made of → what is made of something, directly or not."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from collections.abc import Set as AbstractSet

from evalguard.events import Unit
from evalguard.link.definitions import Definition
from evalguard.link.families import Families
from evalguard.link.meanings import Meanings
from evalguard.link.mentions import dotted_in
from evalguard.link.registers import registered

Nodes = AbstractSet[str]
Reached = tuple[str, ...]
NOTHING: Nodes = frozenset()


class Entry:
    """A definition, the nodes that it is reached under, and those that it is made of."""

    __slots__ = ("_called", "item", "nodes", "uses")

    def __init__(self, item: Definition, nodes: Reached, uses: frozenset[str]) -> None:
        self.item = item
        self.nodes = nodes
        self.uses = uses
        self._called: Nodes | None = None

    @property
    def called(self) -> Nodes:
        """What it calls by a name that nothing else has."""
        if self._called is None:
            calls = frozenset(self.item.calls)
            called = {
                node for node in self.uses if ":" in node and last_part(name_of(node)) in calls
            }
            self._called = called or NOTHING
        return self._called


class Graph:
    """What the definitions of a program are made of.

    Args:
        units: The files of the program.
        defined: What they define.
        meanings: What names stand for.
        plain: Attributes that tell nothing, as too many things have them.
        shared: Attributes that tell something where they are read, but nothing of those who have
            one like it.
    """

    def __init__(
        self,
        units: Collection[Unit],
        defined: Collection[Definition],
        meanings: Meanings,
        plain: Nodes,
        shared: Nodes,
    ) -> None:
        self.families = Families(defined, meanings)
        self.entries = [
            Entry(
                item,
                tuple([node for node in self.families.nodes(item) if node not in plain]),
                frozenset(self.families.uses(item) - plain),
            )
            for item in defined
            if item.mentions or item.function or item.is_class
        ]
        self._bases = [
            (entry, frozenset(self.families.bases(entry.item)))
            for entry in self.entries
            if entry.item.is_class
        ]
        self._shared = shared
        self._classes = nodes_of(entry for entry in self.entries if entry.item.is_class)
        idle = [(id(entry.item), self._mentioned(entry)) for entry in self.entries]
        self._idle = {key: nodes for key, nodes in idle if nodes}
        self._put = [((holder,), put) for holder, put in registered(units, meanings)]
        made = [(entry.nodes, entry.uses) for entry in self.entries]
        self._users = _users([*made, *self._put], shared)

    def closed(self, roots: Nodes) -> Nodes:
        """The roots, what is made of one of them, and so on."""
        return _closed(roots, self._users)

    def named(self, roots: Nodes) -> Nodes:
        """The same, as far as it is used by names that nothing else has."""
        return _closed(roots, {node: users for node, users in self._users.items() if ":" in node})

    def calling(self, roots: Nodes) -> Nodes:
        """The same, as far as it is called by such names."""
        made = [(entry.nodes, entry.called) for entry in self.entries]
        return _closed(roots, _users(made, frozenset()))

    def run(self, entry: Entry) -> Nodes:
        """What a definition may run.

        Not the classes that it only mentions, as in an annotation or in ``isinstance``, nor what
        decorates it.
        """
        idle = self._idle.get(id(entry.item))
        return entry.uses if idle is None else entry.uses - idle

    def _mentioned(self, entry: Entry) -> Nodes:
        """What a function names and doesn't run."""
        function = entry.item.function
        if function is None:
            return frozenset()
        calls = frozenset(entry.item.calls)
        idle = {node for node in entry.uses & self._classes if name_of(node) not in calls}
        if function.decorators:
            around = {last_part(dotted) for dotted in dotted_in(function.decorators)} - calls
            idle.update(node for node in entry.uses if name_of(node) in around)
        return idle

    def running(self, roots: Nodes) -> Nodes:
        """The roots, what may run one of them, and so on, by names that nothing else has."""
        made = [(entry.nodes, self.run(entry)) for entry in self.entries]
        users = _users([*made, *self._put], self._shared)
        return _closed(roots, {node: known for node, known in users.items() if ":" in node})

    def near(self, roots: Nodes) -> Nodes:
        """The roots, and what is made of one of them."""
        telling = roots - self._shared
        users = [entry for entry in self.entries if not entry.uses.isdisjoint(telling)]
        return roots | nodes_of(users)

    def modules(self, roots: Nodes) -> Nodes:
        """The classes that inherit from one of the roots.

        One whose base nobody knows does, if it has a ``forward``.
        """
        likely = {
            node
            for entry, bases in self._bases
            if "*unsure" in bases and self.families.has(entry.item.cls, "forward")
            for node in entry.nodes
        }
        return self.inheriting(roots | likely)

    def inheriting(self, roots: Nodes) -> Nodes:
        """The roots, and the classes that inherit from one of them."""
        made = [(entry.nodes, bases) for entry, bases in self._bases]
        return _closed(roots, _users(made, frozenset()))


def name_of(node: str) -> str:
    """The name in a node of a file's own."""
    return node.rpartition(":")[2]


def last_part(dotted: str) -> str:
    """The last of some names with dots between them."""
    return dotted.rpartition(".")[2]


def nodes_of(entries: Iterable[Entry]) -> Nodes:
    """What some definitions are reached under."""
    return {node for entry in entries for node in entry.nodes}


def _users(made: Iterable[tuple[Reached, Nodes]], shared: Nodes) -> dict[str, list[Reached]]:
    """Node → the nodes of everything that is made of it."""
    found: dict[str, list[Reached]] = {}
    for nodes, uses in made:
        for used in uses - shared:
            found.setdefault(used, []).append(nodes)
    return found


def _closed(roots: Nodes, users: dict[str, list[Reached]]) -> Nodes:
    found, todo = set(roots), list(roots)
    while todo:
        for nodes in users.get(todo.pop(), ()):
            new = [node for node in nodes if node not in found]
            found.update(new)
            todo += new
    return found
