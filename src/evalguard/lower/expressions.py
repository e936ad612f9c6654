"""``ast`` expressions → event expressions."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from itertools import accumulate
from sys import intern
from typing import Any, Final

from evalguard.events import (
    LOOKED_UP,
    NONE,
    NOTHING,
    TRAINING_SET,
    VOLATILE,
    Attr,
    Call,
    Choice,
    Clause,
    Compare,
    Comprehension,
    Const,
    Display,
    Expr,
    Function,
    Item,
    Joined,
    Lambda,
    Logic,
    Mapping,
    Mix,
    Name,
    Star,
    Walrus,
    Yield,
)
from evalguard.lower.counting import one_apart
from evalguard.lower.naming import calls, is_string, looks_up
from evalguard.lower.scopes import Scopes
from evalguard.places import WIDTH, Cut, Span

LONG = 200  # a line in which places are looked up, not counted each time
LONGEST_STRING = 120
LARGEST_NUMBER = 2**64
_WIDTH: Final = WIDTH  # its own, as what is compiled has a place for it
_PLAIN: Final = frozenset((bool, int, float, type(None)))
_tuple: Final = tuple.__new__  # what a named tuple is made by, without the function around it
_number: Final = int.__new__  # and what a span is made by
SELF: Final = Name("self")
SIGNS = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_DISPLAYS = {ast.List: "list", ast.Tuple: "tuple", ast.Set: "set"}


class Expressions:
    """Turns expressions into events, and notes the names that they use and bind."""

    def __init__(self, text: str) -> None:
        self._lines = None if text.isascii() else text.split("\n")
        self._names: dict[str, Name] = {}
        self._targets: dict[str, tuple[Expr]] = {}
        self._dotted: dict[str, Expr] = {}
        self._constants: dict[tuple[type, object], Const] = {}
        self._starts: dict[int, list[int]] = {}  # of long lines, where each next character begins
        self.scopes = Scopes()

    def at(self, node: Any) -> Span:
        """The node's place, in characters."""
        line: int = node.lineno
        last: int = node.end_lineno
        start: int = node.col_offset
        end: int = node.end_col_offset
        if self._lines is not None:
            start = self._characters(line, start)
            end = self._characters(last, end)
        first, after = line << _WIDTH | start + 1, last << _WIDTH | end + 1
        return _number(Span, first << 2 * _WIDTH | after)

    def _characters(self, line: int, offset: int) -> int:
        assert self._lines is not None
        text = self._lines[line - 1]
        if text.isascii():
            return offset
        if len(text) <= LONG:
            return len(text.encode()[:offset].decode(errors="replace"))
        from bisect import bisect_right

        if line not in self._starts:
            self._starts[line] = list(accumulate(len(char.encode()) for char in text))
        return bisect_right(self._starts[line], offset)

    def expr(self, node: ast.expr | None) -> Expr:
        """Lower one expression; None is nothing."""
        return _HANDLERS.get(type(node), _MIX)(self, node)

    def exprs(self, nodes: Sequence[ast.expr | None]) -> tuple[Expr, ...]:
        """Lower several."""
        return tuple([_HANDLERS.get(type(node), _MIX)(self, node) for node in nodes])

    def target(self, node: ast.expr) -> Expr:
        """Lower what is assigned to."""
        if isinstance(node, ast.Name):
            self.scopes.current.binds.add(node.id)
            return self._named(node.id)
        if isinstance(node, (ast.Tuple, ast.List)):
            return Display("tuple", tuple([self.target(item) for item in node.elts]), self.at(node))
        if isinstance(node, ast.Starred):
            return Star(self.target(node.value))
        if isinstance(node, ast.Attribute) and node.attr == "training":
            self.scopes.use(TRAINING_SET)
        if isinstance(node, ast.Attribute):
            names, holder = _chain(node)
            root = holder.id if isinstance(holder, ast.Name) else ""
            self.scopes.mention(intern(".".join((root, *names)) + "="))
        return self.expr(node)

    def targets(self, nodes: Sequence[ast.expr]) -> tuple[Expr, ...]:
        """Lower all that is assigned to; a single variable is one for all places."""
        if len(nodes) > 1 or not isinstance(nodes[0], ast.Name):
            return tuple([self.target(node) for node in nodes])
        name = nodes[0].id
        self.scopes.current.binds.add(name)
        known = self._targets.get(name)
        if known is None:
            known = self._targets[name] = (self._named(name),)
        return known

    def _mix(self, node: ast.AST) -> Expr:
        parts: list[Expr] = []
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.expr, ast.keyword)):
                part = self.expr(child.value if isinstance(child, ast.keyword) else child)
                parts.extend(part.parts if isinstance(part, Mix) else [part])
        return Mix(tuple([part for part in parts if not isinstance(part, Const)]))

    def _formatted(self, node: ast.JoinedStr) -> Expr:
        plain = all(
            isinstance(part, ast.Constant) or (part.format_spec is None and part.conversion < 0)
            for part in node.values
            if isinstance(part, (ast.Constant, ast.FormattedValue))
        )
        if not plain:
            return self._mix(node)
        if len(node.values) == 1 and isinstance(node.values[0], ast.Constant):
            return self.expr(node.values[0])
        values = [
            part.value if isinstance(part, ast.FormattedValue) else part for part in node.values
        ]
        return Joined(self.exprs(values))

    def _operation(self, node: ast.BinOp) -> Expr:
        sides = (node.left, node.right)
        if isinstance(node.op, ast.Add) and any(is_string(side) for side in sides):
            return Joined(self.exprs(sides))
        return self._mix(node)

    def _name(self, node: ast.Name) -> Expr:
        name, scope = node.id, self.scopes.current
        scope.uses.add(name)
        scope.mentions.add(name)
        return self._named(name)

    def _named(self, name: str) -> Name:
        """The expression of a variable: one for all places, as most stand at many."""
        known = self._names.get(name)
        if known is None:
            known = self._names[name] = Name(name)
        return known

    def _attribute(self, node: ast.Attribute) -> Expr:
        names, holder = _chain(node)
        scope = self.scopes.current
        scope.uses.update(names)
        if not isinstance(holder, ast.Name):
            scope.mentions.add(intern(".".join((_called(holder), *names))))
            return _attributes(self.expr(holder), names)
        dotted = intern(".".join((holder.id, *names)))
        scope.uses.add(holder.id)
        scope.mentions.add(dotted)
        known = self._dotted.get(dotted)
        if known is None:
            known = self._dotted[dotted] = _attributes(self._named(holder.id), names)
        return known

    def _constant(self, node: ast.Constant) -> Expr:
        value = node.value
        if isinstance(value, str):
            return self._plain(value) if len(value) <= LONGEST_STRING else NOTHING
        if type(value) is int and abs(value) > LARGEST_NUMBER:
            return NOTHING
        return self._plain(value) if type(value) in _PLAIN else NOTHING

    def _plain(self, value: object) -> Const:
        """The expression of a constant: one for all places, too."""
        key = (type(value), value)
        known = self._constants.get(key)
        if known is None:
            known = self._constants[key] = Const(value)
        return known

    def _call(self, node: ast.Call) -> Expr:
        if self._looked_up(node.func):
            self.scopes.use(LOOKED_UP)
        func = self.expr(node.func)
        keywords = tuple([(item.arg, self.expr(item.value)) for item in node.keywords])
        if keywords and any(name == VOLATILE for name, _ in keywords):
            self.scopes.use(VOLATILE)
        args = self.exprs(node.args)
        self._note_call(func, args, keywords)
        return _tuple(Call, (func, args, keywords, self.at(node)))

    def _note_call(
        self,
        func: Expr,
        args: tuple[Expr, ...],
        keywords: tuple[tuple[str | None, Expr], ...],
    ) -> None:
        """Note what is called, and whether it is told the mode; methods of ``self`` aside."""
        if isinstance(func, Name):
            name = func.id
        elif isinstance(func, Attr) and func.value != SELF:
            name = func.name
        else:
            return
        told = any(map(_of_mode, args)) or any(_of_mode(arg) for _, arg in keywords)
        (self.scopes.current.told if told else self.scopes.current.calls).add(name)

    def _looked_up(self, node: ast.expr) -> bool:
        """Whether what is called was found by a name that isn't written here."""
        if isinstance(node, ast.Name):
            return node.id in self.scopes.current.looked_up
        return looks_up(node)

    def _item(self, node: ast.Subscript) -> Expr:
        return Item(self.expr(node.value), self.expr(node.slice))

    def _slice(self, node: ast.Slice) -> Expr:
        start, stop = [
            NONE if each is None else self.expr(each) for each in (node.lower, node.upper)
        ]
        if node.step is None and isinstance(start, Const) and isinstance(stop, Const):
            first, last = start.value, stop.value
            if isinstance(first, int | None) and isinstance(last, int | None):
                return Const(Cut(first, last))
        return self._mix(node)

    def _display(self, node: ast.List | ast.Tuple | ast.Set) -> Expr:
        return Display(_DISPLAYS[type(node)], self.exprs(node.elts), self.at(node))

    def _dict(self, node: ast.Dict) -> Expr:
        keys = [None if key is None else self.expr(key) for key in node.keys]
        return Mapping(tuple(zip(keys, self.exprs(node.values), strict=True)), self.at(node))

    def _comprehension(self, node: Any) -> Expr:
        clauses = tuple([self._clause(clause) for clause in node.generators])
        if isinstance(node, ast.DictComp):
            key, value = self.expr(node.key), self.expr(node.value)
            return Comprehension("dict", clauses, key, value, self.at(node))
        kinds = {ast.ListComp: "list", ast.SetComp: "set"}
        kind = kinds.get(type(node), "generator")
        return Comprehension(kind, clauses, None, self.expr(node.elt), self.at(node))

    def _clause(self, node: ast.comprehension) -> Clause:
        iterable = self.expr(node.iter)
        return Clause(self.target(node.target), iterable, self.exprs(node.ifs))

    def _choice(self, node: ast.IfExp) -> Expr:
        return Choice(self.expr(node.test), self.expr(node.body), self.expr(node.orelse))

    def _logic(self, node: ast.BoolOp) -> Expr:
        op = "and" if isinstance(node.op, ast.And) else "or"
        return Logic(op, self.exprs(node.values))

    def _unary(self, node: ast.UnaryOp) -> Expr:
        if isinstance(node.op, ast.Not):
            return Logic("not", (self.expr(node.operand),))
        operand = self.expr(node.operand)
        if isinstance(operand, Const) and isinstance(operand.value, (int, float)):
            return Const(-operand.value) if isinstance(node.op, ast.USub) else operand
        return Mix((operand,))

    def _compare(self, node: ast.Compare) -> Expr:
        if (told := one_apart(node)) is not None:
            return Compare(told[0], self.expr(told[1]), self.expr(told[2]))
        sides = [self.expr(node.left), *self.exprs(node.comparators)]
        pairs = [Compare(SIGNS[type(op)], sides[i], sides[i + 1]) for i, op in enumerate(node.ops)]
        return pairs[0] if len(pairs) == 1 else Logic("and", tuple(pairs))

    def _starred(self, node: ast.Starred) -> Expr:
        return Star(self.expr(node.value))

    def _yield(self, node: ast.Yield | ast.YieldFrom) -> Expr:
        self.scopes.current.generator = True
        value = NONE if node.value is None else self.expr(node.value)
        return Yield(value, isinstance(node, ast.YieldFrom), self.at(node))

    def _await(self, node: ast.Await) -> Expr:
        return self.expr(node.value)

    def _walrus(self, node: ast.NamedExpr) -> Expr:
        self.scopes.bind(node.target.id)
        return Walrus(node.target.id, self.expr(node.value))

    def _lambda(self, node: ast.Lambda) -> Expr:
        return Lambda(self.lambda_function(node))

    def lambda_function(self, node: ast.Lambda) -> Function:
        """Lower a lambda; overridden where functions are lowered."""
        raise NotImplementedError


def _attributes(expr: Expr, names: list[str]) -> Expr:
    for name in names:
        expr = _tuple(Attr, (expr, name))
    return expr


def _chain(node: ast.Attribute) -> tuple[list[str], ast.expr]:
    """The attributes that are read one of the other, and what the first of them is read of."""
    names, holder = [node.attr], node.value
    while isinstance(holder, ast.Attribute):
        names.append(holder.attr)
        holder = holder.value
    return names[::-1], holder


def _called(node: ast.expr) -> str:
    """The name of an object that a call of it stands for: ``super()`` is the object itself."""
    return "super" if calls(node) == "super" else ""


def _of_mode(node: Expr) -> bool:
    """Whether an argument hangs on some object's ``training``."""
    if isinstance(node, Choice):
        node = node.test
    return isinstance(node, Attr) and node.name == "training"


_MIX: Callable[[Expressions, Any], Expr] = Expressions._mix
_HANDLERS: dict[type, Callable[[Expressions, Any], Expr]] = {
    type(None): lambda *_: NOTHING,
    ast.Name: Expressions._name,
    ast.Attribute: Expressions._attribute,
    ast.Constant: Expressions._constant,
    ast.Call: Expressions._call,
    ast.JoinedStr: Expressions._formatted,
    ast.BinOp: Expressions._operation,
    ast.Subscript: Expressions._item,
    ast.List: Expressions._display,
    ast.Tuple: Expressions._display,
    ast.Set: Expressions._display,
    ast.Dict: Expressions._dict,
    ast.ListComp: Expressions._comprehension,
    ast.SetComp: Expressions._comprehension,
    ast.GeneratorExp: Expressions._comprehension,
    ast.DictComp: Expressions._comprehension,
    ast.IfExp: Expressions._choice,
    ast.BoolOp: Expressions._logic,
    ast.Slice: Expressions._slice,
    ast.UnaryOp: Expressions._unary,
    ast.Compare: Expressions._compare,
    ast.Starred: Expressions._starred,
    ast.Yield: Expressions._yield,
    ast.YieldFrom: Expressions._yield,
    ast.Await: Expressions._await,
    ast.NamedExpr: Expressions._walrus,
    ast.Lambda: Expressions._lambda,
}
