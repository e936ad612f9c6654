"""Turns a Markdown page into cases, and a case into what evalguard gets wrong about it.

The grammar. Each heading opens a case of its own. Its ``python`` fences are one program; a fence
is a file of its own after a line that holds just `` `name.py`: ``, or with the info string
``python file=name.py``. Marks stand at the end of a line of code:

    # error: [rule]          reported here, and shown by default
    # possible: [rule]       reported here, but only with --min-confidence possible
    # missed: [rule]         ought to be reported, and isn't: fails once it is
    # false alarm: [rule]    is reported, and ought not to be: fails once it isn't
    # revealed: train | eval what reveal_mode(net) on this line tells

A line without marks says that nothing is shown for it by default.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

MAIN = "main.py"

_HEADING = re.compile(r"(#{1,6})\s+(.+)")
_FENCE = re.compile(r"\s*(`{3,})\s*(.*)")
_NAME = re.compile(r"`([\w./-]+\.(?:py|ipynb))`:\s*")
_INFO = re.compile(r"python(?:\s+file=(\S+))?\s*")
_MARK = re.compile(r"#\s*(error|possible|missed|false alarm|revealed):([^#]*)")
_RULE = re.compile(r"\[([^\]]*)\]")


class Mark(NamedTuple):
    """What a line claims: the kind of claim, and the rule or the modes claimed."""

    line: int
    kind: str
    claim: str


class Seen(NamedTuple):
    """What evalguard says of a line: ``shown``, ``hidden`` (possible) or ``revealed``."""

    path: str
    line: int
    kind: str
    text: str


@dataclass
class Case:
    """One program of a page. Its files keep the page's line numbers."""

    page: str
    title: str
    files: dict[str, list[str]] = field(default_factory=dict)

    def texts(self) -> dict[str, str]:
        """Each file as text, with empty lines where the page has other things."""
        return {path: "\n".join(lines) + "\n" for path, lines in self.files.items()}

    def claimed_rules(self) -> set[str]:
        """The rules that its marks name."""
        found = (mark for lines in self.files.values() for mark in marks(lines))
        return {mark.claim for mark in found if mark.kind != "revealed"}

    def open(self, path: str) -> str:
        """Begin a file, which may stay empty; of no name, none."""
        if path:
            self.files.setdefault(path, [])
        return path

    def add(self, path: str, line: int, code: str) -> None:
        """Put one line of code where the page has it."""
        lines = self.files.setdefault(path, [])
        lines.extend([""] * (line - 1 - len(lines)))
        lines.append(code)


Observe = Callable[[Mapping[str, str]], Iterable[Seen]]


def pages(root: Path) -> list[Path]:
    """The suites below the fixtures' folder, the rules' own pages, and the program of the docs."""
    project = root.parent.parent
    rules = project / "src" / "evalguard" / "rules"
    own = [path for path in rules.glob("*.py") if not path.name.startswith("_")]
    suites = [path for room in ("rules", "flow", "real") for path in (root / room).glob("**/*.md")]
    return [*sorted(own), *sorted(suites), project / "docs" / "how-it-works.md"]


def cases(path: Path, shown: str = "") -> list[Case]:
    """The cases of a Markdown suite, or of the page in a rule's docstring."""
    text = path.read_text(encoding="utf-8")
    name = shown or path.name
    return list(parse(_docstring(text) if path.suffix == ".py" else text, name))


def parse(text: str, page: str) -> Iterator[Case]:
    """Split Markdown into cases that have code."""
    case, file, fence, name = Case(page, ""), MAIN, "", ""
    trail: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        opening = _FENCE.fullmatch(line)
        if fence:
            if opening and opening[1] == fence and not opening[2]:
                fence = ""
            elif file:
                case.add(file, number, line)
            continue
        if opening:
            fence, info = opening[1], _INFO.fullmatch(opening[2])
            file, name = case.open((info[1] or name or MAIN) if info else ""), ""
        elif heading := _HEADING.fullmatch(line):
            if case.files:
                yield case
            level = len(heading[1])
            trail = [*(above for above in trail if above[0] < level), (level, heading[2])]
            case = Case(page, " / ".join(title for _, title in trail))
        elif line.strip():
            named = _NAME.fullmatch(line)
            name = named[1] if named else ""
    if case.files:
        yield case


def marks(lines: Iterable[str]) -> Iterator[Mark]:
    """The claims that a file's lines make."""
    for number, line in enumerate(lines, start=1):
        for kind, rest in _MARK.findall(line):
            claims = [rest.strip()] if kind == "revealed" else _RULE.findall(rest)
            for claim in claims:
                yield Mark(number, kind, claim)


def failures(case: Case, observe: Observe) -> list[str]:
    """What the case claims and evalguard denies, or the other way round."""
    seen = list(observe(case.texts()))
    return [
        f"{case.page}:{line}: {fault}\n    {lines[line - 1].strip()}"
        for path, lines in case.files.items()
        for line, fault in sorted(_faults(list(marks(lines)), [s for s in seen if s.path == path]))
    ]


def _faults(claimed: list[Mark], seen: list[Seen]) -> Iterator[tuple[int, str]]:
    shown = {(s.line, s.text) for s in seen if s.kind == "shown"}
    hidden = {(s.line, s.text) for s in seen if s.kind == "hidden"} - shown
    allowed = {(m.line, m.claim) for m in claimed if m.kind in ("error", "false alarm", "missed")}
    for line, rule in shown - allowed:
        yield line, f"reported, not expected: {rule}"
    for mark in claimed:
        if mark.kind != "revealed":
            at = (mark.line, mark.claim)
            fault = _fault(mark.kind, at in shown, at in hidden)
            if fault:
                yield mark.line, f"{fault}: {mark.claim}"
    yield from _unlike({m.line: m.claim for m in claimed if m.kind == "revealed"}, seen)


def _fault(kind: str, shown: bool, hidden: bool) -> str:
    """What is wrong with one claim about a rule."""
    if kind == "error" and not shown:
        return "expected, only possible" if hidden else "expected, not reported"
    if kind == "possible" and not hidden and not shown:
        return "expected as possible, not reported"
    if kind == "missed" and shown:
        return "a known gap is cured, make the mark `error`"
    if kind == "false alarm" and not shown:
        return "a known false alarm is cured, take the mark away"
    return ""


def _unlike(claimed: dict[int, str], seen: list[Seen]) -> Iterator[tuple[int, str]]:
    revealed = {s.line: s.text for s in seen if s.kind == "revealed"}
    for line in claimed.keys() | revealed.keys():
        claim, text = claimed.get(line), revealed.get(line)
        if claim != text:
            yield line, f"revealed, expected: {claim or 'no mark'}; is: {text or 'nothing'}"


def _docstring(source: str) -> str:
    """A module's docstring, at the lines where it stands."""
    first = ast.parse(source).body[0]
    lines = source.splitlines()[: first.end_lineno]
    return "\n".join(lines).replace('"""', "")
