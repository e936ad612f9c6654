"""``Result`` ↔ plain lists for JSON; what isn't exactly such lists is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from evalguard.finding import Confidence, Evidence, FileError, Finding, Result, Severity
from evalguard.places import MOST, Cell, Place, Span
from evalguard.repair import Action, Repair

T = TypeVar("T")


class Foreign(Exception):
    """What was read is nothing that was written here."""


def encoded(result: Result) -> list[object]:
    """A result as lists, numbers and strings."""
    findings = [_finding(each) for each in result.findings]
    return [findings, [_error(each) for each in result.errors], result.files]


def decoded(plain: object) -> Result:
    """The result that lists stand for.

    Raises:
        Foreign: They stand for none.
    """
    findings, errors, files = _row(plain, 3)
    return Result(_each(findings, _read_finding), _each(errors, _read_error), _typed(files, int))


def _finding(each: Finding) -> list[object]:
    return [
        each.code, each.rule, int(each.severity), int(each.confidence), each.message,
        _place(each.place), [[_place(item.place), item.message] for item in each.evidence],
        each.help, each.fix and _repair(each.fix),
    ]  # fmt: skip


def _read_finding(plain: object) -> Finding:
    code, rule, severity, confidence, message, place, evidence, text, fix = _row(plain, 9)
    return Finding(
        code=_typed(code, str),
        rule=_typed(rule, str),
        severity=_member(Severity, severity),
        confidence=_member(Confidence, confidence),
        message=_typed(message, str),
        place=_read_place(place),
        evidence=_each(evidence, _read_evidence),
        help=_typed(text, str),
        fix=_optional(fix, _read_repair),
    )


def _read_evidence(plain: object) -> Evidence:
    place, message = _row(plain, 2)
    return Evidence(_read_place(place), _typed(message, str))


def _error(each: FileError) -> list[object]:
    return [each.path, each.reason, each.line, each.column, each.cell]


def _read_error(plain: object) -> FileError:
    path, reason, line, column, cell = _row(plain, 5)
    return FileError(
        _typed(path, str), _typed(reason, str), _typed(line, int), _typed(column, int),
        _optional(cell, _read_cell),
    )  # fmt: skip


def _place(place: Place) -> list[object]:
    return [place.path, *place.span.start, *place.span.end, place.cell]


def _read_place(plain: object) -> Place:
    path, *span, cell = _row(plain, 6)
    return Place(
        _typed(path, str), Span(*[_number(each) for each in span]), _optional(cell, _read_cell)
    )


def _number(plain: object) -> int:
    number = _typed(plain, int)
    if not 0 <= number <= MOST:
        raise Foreign
    return number


def _read_cell(plain: object) -> Cell:
    return Cell(*[_typed(each, int) for each in _row(plain, 3)])


def _repair(fix: Repair) -> list[object]:
    turns = [_place(each) for each in fix.turns]
    return [
        fix.action.name, _place(fix.place), fix.safe, fix.subject, fix.flag, fix.position,
        fix.loop and _place(fix.loop), turns, fix.once,
    ]  # fmt: skip


def _read_repair(plain: object) -> Repair:
    action, place, safe, subject, flag, position, loop, turns, once = _row(plain, 9)
    if action not in Action.__members__:
        raise Foreign
    return Repair(
        action=Action[action],
        place=_read_place(place),
        safe=_typed(safe, bool),
        subject=_typed(subject, str),
        flag=_typed(flag, str),
        position=_optional(position, lambda each: _typed(each, int)),
        loop=_optional(loop, _read_place),
        turns=_each(turns, _read_place),
        once=_typed(once, bool),
    )


def _row(plain: object, length: int) -> list[Any]:
    if type(plain) is not list or len(plain) != length:
        raise Foreign
    return plain


def _typed(plain: object, kind: type[T]) -> T:
    if type(plain) is not kind:
        raise Foreign
    return plain


def _member(kind: Callable[[int], T], plain: object) -> T:
    try:
        return kind(_typed(plain, int))
    except ValueError:
        raise Foreign from None


def _each(plain: object, read: Callable[[object], T]) -> tuple[T, ...]:
    return tuple([read(each) for each in _typed(plain, list)])


def _optional(plain: object, read: Callable[[object], T]) -> T | None:
    return None if plain is None else read(plain)
