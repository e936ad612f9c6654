"""The names that a scope uses and binds, collected while it is lowered."""

from __future__ import annotations

from evalguard.records import dataclass, field


@dataclass(slots=True)
class Scope:
    """One function, class or module under way."""

    name: str
    uses: set[str] = field(default_factory=set)
    mentions: set[str] = field(default_factory=set)
    calls: set[str] = field(default_factory=set)
    told: set[str] = field(default_factory=set)
    binds: set[str] = field(default_factory=set)
    elsewhere: set[str] = field(default_factory=set)
    looked_up: set[str] = field(default_factory=set)
    generator: bool = False
    inner: bool = False


class Scopes:
    """A stack of scopes; what an inner one uses or calls, the outer ones do too.

    ``current`` is the innermost.
    """

    def __init__(self) -> None:
        self._stack: list[Scope] = []
        self.push("")

    def use(self, name: str) -> None:
        """Note that a name or attribute is mentioned."""
        self.current.uses.add(name)

    def mention(self, dotted: str) -> None:
        """Note a variable, or attributes of one: ``nn.Linear``; of something else: ``.eval``."""
        self.current.mentions.add(dotted)

    def call(self, name: str) -> None:
        """Note that something of this name is called."""
        self.current.calls.add(name)

    def bind(self, name: str) -> None:
        """Note that a variable is assigned."""
        self.current.binds.add(name)

    def declare(self, names: list[str]) -> None:
        """Note a ``global`` or ``nonlocal`` statement."""
        self.current.inner = True
        self.current.elsewhere.update(names)

    def push(self, name: str) -> None:
        """Enter a scope."""
        self.current = Scope(name)
        self._stack.append(self.current)

    def pop(self) -> Scope:
        """Leave a scope; its uses and calls are handed to the one around."""
        scope = self._stack.pop()
        self.current = self._stack[-1]
        self.current.uses |= scope.uses
        self.current.mentions |= scope.mentions
        self.current.calls |= scope.calls
        self.current.told |= scope.told
        return scope

    def qualified(self, name: str) -> str:
        """The dotted name of something defined here."""
        return ".".join([scope.name for scope in self._stack[1:]] + [name])
