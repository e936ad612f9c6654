"""A notebook's JSON → where in it the cells' sources stand.

The text is known to be valid JSON. Only what leads to the cells is gone through by hand; Python's
own decoder tells where each value ends.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from evalguard.records import NamedTuple

_BLANK = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()


class Span(NamedTuple):
    """Where a value starts and ends, as indexes into the text."""

    start: int
    end: int


def cells(text: str) -> Iterator[dict[str, Span]]:
    """Yield where each cell's members are, in the order of the cells.

    Args:
        text: Valid JSON; an object that has ``cells``, or ``worksheets`` that have some.
    """
    top = members(text, _skip(text, 0))
    sheets = (
        [members(text, at) for at, _ in items(text, top["worksheets"].start)]
        if "worksheets" in top
        else [top]
    )
    for sheet in sheets:
        if "cells" in sheet:
            yield from (members(text, at) for at, _ in items(text, sheet["cells"].start))


def members(text: str, start: int) -> dict[str, Span]:
    """Find the members of the object that starts here; of one name, the last counts."""
    found = {}
    at = _skip(text, start + 1)
    while text[at] != "}":
        name, at = _DECODER.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)
        found[name] = Span(at, _end(text, at))
        at = _next(text, found[name].end)
    return found


def items(text: str, start: int) -> Iterator[Span]:
    """Find the items of the array that starts here."""
    at = _skip(text, start + 1)
    while text[at] != "]":
        span = Span(at, _end(text, at))
        yield span
        at = _next(text, span.end)


def _end(text: str, start: int) -> int:
    end: int = _DECODER.raw_decode(text, start)[1]
    return end


def _next(text: str, at: int) -> int:
    at = _skip(text, at)
    return _skip(text, at + 1) if text[at] == "," else at


def _skip(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    assert match is not None
    return match.end()
