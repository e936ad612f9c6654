"""Units → ``Program``: which file an import means, in the tree that is checked."""

from __future__ import annotations

from collections.abc import Iterable

from evalguard.events import Unit
from evalguard.knowledge import Knowledge
from evalguard.link.imports import Imports
from evalguard.link.interest import Interest, interest
from evalguard.records import NamedTuple

__all__ = ["Interest", "Program", "link"]


class Program(NamedTuple):
    """The files of a run, by path in a fixed order, and how they import one another.

    ``interest`` tells which names can bear on modes and gradients.
    """

    units: dict[str, Unit]
    imports: Imports
    knowledge: Knowledge
    interest: Interest


def link(
    units: Iterable[Unit],
    knowledge: Knowledge,
    unread: Iterable[str] = (),
    here: str = "",
    src: Iterable[str] = (),
) -> Program:
    """Put units together.

    Args:
        units: The files, in any order.
        knowledge: What is known of libraries.
        unread: Files that imports may mean, though they aren't in the program.
        here: The folder that relative paths start from; without it, they have to lie below it.
        src: Folders that imports start from.

    Returns:
        The program, independent of the order.
    """
    by_path = {unit.path: unit for unit in sorted(units, key=lambda unit: unit.path)}
    files = by_path.values()
    imports = Imports(by_path, {unit.path: unit.folders for unit in files}, unread, here, src)
    return Program(by_path, imports, knowledge, interest(files, imports, knowledge))
