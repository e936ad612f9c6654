"""Comments → ``Directive``s: what they say against findings, and what is wrong with how they do.

``# evalguard: ignore[rule, EG101] reason``, ``# evalguard: ignore-file[rule]``, and ``# noqa``
as other checkers know it. Each stands at the start of a comment or after another ``#``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import Enum

from evalguard.places import NOWHERE, Span
from evalguard.records import NamedTuple
from evalguard.suppress.layout import Comment

_OWN = re.compile(
    r"(?:^|(?<=\s))#\s*evalguard\s*:\s*(?P<verb>[\w-]+)(?:\s*\[(?P<words>[^]]*)(?P<end>\]?))?"
)
_NOQA = re.compile(
    r"(?:^|(?<=\s))#\s*noqa\b(?P<colon>\s*:\s*(?P<words>[a-z]+\d+(?:[\s,]+[a-z]+\d+)*)?)?",
    re.IGNORECASE,
)
_OUR_CODE = re.compile(r"EG\d+", re.IGNORECASE)
WORD = re.compile(r"[^\s,]+")
_REASON = re.compile(r"(?:(?!\s+#).)*")
_LOOSE = re.compile(r"\s+(?P<word>EG\d+)\b", re.IGNORECASE)


class Kind(Enum):
    """What a directive is written as."""

    IGNORE = "ignore"
    IGNORE_FILE = "ignore-file"
    NOQA = "noqa"


class Word(NamedTuple):
    """A rule's name or code as written."""

    text: str
    span: Span


class Directive(NamedTuple):
    """A comment, or a part of one, that speaks against findings.

    Without ``words`` it is against all. ``fault`` tells why it is against none. ``span`` holds it
    with its reason, ``listed`` the words; ``others`` tells that some of these are other checkers'.
    """

    kind: Kind
    span: Span
    words: tuple[Word, ...]
    listed: Span = NOWHERE
    fault: str = ""
    others: bool = False

    @property
    def line(self) -> int:
        """Where it stands."""
        return self.span.line


def directives(comments: Iterable[Comment]) -> Iterator[Directive]:
    """Find what comments say."""
    for comment in comments:
        for match in _OWN.finditer(comment.text):
            yield from _own(comment, match)
        for match in _NOQA.finditer(comment.text):
            yield from _noqa(comment, match)


def _own(comment: Comment, match: re.Match[str]) -> Iterator[Directive]:
    verb = match["verb"].lower()
    kind = {"ignore": Kind.IGNORE, "ignore-file": Kind.IGNORE_FILE}.get(verb)
    span = _span(comment, match.start(), _end(comment, match))
    if kind is None:
        near = _nearest(verb)
        if near:
            yield Directive(
                Kind.IGNORE, span, (), fault=f"unknown word: {verb}; did you mean {near}?"
            )
        return
    words = _words(comment, match)
    yield Directive(kind, span, words, _listed(comment, match), _fault(comment, match, words))


def _fault(comment: Comment, match: re.Match[str], words: tuple[Word, ...]) -> str:
    if match["words"] is None:
        loose = _LOOSE.match(comment.text, match.end())
        return f"rules stand in brackets: ignore[{loose['word']}]" if loose else ""
    if not match["end"]:
        return "its bracket isn't closed"
    return "" if words else "its brackets are empty"


def _noqa(comment: Comment, match: re.Match[str]) -> Iterator[Directive]:
    if match["colon"] and not match["words"]:
        return
    every = _words(comment, match)
    ours = tuple(word for word in every if _OUR_CODE.fullmatch(word.text))
    if ours or not every:
        span = _span(comment, match.start(), _end(comment, match))
        listed, others = _listed(comment, match), len(ours) < len(every)
        yield Directive(Kind.NOQA, span, ours, listed, others=others)


def _words(comment: Comment, match: re.Match[str]) -> tuple[Word, ...]:
    if not match["words"]:
        return ()
    found = WORD.finditer(comment.text, *match.span("words"))
    return tuple(Word(each[0], _span(comment, *each.span())) for each in found)


def _listed(comment: Comment, match: re.Match[str]) -> Span:
    return _span(comment, *match.span("words")) if match["words"] else NOWHERE


def _end(comment: Comment, match: re.Match[str]) -> int:
    """Where the reason ends: at the comment's end, or before another ``#`` of it."""
    found = _REASON.match(comment.text, match.end())
    assert found is not None
    return found.end()


def _span(comment: Comment, start: int, end: int) -> Span:
    return Span(comment.line, comment.column + start, comment.line, comment.column + end)


def _nearest(verb: str) -> str:
    from difflib import get_close_matches

    return next(iter(get_close_matches(verb, ("ignore", "ignore-file"), 1, 0.7)), "")
