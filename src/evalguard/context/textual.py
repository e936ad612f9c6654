"""A file's bytes → its imports and the names it binds, as far as a look at its lines tells.

This is for the many files of a project that nothing may need: no file is parsed before something
in it is known to matter. What is wrongly taken for an import, in a docstring say, only leads to a
closer look.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from evalguard.events import Import
from evalguard.places import NOWHERE
from evalguard.records import NamedTuple

LONGEST = 500

_FROM = re.compile(r"from\s*(\.*)\s*([\w.]*)\s*")
_IMPORT = re.compile(rb"import\b")
_WORD = re.compile(rb"\w+")
_AS = re.compile(r"([\w.]+|\*)(?:\s+as\s+(\w+))?")
_PARAMETERS = re.compile(rb"\.(\w+)\.(?:named_parameters|parameters|requires_grad_)\b")
_BOUND = re.compile(
    rb"^(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)"
    rb"|^(\w+(?:[ \t]*,[ \t]*\w+){0,20})[ \t]*(?::[^\n=]*)?=(?!=)",
    re.MULTILINE,
)


class Surface(NamedTuple):
    """The names that a file binds, those of them that it assigns, and its star imports."""

    names: frozenset[str]
    variables: frozenset[str]
    stars: tuple[Import, ...]


def imports(data: bytes) -> Iterator[Import]:
    """The import statements of a file, as ``lower`` would tell them."""
    for match in _IMPORT.finditer(data):
        nearest = max(match.start() - LONGEST, 0)
        start = data.rfind(b"\n", nearest, match.start()) + 1
        if not start and nearest:
            continue
        head = _after_others(data[start : match.start()])
        if not head:
            yield from _plain(_text(_line(data, match.end())))
        elif head.startswith(b"from"):
            source = _FROM.fullmatch(_text(head))
            if source:
                yield from _named(_text(_list(data, match.end())), source[2], len(source[1]))


def frozen(data: bytes) -> frozenset[str]:
    """The names of parts of a module whose parameters a file may freeze from outside."""
    if b"requires_grad" not in data:
        return frozenset()
    return frozenset(map(_text, _PARAMETERS.findall(data)))


def words(data: bytes) -> frozenset[str]:
    """Every word in a file, whatever it stands for."""
    return frozenset(_text(word) for word in set(_WORD.findall(data)))


def surface(data: bytes) -> Surface:
    """What a file shows of itself in its first column and by its imports."""
    found = tuple(imports(data))
    bound = _BOUND.findall(data)
    defined = {_text(name) for name, _ in bound if name}
    variables = {name.strip() for _, row in bound if row for name in _text(row).split(",")}
    names = {stmt.bound for stmt in found} | defined | variables
    stars = tuple(stmt for stmt in found if stmt.name == "*")
    return Surface(frozenset(names), frozenset(variables), stars)


def _after_others(head: bytes) -> bytes:
    """What stands before ``import`` on its line, other statements and clauses aside."""
    return head[max(head.rfind(b";"), head.rfind(b":")) + 1 :].strip()


def _plain(text: str) -> Iterator[Import]:
    for part in text.split(","):
        match = _AS.match(part.strip())
        if match:
            module, bound = match[1], match[2]
            yield Import(module, 0, None, bound or module.partition(".")[0], NOWHERE)


def _named(text: str, module: str, level: int) -> Iterator[Import]:
    for part in text.split(","):
        match = _AS.match(part.strip())
        if match:
            yield Import(module, level, match[1], match[2] or match[1], NOWHERE)


def _list(data: bytes, start: int) -> bytes:
    """What follows ``from a import``: up to the closing bracket, if there is one."""
    line = _line(data, start)
    code, opening, _ = line.partition(b"(")
    if not opening or code.strip():
        return line
    found = []
    end = data.find(b"(", start) + 1
    closing = b""
    while not closing and 0 < end < len(data):
        start, end = end, data.find(b"\n", end) + 1
        text = data[start : end or len(data)]
        code, closing, _ = text.partition(b"#")[0].partition(b")")
        found.append(code.strip())
    return b" ".join(found)


def _line(data: bytes, start: int) -> bytes:
    """The rest of a line, and of those that continue it."""
    end = data.find(b"\n", start)
    while end >= 0 and data[start:end].rstrip(b"\r").endswith(b"\\"):
        end = data.find(b"\n", end + 1)
    line = data[start : end if end >= 0 else len(data)]
    return line.replace(b"\\\r\n", b" ").replace(b"\\\n", b" ").partition(b"#")[0]


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
