"""A file's text → its comments, its statements' lines, and where a comment can be put.

Tokens tell them apart, so that what a string holds is never taken for a comment.
"""

from __future__ import annotations

import io
import tokenize
from bisect import bisect_right
from collections.abc import Iterator

from evalguard.places import Span
from evalguard.records import NamedTuple

_BLANK = frozenset({tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT})
_OPEN = getattr(tokenize, "FSTRING_START", -1), getattr(tokenize, "TSTRING_START", -1)
_CLOSE = getattr(tokenize, "FSTRING_END", -1), getattr(tokenize, "TSTRING_END", -1)


class Comment(NamedTuple):
    """A comment; ``column`` counts from 1."""

    line: int
    column: int
    text: str


class Statement(NamedTuple):
    """A simple statement, or the head of another with its decorators.

    ``head`` is the line on which a definition itself begins.
    """

    first: int
    head: int
    last: int


class Layout(NamedTuple):
    """The lines of a file; ``free`` are those that a comment can end."""

    comments: tuple[Comment, ...]
    statements: tuple[Statement, ...]
    free: frozenset[int]

    def around(self, line: int) -> Statement:
        """The statement that a line belongs to."""
        index = bisect_right(self.statements, (line, self.size, 0)) - 1
        found = self.statements[index] if index >= 0 else None
        return found if found and line <= found.last else Statement(line, line, line)

    @property
    def size(self) -> int:
        """A number that no line has."""
        return self.statements[-1].last + 1 if self.statements else 0

    def heard_on(self, span: Span) -> tuple[int, ...]:
        """The lines on which a comment speaks of what stands at a place."""
        statement = self.around(span.line)
        end = span.end_line if span.end_line <= statement.last else span.line
        return (span.line, end, *statement)

    def line_for(self, span: Span) -> int:
        """The line that a comment about a place is best put on."""
        return span.line if span.line in self.free else self.around(span.line).last


def laid_out(text: str) -> Layout:
    """Look at a text; of one that has broken tokens, at what comes before them."""
    comments: list[Comment] = []
    statements: list[Statement] = []
    free: set[int] = set()
    start = depth = 0
    decorated: Statement | None = None
    decorator = False
    for token in _tokens(text):
        line = token.start[0]
        depth += (token.type in _OPEN) - (token.type in _CLOSE)
        if token.type == tokenize.COMMENT:
            comments.append(Comment(line, token.start[1] + 1, token.string))
        if token.type in (tokenize.NL, tokenize.NEWLINE) and not depth:
            free.add(line)
        if token.type == tokenize.NEWLINE:
            first = decorated.first if decorated else start
            here = Statement(first, start, line)
            decorated = here if decorator else None
            if not decorator:
                statements.append(here)
            start = 0
        elif token.type not in _BLANK and not start:
            start, decorator = line, token.string == "@"
    return Layout(tuple(comments), tuple(statements), frozenset(free))


def _tokens(text: str) -> Iterator[tokenize.TokenInfo]:
    try:
        yield from tokenize.generate_tokens(io.StringIO(text).readline)
    except (tokenize.TokenError, SyntaxError):
        return
