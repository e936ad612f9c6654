"""Text and findings → text with comments against them, or without comments that are of no use.

Texts have line ends of one kind. All else in them stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable

from evalguard.finding import Finding
from evalguard.places import Span
from evalguard.suppress.directives import WORD, Directive, Kind, directives
from evalguard.suppress.layout import Layout, laid_out
from evalguard.suppress.notices import CODES, UNUSED


def with_ignores(text: str, findings: Iterable[Finding]) -> str:
    """Put a comment against each finding.

    It ends the line where the finding starts, or that where its statement ends, if a comment
    can't stand there: inside of a string, or before the end of a continued line. A comment that
    is already there is added to.

    Args:
        text: The file.
        findings: What was found in it.
    """
    layout = laid_out(text)
    wanted: dict[int, set[str]] = {}
    for finding in findings:
        if finding.code not in CODES:
            wanted.setdefault(layout.line_for(finding.place.span), set()).add(finding.rule)
    lines = text.split("\n")
    for line, rules in wanted.items():
        lines[line - 1] = _with_rules(lines[line - 1], sorted(rules), _extendable(layout, line))
    return "\n".join(lines)


def _extendable(layout: Layout, line: int) -> Directive | None:
    """The comment of a line that can take more rules."""
    here = (comment for comment in layout.comments if comment.line == line)
    return next(
        (
            each
            for each in directives(here)
            if each.kind is Kind.IGNORE and each.words and not each.fault
        ),
        None,
    )


def _with_rules(line: str, rules: list[str], known: Directive | None) -> str:
    if known is None:
        return f"{line.rstrip()}  # evalguard: ignore[{', '.join(rules)}]"
    end = known.words[-1].span.end_column - 1
    return f"{line[:end]}, {', '.join(rules)}{line[end:]}"


def without_ignores(text: str, unused: Iterable[Finding]) -> str:
    """Take away comments that are of no use, or the words in them that aren't.

    Args:
        text: The file.
        unused: Findings of ``unused-ignore`` in it; others don't count.
    """
    spans = {finding.place.span for finding in unused if finding.code == UNUSED.code}
    lines: list[str | None] = [*text.split("\n")]
    found = directives(laid_out(text).comments)
    for directive in sorted(found, key=lambda each: each.span, reverse=True):
        line = lines[directive.line - 1]
        if line is not None:
            lines[directive.line - 1] = _without(line, directive, spans)
    return "\n".join(line for line in lines if line is not None)


def _without(line: str, directive: Directive, spans: set[Span]) -> str | None:
    """A line without what is idle in a comment; None if nothing is left of the line."""
    left = [word for word in directive.words if word.span not in spans]
    if directive.span in spans or (directive.words and not left and not directive.others):
        return _cut(line, directive.span)
    if len(left) == len(directive.words):
        return line
    start, end = directive.listed.column - 1, directive.listed.end_column - 1
    idle = {word.span.column - 1 - start for word in directive.words if word.span in spans}
    return line[:start] + _shortened(line[start:end], idle) + line[end:]


def _cut(line: str, span: Span) -> str | None:
    before, after = line[: span.column - 1].rstrip(), line[span.end_column - 1 :].lstrip()
    if not after:
        return before or None
    gap = "  " if before else line[: span.column - 1]
    return f"{before}{gap}{after}"


def _shortened(listed: str, idle: set[int]) -> str:
    """A list without the words that start at some places, and what parts each from those before."""
    words = [*WORD.finditer(listed)]
    starts, ends = [word.start() for word in words], [0, *(word.end() for word in words)]
    parts = [
        (listed[before : word.start()], word[0])
        for before, word in zip(ends, words, strict=False)
        if word.start() not in idle
    ]
    inside = "".join(gap + word for gap, word in parts).removeprefix(parts[0][0])
    return f"{listed[: starts[0]]}{inside}{listed[ends[-1] :]}"
