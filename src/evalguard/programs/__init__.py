"""Files → the programs that they are: what no import joins is checked apart.

Each program can be read and followed on its own: by another process, or not at all if its result
is known. So a package that is checked among others tells what it tells alone, and memory is
bounded by the largest program.
"""

from __future__ import annotations

from evalguard.records import NamedTuple


class Files(NamedTuple):
    """The files of a program.

    ``asked`` are those that findings are shown of, ``nearby`` those around them. ``telling`` says
    that something in them may bear on modes or gradients: else there is only syntax to check.
    ``size`` is in bytes.
    """

    asked: tuple[str, ...]
    nearby: tuple[str, ...] = ()
    telling: bool = True
    size: int = 0
