"""Files, and what a look at each shows → the programs that they are."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

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
    wanted = frozenset(asked)
    found = [files for part in parts for files in _files(part, wanted, glances, packages)]
    return sorted(found, key=lambda each: order[each.asked[0]])


def _files(
    part: list[str],
    asked: frozenset[str],
    glances: Mapping[str, Glance],
    packages: Collection[str],
) -> Iterator[Files]:
    """The programs of files that belong together; where only syntax counts, each is one."""
    own = tuple(path for path in part if path in asked)
    if not any(glances[path].tells(packages) for path in part):
        for path in own:
            yield Files((path,), (), telling=False, size=glances[path].size)
    elif own:
        others = tuple(path for path in part if path not in asked)
        yield Files(own, others, telling=True, size=sum(glances[path].size for path in part))
