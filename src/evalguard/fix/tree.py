"""Text → ``Tree``: its syntax, blanks and comments included, and where each node stands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import TypeVar

import libcst as cst
from libcst.metadata import CodeRange, MetadataWrapper, ParentNodeProvider, PositionProvider

from evalguard.lower.blanking import REFUSALS
from evalguard.lower.gauge import dangerous
from evalguard.places import Span
from evalguard.repair import Edit

Node = TypeVar("Node", bound=cst.CSTNode)
Function = cst.FunctionDef
Block = cst.IndentedBlock | cst.Module
Statement = cst.SimpleStatementLine | cst.BaseCompoundStatement

DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


class Tree:
    """A text whose nodes can be found by place.

    Args:
        text: Python source, with line ends of one kind.

    Raises:
        Exception: One of ``REFUSALS``: libcst doesn't read it.
        ValueError: libcst doesn't give the same text back.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.module = cst.parse_module(text)
        if self.module.code != text:
            raise ValueError("the text can't be told from its tree")
        wrapper = MetadataWrapper(self.module, unsafe_skip_copy=True)
        self._ranges = wrapper.resolve(PositionProvider)
        self._parents = wrapper.resolve(ParentNodeProvider)
        self._children: dict[cst.CSTNode, list[cst.CSTNode]] = {}
        for child, parent in self._parents.items():
            self._children.setdefault(parent, []).append(child)
        self._starts = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]

    def span(self, node: cst.CSTNode) -> Span:
        """Where a node stands, without its own brackets."""
        at: CodeRange = self._ranges[node]
        return Span(at.start.line, at.start.column + 1, at.end.line, at.end.column + 1)

    def bracketed(self, node: cst.BaseExpression) -> Span:
        """Where an expression stands, with its own brackets."""
        span = self.span(node)
        if not node.lpar:
            return span
        start, end = self.span(node.lpar[0]), self.span(node.rpar[-1])
        return Span(*start.start, *end.end)

    def offset(self, line: int, column: int) -> int:
        """Where in the text a line and column are."""
        return self._starts[line - 1] + column - 1

    def code(self, node: cst.CSTNode) -> str:
        """A node's own text."""
        span = self.span(node)
        return self.text[self.offset(*span.start) : self.offset(*span.end)]

    def line(self, number: int) -> str:
        """The text of a line, without its end."""
        return self.text[self._starts[number - 1] : self._starts[number] - 1]

    def find(self, kind: type[Node], span: Span) -> Node | None:
        """The node of a kind that stands exactly there."""
        found = (node for node in self._of(kind) if self.span(node) == span)
        return next(found, None)

    def starting(self, kind: type[Node], span: Span) -> Node | None:
        """The first node of a kind that begins on a line, not before a column."""
        found = (node for node in self._of(kind) if self.span(node).line == span.line)
        return next((node for node in found if self.span(node).column >= span.column), None)

    def _of(self, kind: type[Node]) -> Iterator[Node]:
        return (node for node in self._ranges if isinstance(node, kind))

    def parent(self, node: cst.CSTNode) -> cst.CSTNode | None:
        """What holds a node; None for the module."""
        return self._parents.get(node)

    def above(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """What is around a node, from the inside out."""
        parent = self.parent(node)
        while parent is not None:
            yield parent
            parent = self.parent(parent)

    def nodes(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """All nodes in a node, itself included, in no order."""
        todo = [node]
        while todo:
            current = todo.pop()
            yield current
            todo += self._children.get(current, ())

    def within(self, node: cst.CSTNode, kind: type[Node]) -> Iterator[Node]:
        """The nodes of a kind in a node, itself included, in no order."""
        return (item for item in self.nodes(node) if isinstance(item, kind))

    def function(self, node: cst.CSTNode) -> Function | None:
        """The innermost function around a node; None outside of any."""
        return next((item for item in self.above(node) if isinstance(item, Function)), None)

    def function_at(self, span: Span) -> Function | None:
        """The innermost function around a place."""
        around = [item for item in self._of(Function) if _holds(self.span(item), span)]
        return max(around, key=self.span, default=None)

    def block_at(self, span: Span) -> cst.IndentedBlock | None:
        """The innermost indented block around a place."""
        around = [item for item in self._of(cst.IndentedBlock) if _holds(self.span(item), span)]
        return max(around, key=self.span, default=None)

    def whole(self) -> Span:
        """The span of the whole text."""
        lines = len(self._starts) - 1
        return Span(1, 1, lines, len(self.line(lines)) + 1)

    def statement(self, node: cst.CSTNode) -> Statement | None:
        """The innermost statement around a node that has lines of its own.

        None if it shares them, if the node is in a lambda, which runs some other time, or if it
        belongs to the head of a ``def`` or ``class``.
        """
        for item in (node, *self.above(node)):
            if isinstance(item, cst.Lambda | cst.SimpleStatementSuite | Function | cst.ClassDef):
                return None
            if isinstance(item, Statement) and isinstance(self.parent(item), Block):
                alone = not isinstance(item, cst.SimpleStatementLine) or len(item.body) == 1
                return item if alone else None
        return None

    def block(self, statement: Statement) -> Sequence[cst.CSTNode]:
        """The statements among which a statement stands."""
        parent = self.parent(statement)
        assert isinstance(parent, Block)
        return parent.body

    def before(self, statement: Statement) -> cst.CSTNode | None:
        """The statement right before another in its block."""
        block = self.block(statement)
        index = next(place for place, item in enumerate(block) if item is statement)
        return block[index - 1] if index else None

    def indent(self, statement: cst.CSTNode) -> str:
        """The blanks that a statement's line begins with."""
        return self.indent_of(self.first_line(statement))

    def indent_of(self, number: int) -> str:
        """The blanks that a line begins with."""
        line = self.line(number)
        return line[: len(line) - len(line.lstrip(" \t\f"))]

    def first_line(self, statement: cst.CSTNode) -> int:
        """The line that a statement begins on, its decorators included."""
        decorators = getattr(statement, "decorators", ())
        return min(self.span(node).line for node in (*decorators, statement))

    def last_line(self, statement: cst.CSTNode) -> int:
        """The line that a statement ends on."""
        return self.span(statement).end_line

    # Edits.

    def replace(self, node: cst.CSTNode, text: str) -> Edit:
        """Put text in a node's place."""
        return Edit(self.span(node), text)

    def after(self, node: cst.CSTNode, text: str) -> Edit:
        """Put text right behind a node."""
        span = self.span(node)
        return Edit(Span(*span.end, *span.end), text)

    def lines_before(self, line: int, *lines: str) -> Edit:
        """Put whole lines before a line."""
        return Edit(Span(line, 1, line, 1), "".join(f"{item}\n" for item in lines))

    def lines_after(self, line: int, *lines: str) -> Edit:
        """Put whole lines after a line, which may be the last and have no end."""
        column = len(self.line(line)) + 1
        return Edit(Span(line, column, line, column), "".join(f"\n{item}" for item in lines))


def _holds(outer: Span, inner: Span) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end


def read_tree(text: str) -> Tree | None:
    """Parse a text; None if libcst can't, or might not survive it."""
    if dangerous(text):
        return None
    try:
        return Tree(text)
    except (*REFUSALS, ValueError):
        return None


def is_dotted(text: str) -> bool:
    """Whether text is a name, or names with dots between."""
    return DOTTED.fullmatch(text) is not None
