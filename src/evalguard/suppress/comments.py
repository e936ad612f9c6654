"""Findings, and the texts of their files → those that no comment is against, and idle comments.

What is wrong with comments is told as findings of two kinds that are no rules: no fact of the
program is behind them, and no comment can silence them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from evalguard.finding import Confidence, Finding
from evalguard.places import Place, Span
from evalguard.records import NamedTuple
from evalguard.rule import Rule
from evalguard.select import UnknownRule, require, weight
from evalguard.suppress import may_be_told
from evalguard.suppress.directives import Directive, Kind, Word, directives
from evalguard.suppress.layout import Layout, laid_out
from evalguard.suppress.notices import INVALID, UNUSED

_EVERYTHING = Word("", Span(0, 0, 0, 0))


class Heard(NamedTuple):
    """The findings that remain, and what is to be told of the comments."""

    kept: tuple[Finding, ...]
    invalid: tuple[Finding, ...]
    unused: tuple[Finding, ...]


class _Page(NamedTuple):
    """A file with comments against findings, and which of their words were of use.

    ``by_line`` and ``for_all`` tell by number which directives speak of a line, and of all lines.
    """

    path: str
    layout: Layout
    found: tuple[Directive, ...]
    by_line: Mapping[int, Sequence[int]]
    for_all: tuple[int, ...]
    used: set[tuple[int, Word]]


def heard(
    findings: Iterable[Finding],
    texts: Mapping[str, str],
    rules: Sequence[Rule],
    ran: Iterable[Rule],
) -> Heard:
    """Leave out what comments are against.

    Args:
        findings: What was found.
        texts: The files that may hold such comments, by path.
        rules: All rules there are.
        ran: Those that were asked.

    Returns:
        The other findings, and what the comments are to be told.
    """
    findings = tuple(findings)
    found_in = {finding.place.path for finding in findings}
    pages = {
        path: _page(path, text)
        for path, text in texts.items()
        if path in found_in or may_be_told(text)
    }
    kept = tuple(
        finding
        for finding in findings
        if finding.place.path not in pages or not _silenced(finding, pages[finding.place.path])
    )
    asked = {rule.code for rule in ran}
    invalid = [each for page in pages.values() for each in _invalid(page, rules)]
    unused = [each for page in pages.values() for each in _unused(page, rules, asked)]
    return Heard(kept, tuple(invalid), tuple(unused))


def _page(path: str, text: str) -> _Page:
    layout = laid_out(text)
    found = tuple(directives(layout.comments))
    by_line: dict[int, list[int]] = {}
    for number, directive in enumerate(found):
        by_line.setdefault(directive.line, []).append(number)
    whole = tuple(n for n, each in enumerate(found) if each.kind is Kind.IGNORE_FILE)
    return _Page(path, layout, found, by_line, whole, set())


def _silenced(finding: Finding, page: _Page) -> bool:
    lines = page.layout.heard_on(finding.place.span)
    heard = {*page.for_all, *(number for line in lines for number in page.by_line.get(line, ()))}
    against = {(n, word) for n in heard for word in _against(page.found[n], finding)}
    page.used.update(against)
    return bool(against)


def _against(directive: Directive, finding: Finding) -> Iterator[Word]:
    """The words of a directive that mean a finding."""
    if directive.fault:
        return
    for word in directive.words or (_EVERYTHING,):
        if word is _EVERYTHING or weight(word.text, finding.code, finding.rule):
            yield word


def _invalid(page: _Page, rules: Sequence[Rule]) -> Iterator[Finding]:
    for directive in page.found:
        if directive.fault:
            message = f"this comment is against no finding: {directive.fault}"
            yield _notice(INVALID, page, directive.span, message)
        for word in directive.words if directive.kind is not Kind.NOQA else ():
            if fault := _unknown(word, rules):
                yield _notice(INVALID, page, word.span, f"this comment names an {fault}")


def _unknown(word: Word, rules: Sequence[Rule]) -> str:
    try:
        require(rules, [word.text])
    except UnknownRule as error:
        return str(error)
    return ""


def _unused(page: _Page, rules: Sequence[Rule], asked: set[str]) -> Iterator[Finding]:
    for number, directive in enumerate(page.found):
        if directive.fault:
            continue
        if not directive.words:
            idle = (number, _EVERYTHING) not in page.used and directive.kind is not Kind.NOQA
            if idle and all(rule.code in asked for rule in rules):
                yield _notice(UNUSED, page, directive.span, "nothing that is found is ignored here")
            continue
        for word in directive.words:
            if (number, word) not in page.used and _was_asked(word, rules, asked):
                message = f"no `{word.text}` that is found is ignored here"
                yield _notice(UNUSED, page, word.span, message)


def _was_asked(word: Word, rules: Sequence[Rule], asked: set[str]) -> bool:
    """Whether all rules that a word stands for ran, so that it could have been of use."""
    meant = [rule.code for rule in rules if weight(word.text, rule.code, rule.name)]
    return bool(meant) and asked.issuperset(meant)


def _notice(kind: Rule, page: _Page, span: Span, message: str) -> Finding:
    return Finding(
        code=kind.code,
        rule=kind.name,
        severity=kind.severity,
        confidence=Confidence.CERTAIN,
        message=message,
        place=Place(page.path, span),
        help="take it away" if kind is UNUSED else "write it as `# evalguard: ignore[rule]`",
    )
