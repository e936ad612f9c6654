"""A generated program under way: its lines so far, its dice, and the words that it is made of."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from truth.prelude import MADE, PARTS
from truth.scope import Callee, Scope

DEEPEST = 3
MOST_COINS = 4
Statement = Callable[["Program", Scope], None]
Table = tuple[tuple[int, Statement], ...]


class Program:
    """A program under way; with ``gaps``, of shapes too that are known to go wrong."""

    def __init__(self, seed: int, simple: Table, compound: Table, gaps: bool = False) -> None:
        self._simple, self._compound = simple, compound
        self.gaps = gaps
        self.dice = Random(seed)  # noqa: S311 (nothing here is secret)
        self.lines: list[str] = []
        self.used: set[str] = set()
        self.callees: list[Callee] = []
        self.coins = MOST_COINS
        self.indent = 0
        self._count = 0

    # Words.

    def write(self, line: str) -> None:
        """One line at the present depth."""
        self.lines.append("    " * self.indent + line)

    def fresh(self, stem: str) -> str:
        """A new name."""
        self._count += 1
        return f"{stem}{self._count}"

    def use(self, name: str) -> str:
        """A name that the prelude must define."""
        self.used.add(name)
        return name

    def chance(self, share: float) -> bool:
        """Whether something is to be done that is done so often."""
        return self.dice.random() < share

    def module(self, scope: Scope, part: float = 0.15, switched: bool = False) -> str:
        """An expression for a module, sometimes one for a part of it.

        Args:
            scope: What is in reach.
            part: How often it is a part.
            switched: Whether its mode is set: then it must be a single one.
        """
        known = [text for text in scope.modules if not (switched and scope.doubts(text))]
        if not known:
            known = [self.fresh("net")]
            text, scope.modules[known[0]] = self.made()
            self.write(f"{known[0]} = {text}")
        text = self.dice.choice(list(scope.modules) if self.gaps else known)
        kind = scope.modules[text]
        if kind in PARTS and self.chance(part):
            return text + self.dice.choice(list(PARTS[kind]))
        return text

    def made(self) -> tuple[str, str]:
        """An expression that makes a module, and its class."""
        kind = self.dice.choice(list(MADE))
        if kind != "Pair":
            self.use(kind)
        return MADE[kind], kind

    def wrapped(self, scope: Scope) -> tuple[str, str, bool]:
        """An expression that makes a module of others, its class, and whether it is doubtful."""
        net = self.module(scope, switched=True)
        ways = [
            (f"copy.deepcopy({net})", scope.modules.get(net, "")),
            (f"nn.DataParallel({net})", "DataParallel"),
            (f"nn.Sequential({net}, nn.Dropout(0.5))", "Pair"),
            (f"Wrap({net})", "Wrap"),
            (f"{net}.to('cpu')", scope.modules.get(net, "")),
            (f"{net}.eval()", scope.modules.get(net, "")),
            (f"{net}.train()", scope.modules.get(net, "")),
            (f"{net}.requires_grad_(False)", scope.modules.get(net, "")),
        ]
        text, kind = self.dice.choice(ways)
        if kind == "Wrap":
            self.use("Wrap")
        return text, kind, scope.doubts(net)

    def flag(self, scope: Scope) -> str:
        """An expression that is True or False."""
        known = [*scope.flags, "True", "False"]
        if self.chance(0.15):
            return f"{self.module(scope)}.training"
        return self.dice.choice(known)

    def condition(self, scope: Scope) -> str:
        """What may decide; a coin in a loop is thrown more than once."""
        price = 2 if scope.in_loop else 1
        if self.coins >= price and self.chance(0.5):
            self.coins -= price
            return "random.random() < 0.5"
        text = self.flag(scope)
        return f"not {text}" if self.chance(0.3) else text

    def bind(self, scope: Scope, text: str, kind: str, doubtful: bool = False) -> None:
        """Set a variable, new or old, to a module."""
        old = sorted(name for name in scope.own if name in scope.modules)
        name = self.dice.choice(old) if old and self.chance(0.35) else self.fresh("net")
        self.write(f"{name} = {text}")
        scope.modules[name] = kind if name not in old and self.chance(0.5) else ""
        scope.own.add(name)
        born = scope.born.setdefault(name, scope.depth)
        if doubtful or born < scope.depth:
            scope.doubtful.add(name)

    # Blocks.

    def block(self, scope: Scope, count: int) -> None:
        """Statements, one deeper."""
        self.indent += 1
        before = len(self.lines)
        for _ in range(count):
            self.statement(scope)
        if len(self.lines) == before:
            self.write(f"y = {self.module(scope)}(x)")
        self.indent -= 1

    def statement(self, scope: Scope) -> None:
        """Any statement that has its place here."""
        table = self._simple if scope.depth >= DEEPEST else self._simple + self._compound
        weights = [weight for weight, _ in table]
        self.dice.choices([each for _, each in table], weights)[0](self, scope)

    def statement_of(self, scope: Scope) -> None:
        """One statement, one deeper."""
        self.block(scope, 1)

    def size(self) -> int:
        """How many statements a block has."""
        return self.dice.randint(1, 3)
