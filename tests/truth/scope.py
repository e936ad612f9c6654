"""What a generated program can speak of at a place."""

from __future__ import annotations

from dataclasses import dataclass, field, replace


@dataclass
class Scope:
    """The names in reach.

    ``modules``: expressions that are modules, and their class, as far as it is known. ``own``: the
    variables that may be set here. ``shelves``: containers of modules, and their kind. ``sure``:
    gradients are on, whatever happens. ``gives``: what ``return`` takes with it, None outside
    functions. ``doubtful``: what may be one of several modules. ``born``: how deep a variable was
    first set.
    """

    modules: dict[str, str] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)
    flags: list[str] = field(default_factory=list)
    shelves: dict[str, str] = field(default_factory=dict)
    sure: bool = False
    gives: str | None = None
    in_loop: bool = False
    depth: int = 0
    doubtful: set[str] = field(default_factory=set)
    born: dict[str, int] = field(default_factory=dict)

    def block(self, in_loop: bool = False, sure: bool | None = None) -> Scope:
        """The same, one block deeper; what is made there is of no use behind it.

        Variables whose class is spoken of are not set there, and in a loop none from outside.
        """
        return replace(
            self,
            modules=dict(self.modules),
            own=set() if in_loop else {name for name in self.own if not self.modules.get(name)},
            flags=list(self.flags),
            shelves=dict(self.shelves),
            sure=self.sure if sure is None else sure,
            in_loop=self.in_loop or in_loop,
            depth=self.depth + 1,
        )

    def doubts(self, text: str) -> bool:
        """Whether an expression may be one of several modules."""
        return any(
            text == name or text.startswith((f"{name}.", f"{name}[")) for name in self.doubtful
        )

    def function(self, gives: str) -> Scope:
        """A function's own: what is around it can be read, not set."""
        return replace(
            self.block(), own=set(), shelves=dict(self.shelves), gives=gives, in_loop=False,
            sure=False, doubtful=set(), born={},
        )  # fmt: skip


@dataclass(frozen=True)
class Callee:
    """A function of the program: its name, the kinds of its parameters, what it returns.

    ``doubtful``: that may be one of several modules.
    """

    name: str
    parameters: tuple[str, ...]
    gives: str
    doubtful: bool = False
