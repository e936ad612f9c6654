"""Files asked for → a ``Program`` with what of their project bears on them.

Nothing of the other files is shown: findings are in the files asked for, and only their story
leads elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from evalguard.context.callers import Callers
from evalguard.context.needs import Needs
from evalguard.context.openings import around, openings
from evalguard.context.outline import Item
from evalguard.events import DefineClass, Unit
from evalguard.facts import Fact
from evalguard.flow import flow
from evalguard.knowledge import Knowledge
from evalguard.link import Program, link
from evalguard.places import Place

MOST_LOOKED_AT = 10


class Context:
    """Chooses what to read around files.

    That is what their classes are made of; and a first look at the files tells what callers
    decide about, which is followed to what it needs and to what uses it. If there are many files,
    nearly all of this is among them: then it is what they need, and what uses that of them in
    which something is found.

    Args:
        asked: The files.
        files: The other files of their project.
        here: The folder that relative paths start from.
        knowledge: What is known of libraries.
        lowered: Reads a file; None if it can't be read.
        src: Folders that imports start from.
    """

    def __init__(
        self,
        asked: Sequence[Unit],
        files: Sequence[str],
        here: str,
        knowledge: Knowledge,
        lowered: Callable[[str], Unit | None],
        src: Sequence[str] = (),
    ) -> None:
        self._asked = asked
        self._src = src
        self._here = here
        self._knowledge = knowledge
        self._needs = Needs(asked if files else (), files, here, lowered, src)
        self._callers = Callers(self._needs)
        self._opened: set[int] = set()
        if files and asked:
            self._choose()

    def program(self) -> Program:
        """The files asked for, and what is read beside them."""
        units = self._needs.units()
        unread = self._needs.files - {unit.path for unit in units}
        return link((*self._asked, *units), self._knowledge, unread, self._here, self._src)

    def widen(self, places: Iterable[Place]) -> bool:
        """Read what bears on places of the files asked for; whether that is more than before."""
        lines: dict[str, list[int]] = {path: [] for path in self._needs.asked}
        for place in places:
            lines.get(place.path, []).append(place.line)
        before = self._needs.units()
        asked = self._needs.asked
        self._open({path: list(around(asked[path], of)) for path, of in lines.items()})
        return self._needs.units() != before

    def _choose(self) -> None:
        asked = self._needs.asked
        many = len(asked) > MOST_LOOKED_AT
        opened = {} if many else self._openings()
        for path, found in asked.items():
            for item in found.items:
                if many or isinstance(item.stmt, DefineClass):
                    self._needs.take(path, item)
        self._open(opened)

    def _openings(self) -> dict[str, list[Item]]:
        """The statements that callers decide about, by file."""
        facts, frozen, known = self._first_look(), self._needs.frozen(), self._knowledge
        return {
            path: list(openings(found, facts, self._needs.variables(path), frozen, known))
            for path, found in self._needs.asked.items()
        }

    def _first_look(self) -> tuple[Fact, ...]:
        """What the files tell by themselves if everything unknown may be a module."""
        units = [unit._replace(uses=unit.uses | {"torch"}) for unit in self._asked]
        program = link(units, self._knowledge, self._needs.files, self._here, self._src)
        interest = program.interest._replace(all=True)
        return flow(program._replace(interest=interest))

    def _open(self, items: Mapping[str, Iterable[Item]]) -> None:
        """Follow statements to what they need, and to what uses them."""
        names: dict[str, set[str]] = {}
        for path, opened in items.items():
            for item in opened:
                if id(item.stmt) not in self._opened:
                    self._opened.add(id(item.stmt))
                    self._needs.take(path, item)
                    names.setdefault(path, set()).update(item.binds)
        self._needs.complete()
        self._callers.take(names)
