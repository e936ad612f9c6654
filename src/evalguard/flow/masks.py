"""A module class → the dropout that it draws by hand, by its text alone.

That is a mask of zeros and ones, drawn with a probability that the constructor keeps, which
multiplies something. A class that asks for ``training`` anywhere is taken to know what it does.
"""

from __future__ import annotations

from collections.abc import Iterator

from evalguard.events import (
    Attr,
    Bind,
    Block,
    Call,
    Class,
    Compare,
    Const,
    Define,
    Expr,
    Function,
    If,
    Logic,
    Loop,
    Mix,
    Name,
    Return,
    Stmt,
    Try,
    With,
)
from evalguard.places import Span
from evalguard.records import NamedTuple

BERNOULLI = frozenset(("bernoulli", "bernoulli_"))
UNIFORM = frozenset(("rand", "rand_like", "uniform_"))
FILLED = {"ones": 1, "ones_like": 1, "new_ones": 1, "full": 1, "full_like": 1, "new_full": 1}
MULTIPLIES = frozenset(("mul", "mul_", "multiply"))
BUILDING = frozenset(("__init__", "reset_parameters"))


class Mask(NamedTuple):
    """One mask: the method, the attribute that holds its probability, the call that draws it."""

    method: Function
    attribute: str
    drawn: Call


def read_masks(cls: Class) -> list[Mask]:
    """The masks that the methods of a class draw whatever the mode."""
    if "training" in cls.uses or (BERNOULLI | UNIFORM).isdisjoint(cls.uses):
        return []
    methods = [stmt.function for stmt in cls.body if isinstance(stmt, Define)]
    kept = frozenset(
        name for method in methods if method.name == "__init__" for name in _settings(method)
    )
    if not kept:
        return []
    return [mask for method in methods if method.name not in BUILDING for mask in _of(method, kept)]


def _settings(method: Function) -> Iterator[str]:
    """The attributes that a constructor sets to a number or to what it was given."""
    given = {Name(param.name) for param in method.params}
    for stmt in method.body:
        if isinstance(stmt, Bind) and _is_setting(stmt.value, given):
            for target in stmt.targets:
                if isinstance(target, Attr) and isinstance(target.value, Name):
                    yield target.name


def _is_setting(value: Expr, given: set[Name]) -> bool:
    if isinstance(value, Const):
        return isinstance(value.value, float) and value.value > 0
    if isinstance(value, Mix):
        return bool(value.parts) and all(_is_setting(part, given) for part in value.parts)
    return value in given


def _of(method: Function, kept: frozenset[str]) -> Iterator[Mask]:
    me = method.params[0].name if method.params else ""
    text = _Text(me, kept, dict(_assignments(method.body)))
    for stmt in _unconditional(method.body, text):
        for draw, probability in _draws(stmt):
            attribute = text.attribute(probability)
            if attribute and text.multiplies(method.body, draw):
                yield Mask(method, attribute, draw)


def _assignments(block: Block) -> Iterator[tuple[str, Expr]]:
    for node in _nodes(block):
        if isinstance(node, Bind) and not node.augmented:
            for target in node.targets:
                if isinstance(target, Name):
                    yield target.id, node.value


def _unconditional(block: Block, text: _Text) -> Iterator[Stmt]:
    """The statements that nothing but the probability decides about."""
    for stmt in block:
        if isinstance(stmt, If):
            if text.attribute(stmt.test):
                yield from _unconditional(stmt.body + stmt.orelse, text)
            elif _leaves(stmt):
                return
        elif isinstance(stmt, (Loop, With, Try)):
            yield from _unconditional(stmt.body, text)
        else:
            yield stmt


def _leaves(stmt: If) -> bool:
    return any(isinstance(item, Return) for item in (*stmt.body, *stmt.orelse))


def _draws(stmt: Stmt) -> Iterator[tuple[Call, Expr]]:
    """The calls that draw a mask, each with what its probability is made of."""
    for node in _nodes(stmt):
        if isinstance(node, Call) and _last(node) in BERNOULLI:
            of = [*node.args, *[value for _, value in node.keywords], _receiver(node)]
            yield node, of[0] if len(of) < 3 else of[1]
        elif isinstance(node, Compare):
            for drawn, other in ((node.left, node.right), (node.right, node.left)):
                if isinstance(drawn, Call) and not UNIFORM.isdisjoint(_chain(drawn)):
                    yield drawn, other


def _last(call: Call) -> str:
    func = call.func
    return func.name if isinstance(func, Attr) else func.id if isinstance(func, Name) else ""


def _receiver(call: Call) -> Expr:
    return call.func.value if isinstance(call.func, Attr) else call.func


def _chain(call: Call) -> Iterator[str]:
    """The names of ``torch.rand(...).to(...)``, the last one first."""
    node: Expr = call
    while isinstance(node, Call):
        yield _last(node)
        node = _receiver(node)


class _Text(NamedTuple):
    """How to read names in a method: its own object, settings, and the variables it assigns."""

    me: str
    kept: frozenset[str]
    local: dict[str, Expr]

    def attribute(self, node: Expr) -> str:
        """The setting that an expression is made of; empty if it is of anything else, too."""
        found: set[str] = set()
        todo: list[Expr] = [node]
        seen: set[str] = set()
        while todo:
            item = todo.pop()
            if isinstance(item, Attr) and item.value == Name(self.me) and item.name in self.kept:
                found.add(item.name)
            elif isinstance(item, Name) and item.id in self.local and item.id not in seen:
                seen.add(item.id)
                todo.append(self.local[item.id])
            elif isinstance(item, (Mix, Logic)):
                todo += item.parts
            elif isinstance(item, Compare):
                todo += (item.left, item.right)
            elif isinstance(item, Call) and _last(item) in FILLED:
                todo += item.args[FILLED[_last(item)] :]
            elif not isinstance(item, Const):
                return ""
        return min(found, default="")

    def multiplies(self, body: Block, draw: Call) -> bool:
        """Whether what a call draws is a factor of anything but the probability."""
        names = self._made_of(draw)
        for factors in _products(body):
            mine = [part for part in factors if _holds(part, draw, names)]
            if mine and any(not self.attribute(part) for part in factors if part not in mine):
                return True
        return False

    def _made_of(self, draw: Call) -> set[str]:
        """The variables that hold what a call draws, or something made of it."""
        names: set[str] = set()
        for _ in range(len(self.local)):
            more = {name for name, value in self.local.items() if _holds(value, draw, names)}
            if more <= names:
                break
            names |= more
        return names


def _products(body: Block) -> Iterator[tuple[Expr, ...]]:
    """The parts of what is multiplied with one another, or at least computed of one another."""
    for node in _nodes(body):
        if isinstance(node, Mix):
            yield node.parts
        elif isinstance(node, Bind) and node.augmented:
            yield (*node.targets, node.value)
        elif isinstance(node, Call) and _last(node) in MULTIPLIES:
            yield (_receiver(node), *node.args)


def _holds(node: object, draw: Call, names: set[str]) -> bool:
    """Whether a node holds a call, or a variable made of it."""
    return any(
        item is draw or (isinstance(item, Name) and item.id in names) for item in _nodes(node)
    )


def _nodes(node: object) -> Iterator[object]:
    """A node and all within it, functions aside."""
    todo = [node]
    while todo:
        item = todo.pop()
        yield item
        if isinstance(item, tuple) and not isinstance(item, (Function, Span)):
            todo += reversed(item)
