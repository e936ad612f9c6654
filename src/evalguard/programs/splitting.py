"""Files, and what a look at each shows → the programs that they are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from evalguard.programs import Files
from evalguard.programs.glance import Glance
from evalguard.programs.joining import joined
from evalguard.programs.projects import Projects


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
