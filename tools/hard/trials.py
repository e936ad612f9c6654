"""An input → evalguard's own way through it; whatever it raises is a failure.

Besides not crashing, evalguard must not lie: places lie in the files, an unchanged text is written
back as it was, fixes give texts that can be read, a second look sees the same, and reports are
safe to print.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from evalguard.check import Options, check_texts
from evalguard.config.files import ConfigError
from evalguard.config.layers import configured
from evalguard.config.toml import written
from evalguard.finding import Confidence, Result
from evalguard.places import Place
from evalguard.report.formats import FORMATS, View, render
from evalguard.source import Source, Unreadable, decoded, from_text, rewritten
from evalguard.suppress.baseline import BaselineError, compared
from evalguard.suppress.baseline import read as read_baseline
from evalguard.suppress.writing import with_ignores
from tools.hard.inputs import Input

CODE = (".py", ".ipynb")
EVERYTHING = Options(min_confidence=Confidence.POSSIBLE, warn_unused_ignores=True)
_HARMFUL = {"Cc", "Cf", "Cs", "Zl", "Zp"}


class Lie(AssertionError):
    """Something that evalguard says and that isn't so."""


def tried(given: Input, folder: Path) -> None:
    """Take an input the whole way.

    Args:
        given: The input.
        folder: Where files may be written that evalguard only reads from a disk.

    Raises:
        Exception: Whatever evalguard ought not to raise.
    """
    options = EVERYTHING
    for name, data in given.files.items():
        if name.endswith(".toml"):
            found = _configured(folder / name, data)
            options = found or options
    texts = _texts(given.files)
    result = check_texts(texts, options)
    _places(result, texts)
    for name, data in given.files.items():
        if name.endswith(".json"):
            _baseline(folder / name, data, result, texts)
    if len(given.files.get("main.py", b"")) % 7 == 0:
        _same(result, check_texts(texts, options))
        _written(result, texts)
        _reported(result, texts)


def _texts(files: Mapping[str, bytes]) -> dict[str, str]:
    """The files of code that are text."""
    texts = {}
    for name, data in files.items():
        if name.endswith(CODE):
            try:
                texts[name] = decoded(data, name)
            except Unreadable as error:
                _told(error)
    return texts


def _told(error: Unreadable) -> None:
    if not error.reason or "\n" in error.reason:
        raise Lie(f"a reason that is no line: {error.reason!r}")


def _configured(path: Path, data: bytes) -> Options | None:
    path.write_bytes(data)
    try:
        found = configured(config=os.fspath(path))
        written(found)
        return found.options()
    except ConfigError as error:
        if "\n" in error.reason:
            raise Lie(f"a reason that is no line: {error.reason!r}") from None
        return None
    finally:
        path.unlink()


def _baseline(path: Path, data: bytes, result: Result, texts: Mapping[str, str]) -> None:
    path.write_bytes(data)
    try:
        known = read_baseline(os.fspath(path))
    except BaselineError:
        return
    finally:
        path.unlink()
    compared(result.findings, known, "", lambda name: _source(name, texts).text.split("\n"))


def _source(path: str, texts: Mapping[str, str]) -> Source:
    return from_text(texts[path], path)


def _places(result: Result, texts: Mapping[str, str]) -> None:
    for error in result.errors:
        if not error.reason or "\n" in error.reason or min(error.line, error.column) < 0:
            raise Lie(f"no error for people: {error}")
    lines_of = {path: _source(path, texts).text.split("\n") for path in _mentioned(result)}
    for finding in result.findings:
        for place in (finding.place, *(item.place for item in finding.evidence)):
            _inside(place, lines_of[place.path])


def _mentioned(result: Result) -> set[str]:
    places = (finding.place for finding in result.findings)
    others = (item.place for finding in result.findings for item in finding.evidence)
    return {place.path for place in (*places, *others)}


def _inside(place: Place, lines: list[str]) -> None:
    (line, column), (end_line, end_column) = place.span.start, place.span.end
    fits = 1 <= line <= end_line <= len(lines) and place.span.start <= place.span.end
    if not (
        fits
        and 1 <= column <= len(lines[line - 1]) + 1
        and end_column <= len(lines[end_line - 1]) + 1
    ):
        raise Lie(f"a place outside of its file: {place}")


def _same(first: Result, second: Result) -> None:
    if first != second:
        raise Lie("a second look sees something else")


def _written(result: Result, texts: Mapping[str, str]) -> None:
    for path, text in texts.items():
        here = [finding for finding in result.findings if finding.place.path == path]
        try:
            source = _source(path, texts)
        except Unreadable:
            continue
        if rewritten(text, path, source.text) != text:
            raise Lie(f"{path}: an unchanged text isn't written back as it was")
        silenced = with_ignores(source.text, here)
        if silenced.count("\n") != source.text.count("\n"):
            raise Lie(f"{path}: comments changed the lines")
        _fixed(result, source)


def _fixed(result: Result, source: Source) -> None:
    from evalguard.fix.planning import plan
    from evalguard.fix.text import edited

    here = [each for each in result.findings if each.place.path == source.path]
    for fix in plan(source.text, here):
        for way in fix.ways:
            edited(source.text, way)


def _reported(result: Result, texts: Mapping[str, str]) -> None:
    view = View(lines_of=partial(_lines, texts=texts))
    for name in FORMATS:
        for char in set(re.sub(r"[\n -~]", "", render(name, result, view))):
            if unicodedata.category(char) in _HARMFUL:
                raise Lie(f"{name} prints {char!r}")


def _lines(path: str, cell: int | None, texts: Mapping[str, str]) -> list[str]:
    from evalguard.source import as_written

    return as_written(texts[path], path).get(cell or 0, "").split("\n")
