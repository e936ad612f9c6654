"""Text → whether libcst would crash on it or take too long, guessed from brackets and operators.

libcst has no limits of its own. A chain of operators, calls or branches makes it quadratic, and
then overflows its stack, which ends the process; each level in a ``case`` pattern, or in what is
deleted, makes it up to four times slower. The limits are below what was seen to harm it, and
above what people write.
"""

from __future__ import annotations

import re
from enum import Enum

from evalguard.records import dataclass

LARGEST = 2_000_000
DEEPEST = 100
DEEPEST_CASE_OR_DEL = 6
LONGEST_CHAIN = 300
MOST_ELIFS = 1000

_ELIF = re.compile(r"^[ \t\f]*elif\b", re.MULTILINE)
_LINKS = frozenset(("and", "or", "not", "if", "else", "lambda", "in", "is", "for", "await"))
_CODE = re.compile(
    r"""
    (?P<skip> [ \t\f]+ | \\\n | \#[^\n]* | \d[\w.]* )
    | (?P<string> (?:r?b|br|[ru])?
        (?: \"{3} [^"\\]* (?:(?:\\.|"(?!""))[^"\\]*)* \"{3}
          | '{3} [^'\\]* (?:(?:\\.|'(?!''))[^'\\]*)* '{3}
          | " [^"\\\n]* (?:\\.[^"\\\n]*)* "
          | ' [^'\\\n]* (?:\\.[^'\\\n]*)* ' ) )
    | (?P<template> (?:r?[ft]|[ft]r) (?P<quote> \"{3} | '{3} | ["'] ) )
    | (?P<word> \w+ )
    | (?P<open> [(\[{] )
    | (?P<close> [)\]}] )
    | (?P<comma> [,;] )
    | (?P<newline> \n [ \t\f]* (?P<case> case\b )? )
    | (?P<operator> \*\*=? | //=? | <<=? | >>=? | -> | [-+*/%@&|^<>=!]= | [-+*/%@&|^~<>=.:!] )
    | (?P<other> . )
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_TEMPLATE_TEXT = {
    quote: re.compile(rf"(?:[^{quote[0]}\\{{}}{line}]+|{inner}\\[^{{}}]|\\|{{{{|}}}})*", re.DOTALL)
    for quote, line, inner in (
        ('"', r"\n", ""),
        ("'", r"\n", ""),
        ('"""', "", '"(?!"")|'),
        ("'''", "", "'(?!'')|"),
    )
}
_SPEC_TEXT = re.compile(r"[^{}]*")


def dangerous(text: str) -> bool:
    """Tell whether text must not be given to libcst."""
    if len(text) > LARGEST or len(_ELIF.findall(text)) > MOST_ELIFS:
        return True
    return _Gauge(text).overflows()


class _Kind(Enum):
    CODE = "outside of strings, perhaps in a bracket"
    FIELD = "{...} in a template"
    TEMPLATE = "an f-string or t-string"
    SPEC = "a field's format"


@dataclass(slots=True)
class _Level:
    kind: _Kind
    quote: str = ""
    links: int = 0


class _Gauge:
    """Reads the text token by token, and keeps the levels that are open.

    Each level counts what chains operands within it since its last comma. The sum over the open
    levels is about how deeply the tree is nested there.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._levels = [_Level(_Kind.CODE)]
        self._links = 0
        self._deepest = DEEPEST

    def overflows(self) -> bool:
        """Tell whether any place is nested or chained too deeply."""
        at, end = 0, len(self._text)
        while at < end:
            at = self._step(at)
            if self._links > LONGEST_CHAIN or len(self._levels) - 1 > self._deepest:
                return True
        return False

    def _step(self, at: int) -> int:
        kind = self._levels[-1].kind
        if kind is _Kind.TEMPLATE:
            return self._template(at)
        if kind is _Kind.SPEC:
            match = _SPEC_TEXT.match(self._text, at)
            assert match is not None
            return self._brace(match.end())
        return self._code(at)

    def _template(self, at: int) -> int:
        quote = self._levels[-1].quote
        match = _TEMPLATE_TEXT[quote].match(self._text, at)
        assert match is not None
        at = match.end()
        if self._text.startswith(quote, at):
            self._pop()
            return at + len(quote)
        if self._text.startswith("\n", at):
            self._pop()
            return at
        return self._brace(at)

    def _brace(self, at: int) -> int:
        """Open a field, or close the one whose format ends here."""
        if self._text.startswith("{", at):
            self._push(_Level(_Kind.FIELD))
        elif self._levels[-1].kind is _Kind.SPEC:
            self._pop()
        return at + 1

    def _code(self, at: int) -> int:
        match = _CODE.match(self._text, at)
        assert match is not None
        what = match.lastgroup
        if what == "open":
            self._link()
            self._push(_Level(_Kind.CODE))
        elif what == "close":
            self._pop()
        elif what == "template":
            self._link()
            self._push(_Level(_Kind.TEMPLATE, match["quote"]))
        elif what == "newline":
            self._newline(match["case"] is not None)
        elif what == "comma":
            self._unlink()
        elif what == "operator":
            return self._operator(match)
        elif what == "word":
            self._word(match["word"])
        elif what == "string":
            self._link()
        return match.end()

    def _operator(self, match: re.Match[str]) -> int:
        level = self._levels[-1]
        if level.kind is _Kind.FIELD and match["operator"] == ":":
            level.kind = _Kind.SPEC
        self._link()
        return match.end()

    def _word(self, word: str) -> None:
        if word in _LINKS:
            self._link()
        elif word == "del":
            self._deepest = DEEPEST_CASE_OR_DEL

    def _newline(self, is_case: bool) -> None:
        if len(self._levels) == 1:
            self._unlink()
            self._deepest = DEEPEST_CASE_OR_DEL if is_case else DEEPEST

    def _push(self, level: _Level) -> None:
        self._levels.append(level)

    def _pop(self) -> None:
        if len(self._levels) > 1:
            self._links -= self._levels.pop().links

    def _link(self) -> None:
        self._levels[-1].links += 1
        self._links += 1

    def _unlink(self) -> None:
        self._links -= self._levels[-1].links
        self._levels[-1].links = 0
