"""``ast`` statements → event statements, functions, classes and the file's ``Unit``."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from evalguard.events import (
    NONE,
    NOTHING,
    Assert,
    Attr,
    Bind,
    Block,
    Class,
    Compare,
    Const,
    Define,
    DefineClass,
    Delete,
    Do,
    Expr,
    Function,
    If,
    Import,
    Jump,
    Logic,
    Loop,
    Name,
    Param,
    Raise,
    Return,
    Scope,
    Stmt,
    Try,
    Unit,
    With,
)
from evalguard.lower.expressions import Expressions
from evalguard.lower.naming import looks_up
from evalguard.lower.searched import folders

MOST_ARMS = 50


class Lowerer(Expressions):
    """Lowers one file."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__(text)
        self._path, self._text = path, text
        self._imports: list[Import] = []
        self._nested: set[str] = set()
        self._parameters: dict[tuple[str, str, Expr | None], Param] = {}

    def unit(self, tree: ast.Module) -> Unit:
        """Lower the whole file."""
        body = self.block(tree.body)
        scope = self.scopes.current
        imported = {stmt.bound for stmt in self._imports}
        return Unit(
            self._path,
            body,
            frozenset(scope.uses),
            frozenset((scope.binds - imported) | self._nested),
            tuple(self._imports),
            folders(tree, self._text),
        )

    def block(self, nodes: Sequence[ast.stmt]) -> Block:
        """Lower statements in order."""
        out: list[Stmt] = []
        for node in nodes:
            handler = _HANDLERS.get(type(node))
            if handler is not None:
                out.extend(handler(self, node))
        return tuple(out)

    def _do(self, node: ast.Expr) -> list[Stmt]:
        if isinstance(node.value, ast.Constant):
            return []
        return [Do(self.expr(node.value), self.at(node))]

    def _assign(self, node: ast.Assign) -> list[Stmt]:
        value = self.expr(node.value)
        if looks_up(node.value):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            self.scopes.current.looked_up.update(names)
        if isinstance(node.value, ast.Dict):
            self.scopes.current.inner = True
        return [Bind(self.targets(node.targets), value, False, self.at(node))]

    def _annotated(self, node: ast.AnnAssign) -> list[Stmt]:
        if node.value is None:
            return []
        return [Bind(self.targets([node.target]), self.expr(node.value), False, self.at(node))]

    def _augmented(self, node: ast.AugAssign) -> list[Stmt]:
        return [Bind(self.targets([node.target]), self.expr(node.value), True, self.at(node))]

    def _if(self, node: ast.If) -> list[Stmt]:
        arms: list[If] = []
        rest: list[ast.stmt] = [node]
        while len(rest) == 1 and isinstance(rest[0], ast.If):
            arm = rest[0]
            arms.append(If(self.expr(arm.test), self.block(arm.body), (), self.at(arm)))
            rest = arm.orelse
        return list(_chained(arms, self.block(rest)))

    def _for(self, node: ast.For | ast.AsyncFor) -> list[Stmt]:
        iterable = self.expr(node.iter)
        target = self.target(node.target)
        body, orelse = self.block(node.body), self.block(node.orelse)
        return [Loop(target, iterable, None, body, orelse, self.at(node))]

    def _while(self, node: ast.While) -> list[Stmt]:
        test = self.expr(node.test)
        body, orelse = self.block(node.body), self.block(node.orelse)
        return [Loop(None, None, test, body, orelse, self.at(node))]

    def _try(self, node: ast.Try) -> list[Stmt]:
        handlers = tuple([self._handler(handler) for handler in node.handlers])
        body, orelse = self.block(node.body), self.block(node.orelse)
        return [Try(body, handlers, orelse, self.block(node.finalbody), self.at(node))]

    def _handler(self, node: ast.ExceptHandler) -> tuple[str | None, Block]:
        if node.name:
            self.scopes.bind(node.name)
        return node.name, self.block(node.body)

    def _with(self, node: ast.With | ast.AsyncWith) -> list[Stmt]:
        items = [
            (
                self.expr(item.context_expr),
                None if item.optional_vars is None else self.target(item.optional_vars),
            )
            for item in node.items
        ]
        return [With(tuple(items), self.block(node.body), self.at(node))]

    def _return(self, node: ast.Return) -> list[Stmt]:
        return [Return(NONE if node.value is None else self.expr(node.value), self.at(node))]

    def _raise(self, node: ast.Raise) -> list[Stmt]:
        return [Raise(self.expr(node.exc), self.at(node))]

    def _assert(self, node: ast.Assert) -> list[Stmt]:
        return [Assert(self.expr(node.test), self.at(node))]

    def _jump(self, node: ast.Break | ast.Continue) -> list[Stmt]:
        return [Jump("break" if isinstance(node, ast.Break) else "continue", self.at(node))]

    def _delete(self, node: ast.Delete) -> list[Stmt]:
        names = tuple([item.id for item in node.targets if isinstance(item, ast.Name)])
        return [Delete(names, self.at(node))] if names else []

    def _scope(self, node: ast.Global | ast.Nonlocal) -> list[Stmt]:
        self.scopes.declare(node.names)
        kind = "global" if isinstance(node, ast.Global) else "nonlocal"
        return [Scope(kind, tuple(node.names), self.at(node))]

    def _import(self, node: ast.Import) -> Sequence[Stmt]:
        out: list[Import] = []
        for item in node.names:
            bound = item.asname or item.name.partition(".")[0]
            self.scopes.bind(bound)
            if item.asname is None and "." in item.name:
                out.append(Import(item.name, 0, None, "", self.at(node)))
                out.append(Import(bound, 0, None, bound, self.at(node)))
            else:
                out.append(Import(item.name, 0, None, bound, self.at(node)))
            self.scopes.current.uses.update(item.name.split("."))
        self._imports += out
        return out

    def _import_from(self, node: ast.ImportFrom) -> Sequence[Stmt]:
        out: list[Import] = []
        module = node.module or ""
        for item in node.names:
            bound = item.asname or item.name
            self.scopes.bind(bound)
            self.scopes.use(item.name)
            out.append(Import(module, node.level, item.name, bound, self.at(node)))
        self._imports += out
        return out

    def _define(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[Stmt]:
        qualname = self._begin(node.name)
        decorators = self.exprs(node.decorator_list)
        params = self._params(node.args)
        body = self.block(node.body)
        function = self._close(
            node, node.name, qualname, params, body, decorators,
            isinstance(node, ast.AsyncFunctionDef),
        )  # fmt: skip
        return [Define(function, function.at)]

    def _begin(self, name: str) -> str:
        """Enter the scope of a function or class; its qualified name."""
        self.scopes.bind(name)
        self.scopes.current.inner = True
        self._nested.add(name)
        qualname = self.scopes.qualified(name)
        self.scopes.push(name)
        return qualname

    def lambda_function(self, node: ast.Lambda) -> Function:
        """Lower a lambda as a function that returns its body."""
        params = self._params(node.args)
        qualname = self.scopes.qualified("<lambda>")
        self.scopes.push("<lambda>")
        body: Block = (Return(self.expr(node.body), self.at(node.body)),)
        return self._close(node, "<lambda>", qualname, params, body, (), False)

    def _close(
        self,
        node: ast.AST,
        name: str,
        qualname: str,
        params: tuple[Param, ...],
        body: Block,
        decorators: tuple[Expr, ...],
        is_async: bool,
    ) -> Function:
        scope = self.scopes.pop()
        bound = sorted((scope.binds | {param.name for param in params}) - scope.elsewhere)
        uses = tuple(sorted(scope.uses))
        calls, told = tuple(sorted(scope.calls)), tuple(sorted(scope.told))
        at, mentions = self.at(node), tuple(sorted(scope.mentions))
        return Function(
            name, qualname, params, body, decorators, uses, mentions, calls, told, tuple(bound),
            scope.generator, scope.inner, is_async, at,
        )  # fmt: skip

    def _params(self, node: ast.arguments) -> tuple[Param, ...]:
        plain = [*node.posonlyargs, *node.args]
        missing = [None] * (len(plain) - len(node.defaults))
        defaults: list[ast.expr | None] = [*missing, *node.defaults]
        out = [
            self._param(arg, "plain", default) for arg, default in zip(plain, defaults, strict=True)
        ]
        if node.vararg:
            out.append(self._param(node.vararg, "args", None))
        for arg, default in zip(node.kwonlyargs, node.kw_defaults, strict=True):
            out.append(self._param(arg, "keyword", default))
        if node.kwarg:
            out.append(self._param(node.kwarg, "kwargs", None))
        return tuple(out)

    def _param(self, node: ast.arg, kind: str, default: ast.expr | None) -> Param:
        value = None if default is None else self.expr(default)
        note = None if node.annotation is None else self.expr(node.annotation)
        if value is not None or not isinstance(note, (Name, Attr, type(None))):
            return Param(node.arg, kind, value, note)
        key = (node.arg, kind, note)
        known = self._parameters.get(key)
        if known is None:
            known = self._parameters[key] = Param(node.arg, kind, None, note)
        return known

    def _define_class(self, node: ast.ClassDef) -> list[Stmt]:
        qualname = self._begin(node.name)
        decorators, bases = self.exprs(node.decorator_list), self.exprs(node.bases)
        keywords = tuple([(item.arg, self.expr(item.value)) for item in node.keywords])
        body = self.block(node.body)
        scope = self.scopes.pop()
        at = self.at(node)
        fields = tuple(
            [
                item.target.id
                for item in node.body
                if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
            ]
        )
        uses = tuple(sorted(scope.uses))
        cls = Class(node.name, qualname, bases, keywords, decorators, body, fields, uses, at)
        return [DefineClass(cls, at)]

    def _match(self, node: ast.Match) -> list[Stmt]:
        subject = self.expr(node.subject)
        arms: list[If] = []
        for case in node.cases:
            test, binds = self._pattern(case.pattern, subject, self.at(node))
            if case.guard is not None:
                test = Logic("and", (test, self.expr(case.guard)))
            arms.append(If(test, (*binds, *self.block(case.body)), (), self.at(node)))
        return list(_chained(arms, ()))

    def _pattern(self, node: ast.pattern, subject: Expr, at: Any) -> tuple[Expr, Block]:
        if isinstance(node, ast.MatchValue):
            return Compare("==", subject, self.expr(node.value)), ()
        if isinstance(node, ast.MatchSingleton):
            return Compare("is", subject, Const(node.value)), ()
        if isinstance(node, ast.MatchOr):
            parts = [self._pattern(item, subject, at) for item in node.patterns]
            return Logic("or", tuple([test for test, _ in parts])), ()
        names = [
            item.name for item in ast.walk(node) if isinstance(item, (ast.MatchAs, ast.MatchStar))
        ]
        binds = [self._capture(name, subject, at) for name in names if name]
        wildcard = isinstance(node, ast.MatchAs) and node.pattern is None
        return (Const(True) if wildcard else NOTHING), tuple(binds)

    def _capture(self, name: str, subject: Expr, at: Any) -> Stmt:
        self.scopes.bind(name)
        return Bind((Name(name),), subject, False, at)


def _chained(arms: Sequence[If], orelse: Block) -> Block:
    """Arms of which each is the rest of the one before; very many are two lots, either of them.

    A tree as deep as a program has arms would exhaust the stack of whoever walks it.
    """
    if len(arms) > MOST_ARMS:
        half = len(arms) // 2
        first, second = _chained(arms[:half], ()), _chained(arms[half:], orelse)
        return (If(NOTHING, first, second, arms[0].at),)
    for arm in reversed(arms):
        orelse = (arm._replace(orelse=orelse),)
    return orelse


_HANDLERS: dict[type[ast.AST], Callable[[Lowerer, Any], Sequence[Stmt]]] = {
    ast.Expr: Lowerer._do,
    ast.Assign: Lowerer._assign,
    ast.AnnAssign: Lowerer._annotated,
    ast.AugAssign: Lowerer._augmented,
    ast.If: Lowerer._if,
    ast.For: Lowerer._for,
    ast.AsyncFor: Lowerer._for,
    ast.While: Lowerer._while,
    ast.Try: Lowerer._try,
    ast.With: Lowerer._with,
    ast.AsyncWith: Lowerer._with,
    ast.Return: Lowerer._return,
    ast.Raise: Lowerer._raise,
    ast.Assert: Lowerer._assert,
    ast.Break: Lowerer._jump,
    ast.Continue: Lowerer._jump,
    ast.Delete: Lowerer._delete,
    ast.Global: Lowerer._scope,
    ast.Nonlocal: Lowerer._scope,
    ast.Import: Lowerer._import,
    ast.ImportFrom: Lowerer._import_from,
    ast.FunctionDef: Lowerer._define,
    ast.AsyncFunctionDef: Lowerer._define,
    ast.ClassDef: Lowerer._define_class,
    ast.Match: Lowerer._match,
}
if hasattr(ast, "TryStar"):
    _HANDLERS[ast.TryStar] = Lowerer._try
