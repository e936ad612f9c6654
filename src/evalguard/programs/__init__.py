"""Files → the programs that they are: what no import joins is checked apart.

Each program can be read and followed on its own: by another process, or not at all if its result
is known. So a package that is checked among others tells what it tells alone, and memory is
bounded by the largest program.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from evalguard.programs.glance import Glance
from evalguard.programs.joining import joined
from evalguard.programs.projects import Projects
from evalguard.records import NamedTuple

__all__ = ["Files", "programs"]


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


def programs(
    asked: Sequence[str],
    glances: Mapping[str, Glance],
    projects: Projects,
    packages: Collection[str],
    here: str = "",
    src: Sequence[str] = (),
) -> list[Files]:
    """Split files into programs.

    Args:
        asked: The files to check.
        glances: What these and the other files of their projects show, by path.
        projects: Tells the project of a file.
        packages: The libraries that have to do with modules.
        here: The folder that relative paths start from.
        src: Folders that imports start from.

    Returns:
        The programs in which something is to be checked, in the order of the files.
    """
    order = {path: number for number, path in enumerate(dict.fromkeys((*asked, *glances)))}
    by_project: dict[str, list[str]] = {}
    for path in order:
        by_project.setdefault(projects.of(path), []).append(path)
    parts = [
        sorted(part, key=order.__getitem__)
        for paths in by_project.values()
        for part in joined({path: glances[path] for path in paths}, here, src)
    ]
    found = (_files(part, frozenset(asked), glances, packages) for part in parts)
    return sorted((each for each in found if each.asked), key=lambda each: order[each.asked[0]])


def _files(
    part: list[str],
    asked: frozenset[str],
    glances: Mapping[str, Glance],
    packages: Collection[str],
) -> Files:
    return Files(
        tuple(path for path in part if path in asked),
        tuple(path for path in part if path not in asked),
        any(glances[path].tells(packages) for path in part),
        sum(glances[path].size for path in part),
    )
