"""Text → the same with newer syntax blanked out, at the places where libcst finds it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import libcst as cst
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider

_Positions = Mapping[cst.CSTNode, CodeRange]

# What libcst raises for a text that it doesn't read. Its position provider turns a RecursionError
# into a KeyError on the way up.
REFUSALS = (
    cst.ParserSyntaxError,
    cst.CSTValidationError,
    getattr(cst, "CSTLogicError", cst.ParserSyntaxError),  # not in all versions
    RecursionError,
    KeyError,
    UnicodeEncodeError,
)
_TEMPLATES = ("FormattedString", "TemplatedString")
_FIELDS = ("FormattedStringExpression", "TemplatedStringExpression")
_TO_BRACKET = re.compile(r"(?:[ \t\f]|\\\n)*\(")
_TO_STAR = re.compile(r"except(?:[ \t\f]|\\\n)*\*")


def blanked(text: str) -> str | None:
    """Blank out newer syntax; None if libcst can't say where it is."""
    try:
        wrapper = MetadataWrapper(cst.parse_module(text), unsafe_skip_copy=True)
        code = wrapper.module.code
        kept = _aligned(code, text)
        if kept is None:
            return None
        return _Blanking(_Page(text, code, kept), wrapper.resolve(PositionProvider)).text()
    except REFUSALS:
        return None


def _aligned(code: str, text: str) -> Sequence[int] | None:
    """Where each character of libcst's copy is in the text.

    libcst forgets some blanks (``{x!r }``) and page breaks; None if it forgot anything else.
    """
    if code == text:
        return range(len(text))
    kept: list[int] = []
    at = 0
    for char in code:
        while text[at : at + 1] != char:
            if not text[at : at + 1].isspace():
                return None
            at += 1
        kept.append(at)
        at += 1
    return kept


class _Page:
    """Text whose characters can be replaced without moving any other."""

    def __init__(self, text: str, code: str, kept: Sequence[int]) -> None:
        self._text = text
        self._chars = list(text)
        self._lines = [0, *(match.end() for match in re.finditer("\n", code))]
        self._kept = kept

    def text(self) -> str:
        """The text as it now is."""
        return "".join(self._chars)

    def span(self, place: CodeRange) -> tuple[int, int]:
        """A place in libcst's copy as indexes into the text."""
        start = self._lines[place.start.line - 1] + place.start.column
        end = self._lines[place.end.line - 1] + place.end.column
        return self._kept[start], self._kept[end - 1] + 1

    def blank(self, start: int, end: int) -> None:
        """Leave only the ends of lines."""
        for index in range(start, end):
            if self._text[index] != "\n":
                self.put(index, " ")

    def put(self, index: int, mark: str) -> None:
        """Replace one character, and fill up the bytes that it had in UTF-8."""
        self._chars[index] = mark.ljust(len(self._text[index].encode()))

    def restore(self, start: int, end: int) -> None:
        """Take back what was done."""
        self._chars[start:end] = self._text[start:end]

    def has_newline(self, start: int, end: int) -> bool:
        """Tell whether the original goes on to another line."""
        return "\n" in self._text[start:end]

    def find(self, pattern: re.Pattern[str], start: int) -> int | None:
        """The last character of what the original holds right there."""
        match = pattern.match(self._text, start)
        return None if match is None else match.end() - 1

    def in_line(self, index: int, step: int) -> int:
        """The first place from an index on, in either direction, that isn't the end of a line."""
        while self._text[index] == "\n":
            index += step
        return index


class _Blanking:
    """Rewrites one text."""

    def __init__(self, page: _Page, positions: _Positions) -> None:
        self._page = page
        self._positions = positions

    def text(self) -> str:
        """The text without newer syntax."""
        for string in self._strings():
            self._string(string)
        for node in self._positions:
            handler = _HANDLERS.get(type(node))
            if handler is not None:
                handler(self, node)
        return self._page.text()

    def _span(self, node: cst.CSTNode) -> tuple[int, int]:
        return self._page.span(self._positions[node])

    def _strings(self) -> list[cst.BaseExpression]:
        """All f-strings and t-strings with what is concatenated to them, outer before inner."""
        found: list[cst.BaseExpression] = []
        parts: set[cst.CSTNode] = set()
        for node in self._positions:
            if isinstance(node, cst.ConcatenatedString):
                parts |= {node.left, node.right}
            if isinstance(node, cst.BaseString) and any(map(_is_template, _pieces(node))):
                found.append(node)
        whole = [node for node in found if node not in parts]
        return sorted(whole, key=lambda node: self._span(node)[0])

    def _string(self, node: cst.BaseExpression) -> None:
        """Turn a string into the expressions in it."""
        start, end = self._span(node)
        inner = [field for piece in _pieces(node) for field in _expressions(piece)]
        if not inner:
            self._constant(node)
        elif len(inner) == 1 or not any(map(_is_open_yield, inner)):
            self._page.blank(start, end)
            self._inner(start, end, inner)

    def _constant(self, node: cst.BaseExpression) -> None:
        """Write ``-()`` for a t-string, of which nothing is known; older syntax has f-strings."""
        start, end = self._span(node)
        if any(type(piece).__name__ == "TemplatedString" for piece in _pieces(node)):
            self._page.blank(start, end)
            self._page.put(start, "-")
            self._page.put(start + 1, "(")
            self._page.put(end - 1, ")")

    def _inner(self, start: int, end: int, inner: list[cst.BaseExpression]) -> None:
        """Write ``(-(``, the expressions with commas, ``))``.

        There is room: a prefix, a quote and a brace before them, ``}{`` between, ``}`` and a
        quote after.
        """
        after = start + 2
        for index, node in enumerate(inner):
            first, after = self._outer_span(node)
            if index == 0:
                self._page.put(self._page.in_line(first - 1, -1), "(")
            self._page.restore(first, after)
            if index < len(inner) - 1 and not _ends_in_comma(node):
                self._page.put(self._page.in_line(after, 1), ",")
        self._page.put(start, "(")
        self._page.put(start + 1, "-")
        self._page.put(self._page.in_line(after, 1), ")")
        self._page.put(end - 1, ")")

    def _outer_span(self, node: cst.BaseExpression) -> tuple[int, int]:
        """Where an expression is, with its own brackets."""
        start, end = self._span(node)
        if node.lpar:
            start, _ = self._span(node.lpar[0])
            _, end = self._span(node.rpar[-1])
        return start, end

    def _function(self, node: cst.FunctionDef) -> None:
        if node.type_parameters is not None:
            self._type_parameters(*self._span(node.type_parameters), True)

    def _class(self, node: cst.ClassDef) -> None:
        if node.type_parameters is not None:
            bracket = isinstance(node.lpar, cst.LeftParen)
            self._type_parameters(*self._span(node.type_parameters), bracket)

    def _type_parameters(self, start: int, end: int, bracket: bool) -> None:
        """Blank them; if they take several lines, let the brackets after them open earlier."""
        self._page.blank(start, end)
        if not self._page.has_newline(start, end):
            return
        self._page.put(start, "(")
        if not bracket:
            self._page.put(end - 1, ")")
        elif (moved := self._page.find(_TO_BRACKET, end)) is not None:
            self._page.put(moved, " ")

    def _alias(self, node: cst.TypeAlias) -> None:
        start, end = self._span(node)[0], self._outer_span(node.value)[1]
        if node.type_parameters is not None:
            first, last = self._span(node.type_parameters)
            self._page.blank(first, last)
            if self._page.has_newline(first, last):
                self._page.blank(start, end)
                self._page.put(start, "(")
                self._page.put(end - 1, ")")
                return
        self._page.blank(start, start + len("type"))
        self._page.put(start, "0")
        self._page.put(start + 1, ";")

    def _group(self, node: cst.ExceptStarHandler) -> None:
        star = self._page.find(_TO_STAR, self._span(node)[0])
        if star is not None:
            self._page.put(star, " ")
        self._exceptions(node.type)

    def _handler(self, node: cst.ExceptHandler) -> None:
        self._exceptions(node.type)

    def _exceptions(self, node: cst.BaseExpression | None) -> None:
        if not isinstance(node, cst.Tuple) or node.lpar:
            return
        for element in node.elements:
            if isinstance(element.comma, cst.Comma):
                mark = " " if element is node.elements[-1] else "|"
                self._page.put(self._span(element.comma)[0], mark)

    def _index(self, node: cst.Index) -> None:
        if node.star:
            self._page.put(self._span(node)[0], " ")

    def _annotation(self, node: cst.Annotation) -> None:
        if isinstance(node.annotation, cst.StarredElement):
            self._page.put(self._span(node.annotation)[0], " ")


def _is_template(node: Any) -> bool:
    # By name: older versions of libcst have no t-strings.
    return type(node).__name__ in _TEMPLATES


def _pieces(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    while isinstance(node, cst.ConcatenatedString):
        yield node.left
        node = node.right
    yield node


def _expressions(piece: Any) -> Iterator[cst.BaseExpression]:
    return _fields(piece.parts) if _is_template(piece) else iter(())


def _fields(parts: Iterable[Any]) -> Iterator[cst.BaseExpression]:
    """The expressions of a template, and those of their formats."""
    for part in parts:
        if type(part).__name__ in _FIELDS:
            yield part.expression
            yield from _fields(part.format_spec or ())


def _is_open_yield(node: cst.BaseExpression) -> bool:
    return isinstance(node, cst.Yield) and not node.lpar


def _ends_in_comma(node: cst.BaseExpression) -> bool:
    if not isinstance(node, cst.Tuple) or node.lpar or not node.elements:
        return False
    return isinstance(node.elements[-1].comma, cst.Comma)


_HANDLERS: dict[type[cst.CSTNode], Callable[[_Blanking, Any], None]] = {
    cst.FunctionDef: _Blanking._function,
    cst.ClassDef: _Blanking._class,
    cst.TypeAlias: _Blanking._alias,
    cst.ExceptStarHandler: _Blanking._group,
    cst.ExceptHandler: _Blanking._handler,
    cst.Index: _Blanking._index,
    cst.Annotation: _Blanking._annotation,
}
