"""A file's bytes → what joins it to other files, and whether it can matter: without a parse."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from evalguard.context import textual
from evalguard.context.needs import bytes_of
from evalguard.link.imports import is_notebook
from evalguard.records import NamedTuple

_STRING = re.compile(rb"""["'](\.*)([A-Za-z_][\w.]*)["'{]""")
_TELLING = (b"torch", b"reveal_mode")

Imported = tuple[str, int, str | None]


class Glance(NamedTuple):
    """What a file shows.

    ``imports`` are the modules and names of its import statements, and packages of which it may
    import any module, with a dot after them. ``folders`` are what it puts on ``sys.path``.
    ``bare``: it holds nothing but comments. ``speaks``: it has a word that only code for PyTorch
    has.
    """

    imports: tuple[Imported, ...] = ()
    folders: frozenset[str] = frozenset()
    bare: bool = False
    speaks: bool = True
    size: int = 0

    def tells(self, packages: Collection[str]) -> bool:
        """Whether something in the file may bear on modes or gradients.

        Args:
            packages: The libraries that have to do with modules; ``*`` if any may.
        """
        return (
            self.speaks
            or "*" in packages
            or any(
                not level and module.partition(".")[0] in packages
                for module, level, _ in self.imports
            )
        )


def glance(path: str) -> Glance:
    """Look at a file; what can't be read shows nothing."""
    return shown(bytes_of(path), path)


def shown(data: bytes, path: str) -> Glance:
    """Look at what a file holds.

    Args:
        data: What it holds.
        path: The file.
    """
    plain = _cells(data) if is_notebook(path) else data
    return Glance(
        tuple(dict.fromkeys(_imports(plain))),
        _folders(data, path),
        not any(line and not line.startswith(b"#") for line in map(bytes.strip, data.split(b"\n"))),
        any(word in plain for word in _TELLING),
        len(data),
    )


def _cells(data: bytes) -> bytes:
    """The lines of a notebook's strings, whatever they stand for, each as a line."""
    return data.replace(b"\\n", b"\n").replace(b'"', b"\n")


def _imports(data: bytes) -> Iterator[Imported]:
    for stmt in textual.imports(data):
        yield stmt.module, stmt.level, stmt.name
        if stmt.name is None:
            outer = stmt.module.rpartition(".")[0]
            while outer:
                yield outer, 0, None
                outer = outer.rpartition(".")[0]
    if b"import_module" in data:
        for match in _STRING.finditer(data):
            yield match[2].decode("utf-8", "replace"), len(match[1]), None


def _folders(data: bytes, path: str) -> frozenset[str]:
    if b"sys.path" not in data and b"addsitedir" not in data:
        return frozenset()
    from evalguard.lower import search_path
    from evalguard.source import Unreadable, decoded, from_text

    try:
        return search_path(from_text(decoded(data, path), path))
    except (Unreadable, RecursionError):
        return frozenset()
