"""Text from anywhere → text that is safe to print, and the sentences that reports share."""

from __future__ import annotations

import unicodedata

from evalguard.finding import FileError, Result, Severity
from evalguard.places import Cell, Place

TAB = "    "
NONCHARACTERS = "\ufffe\uffff"


def visible(text: str) -> str:
    """Write out what a terminal would obey or hide.

    Control characters, direction marks, zero-width characters, lone surrogates and what is no
    character become escapes as in a Python string; tabs become four spaces.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(char) for char in text)


def _visible(char: str) -> str:
    if char == "\t":
        return TAB
    if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} or char in NONCHARACTERS:
        return char.encode("unicode_escape").decode("ascii")
    return char


def located(path: str, line: int, column: int, cell: Cell | None) -> str:
    """Tell where something is: ``path:line:column``, or ``path:cell 3:line:column``."""
    inside = f"cell {cell.number}:" if cell else ""
    return f"{visible(path)}:{inside}{line}:{max(column, 1)}"


def position(place: Place) -> str:
    """Tell where a place is."""
    return located(place.path, *place.shown.start, place.cell)


def in_cell(cell: Cell | None) -> str:
    """Begin a message about a place that is told by the line of a notebook's file."""
    return f"cell {cell.number}, line {cell.line}: " if cell else ""


def decodable(path: str) -> str:
    """A path as text that every program can decode; bytes that are no text become signs."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def count(number: int, noun: str) -> str:
    """Count things: ``1 file``, ``2 files``."""
    return f"{number} {noun}{'' if number == 1 else 'es' if noun.endswith('x') else 's'}"


def error_line(error: FileError) -> str:
    """Tell in one line why a file could not be checked."""
    place = visible(error.path)
    if error.line:
        place = located(error.path, error.line, error.column, error.cell)
    return f"{place}: could not be checked: {visible(error.reason)}"


def summary(result: Result) -> str:
    """Tell in one line what came out."""
    checked = f"in {count(result.files, 'file')}"
    if result.errors:
        checked += f"; {count(len(result.errors), 'file')} could not be checked"
    if not result.findings:
        return f"No problems found {checked}."
    by_severity = ", ".join(
        count(number, severity.word)
        for severity in sorted(Severity, reverse=True)
        if (number := sum(finding.severity == severity for finding in result.findings))
    )
    return f"Found {count(len(result.findings), 'problem')} ({by_severity}) {checked}."


def fixable(result: Result) -> str:
    """Tell in one line how many findings have a fix, and how to have it made; empty if none has."""
    fixes = [finding.fix for finding in result.findings if finding.fix is not None]
    safe = sum(fix.safe for fix in fixes)
    unsafe = len(fixes) - safe
    if safe and unsafe:
        return f"[*] {count(safe, 'fix')} with --fix, {unsafe} more with --fix --unsafe-fixes."
    if safe:
        return f"[*] {count(safe, 'fix')} with --fix."
    return f"{count(unsafe, 'fix')} with --fix --unsafe-fixes." if unsafe else ""
