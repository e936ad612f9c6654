"""A notebook's JSON → one program: its cells' Python in their order, and which line is where.

The program has a line before each cell, ``# %% [cell 3]``, so that changed text can be put back
into the cells it came from.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from evalguard.places import Cell
from evalguard.records import NamedTuple, dataclass
from evalguard.source import layout, magics
from evalguard.source.layout import Span
from evalguard.source.restoring import restored
from evalguard.source.unreadable import Unreadable

OLDEST = 3
TOO_DEEP = "nested too deeply to be a notebook"

_PYTHON = re.compile(r"i?python", re.IGNORECASE)
_LINES = re.compile(r"[^\n]*\n|[^\n]+")
_LONE = re.compile(r"[\ud800-\udfff]")
_INDENTED = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n)*[ \t]+[^\s#]")


class Part(NamedTuple):
    """A cell of the program.

    Args:
        number: Its number among all cells, from 1.
        text: Its source as written, with line ends of one kind.
        code: The same as Python, line by line.
        span: Where its source is in the notebook's JSON.
        file_lines: The line of the file that each line of it is on.
    """

    number: int
    text: str
    code: str
    span: Span
    file_lines: tuple[int, ...]

    @property
    def head(self) -> str:
        """The line before it; a block if it is indented, as IPython lets a cell be."""
        block = "if 1:  " if _INDENTED.match(self.code) else ""
        return f"{block}# %% [cell {self.number}]\n"

    @property
    def begins_freely(self) -> bool:
        """Whether lines can be put before its first one."""
        return not (_INDENTED.match(self.code) or self.text.lstrip().startswith("%%"))

    @property
    def lines(self) -> Iterator[Cell]:
        """Where its lines are, its head first."""
        yield Cell(self.number, 1, self.file_lines[0])
        for line, file_line in enumerate(self.file_lines, 1):
            yield Cell(self.number, line, file_line)


@dataclass(frozen=True, slots=True)
class Notebook:
    """A notebook's JSON as it is in the file, and its cells of Python."""

    raw: str
    parts: tuple[Part, ...]

    @property
    def code(self) -> str:
        """The program; what isn't Python is blanked."""
        return "".join(f"{part.head}{part.code}\n" for part in self.parts)

    @property
    def lines(self) -> tuple[Cell, ...]:
        """Which line of which cell each line of the program is."""
        return tuple(line for part in self.parts for line in part.lines)

    def with_code(self, code: str) -> str:
        """Put changed code into the cells.

        Args:
            code: ``self.code`` with changes, but neither to the lines before the cells nor to what
                is blanked. What is put before the first of these lines begins the first cell.

        Returns:
            The JSON. Sources of changed cells are replaced, in the form they had; all else is
            as it was, to the character.

        Raises:
            ValueError: A line before a cell is gone, or there twice; or the first cell can't
                begin with anything else; or something blanked was changed.
        """
        pieces, at = [], 0
        for part, new in zip(self.parts, self._split(code), strict=True):
            if new != part.code:
                value = self._value(part.span, restored(part.text, part.code, new))
                pieces += [self.raw[at : part.span.start], value]
                at = part.span.end
        return "".join((*pieces, self.raw[at:]))

    def _split(self, code: str) -> list[str]:
        """The code of each cell."""
        heads = "|".join(re.escape(part.head) for part in self.parts)
        first, *found = re.split(f"^({heads})", code, flags=re.MULTILINE) if heads else [code]
        if found[::2] != [part.head for part in self.parts] or (first and not found):
            raise ValueError("the lines between the cells of a notebook were changed")
        cells = [cell.removesuffix("\n") for cell in found[1::2]]
        if first:
            if not self.parts[0].begins_freely:
                raise ValueError("the first cell of the notebook can't begin with anything else")
            cells[0] = first + cells[0]
        return cells

    def _value(self, old: Span, text: str) -> str:
        """A source as JSON, written as the one that it replaces; unchanged lines are kept."""
        if self.raw[old.start] != "[":
            return self._dumped(text)
        spans = list(layout.items(self.raw, old.start))
        kept = {_line(value): value for value in (self.raw[slice(*span)] for span in spans)}
        first, between, last = self._blanks(old, spans)
        values = [kept.get(line) or self._dumped(line) for line in _LINES.findall(text)]
        return f"[{first}{f',{between}'.join(values)}{last}]" if values else "[]"

    def _blanks(self, old: Span, spans: Sequence[Span]) -> tuple[str, str, str]:
        """What stands before, between and after the items of an array."""
        beside = " " if self.raw[old.start - 1].isspace() else ""
        if not spans:
            return "", beside, ""
        first = self.raw[old.start + 1 : spans[0].start]
        last = self.raw[spans[-1].end : old.end - 1]
        if len(spans) == 1:
            return first, first or beside, last
        return first, self.raw[spans[0].end : spans[1].start].replace(",", ""), last

    def _dumped(self, text: str) -> str:
        escaped = self.raw.isascii() and "\\u" in self.raw
        return json.dumps(text, ensure_ascii=escaped or _LONE.search(text) is not None)


def parse(raw: str) -> Notebook:
    """Read a notebook.

    Args:
        raw: Its JSON, of format 3 or newer.

    Returns:
        The notebook; without cells if its language isn't Python.

    Raises:
        Unreadable: It isn't JSON, or no notebook of these formats.
    """
    document = _document(raw)
    if not _is_python(document):
        return Notebook(raw, ())
    try:
        return Notebook(raw, tuple(_parts(document, raw)))
    except RecursionError:
        raise Unreadable(TOO_DEEP) from None


def _parts(document: dict[str, Any], raw: str) -> Iterator[Part]:
    breaks = [match.start() for match in re.finditer("\n", raw)]
    spans = layout.cells(raw)
    for number, (cell, at) in enumerate(zip_longest(_cells(document), spans), 1):
        name = "input" if "input" in cell else "source"
        if _is_code(cell):
            yield _part(number, cell.get(name), raw, at.get(name), breaks)


def _document(raw: str) -> dict[str, Any]:
    try:
        document = json.loads(raw)
    except json.JSONDecodeError as error:
        reason = f"not valid JSON: {error.msg}"
        raise Unreadable(reason, error.lineno, error.colno) from None
    except RecursionError:
        raise Unreadable(TOO_DEEP) from None
    except ValueError:
        raise Unreadable("holds a number that is too long for Python") from None
    version = document.get("nbformat") if isinstance(document, dict) else None
    if not isinstance(version, int) or isinstance(version, bool):
        raise Unreadable("not a notebook: it doesn't tell its `nbformat`")
    if version < OLDEST:
        raise Unreadable(f"a notebook of a format before {OLDEST}: save it with a newer Jupyter")
    assert isinstance(document, dict)
    return document


def _is_python(document: Mapping[str, Any]) -> bool:
    """Whether the kernel runs Python, which it does unless it is told."""
    metadata = _object(document.get("metadata"))
    told = _object(metadata.get("language_info")).get("name")
    told = told or _object(metadata.get("kernelspec")).get("language")
    return not isinstance(told, str) or _PYTHON.match(told) is not None


def _cells(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    sheets = document.get("worksheets", [document])
    if not isinstance(sheets, list) or not all(isinstance(sheet, dict) for sheet in sheets):
        raise Unreadable("not a notebook: `worksheets` isn't a list of objects")
    for sheet in sheets:
        cells = sheet.get("cells", [])
        if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
            raise Unreadable("not a notebook: `cells` isn't a list of objects")
        yield from cells


def _is_code(cell: Mapping[str, Any]) -> bool:
    """Whether a cell holds code of the notebook's language, as far as it is told."""
    editor = _object(_object(cell.get("metadata")).get("vscode"))
    told = editor.get("languageId") or cell.get("language") or "python"
    return cell.get("cell_type") == "code" and _PYTHON.match(str(told)) is not None


def _part(number: int, source: object, raw: str, span: Span | None, breaks: Sequence[int]) -> Part:
    values: list[Any] = source if isinstance(source, list) else [source]
    if span is None or not all(isinstance(value, str) for value in values):
        raise Unreadable(f"not a valid notebook: cell {number} has no source")
    text = _unified("".join(values))
    items = layout.items(raw, span.start) if isinstance(source, list) else [span]
    rows = [bisect_left(breaks, item.start) + 1 for item in items]
    breaks_in = [_unified(value).count("\n") for value in values]
    lines = [row for row, count in zip(rows, breaks_in, strict=True) for _ in range(count)]
    lines.append(rows[-1] if rows else bisect_left(breaks, span.start) + 1)
    file_lines = tuple(lines[: text.count("\n") + 1])
    return Part(number, text, magics.of_cell(text), span, file_lines)


def _unified(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _line(value: str) -> str:
    line = json.loads(value)
    assert isinstance(line, str)
    return _unified(line)


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
