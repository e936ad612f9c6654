"""What callers that can't be seen are likely to have done before they call a method of an object.

An object that is made as its class says has modules of unseen modes, if it is given them. Its own
methods tell what becomes of these.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress

from evalguard.events import Define, Function
from evalguard.flow.atoms import Cls, Fun, Ref
from evalguard.flow.beside import put_in_train
from evalguard.flow.classes import Known
from evalguard.flow.core import ENTRY_FUEL, UNFINISHED, UNSEEN_CALLER, Frame
from evalguard.flow.hiding import Hiding
from evalguard.flow.record import Recorder
from evalguard.flow.state import ModeState, State
from evalguard.flow.values import only
from evalguard.link import Program
from evalguard.modes import Mode
from evalguard.places import Place

NEVER = frozenset(("__init__", "__new__", "__post_init__", "<lambda>"))
ROOTS = frozenset(("object", "abc.ABC", "typing.Generic", "typing.Protocol"))
Switch = tuple[str, Place]
EVALS = re.compile(r"(^|_)(eval|mode)(_|$)")


class Beforehand(Hiding):
    """Tells modes that an object's other methods leave behind."""

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self._switchable: dict[int, dict[int, ModeState]] = {}
        self._by_class: dict[int, dict[str, Switch]] = {}
        self._by_file: dict[str, dict[str, Switch]] = {}

    def switched_by_methods(self, me: Ref, cls: int, state: State) -> dict[int, ModeState]:
        """What an object's methods put in eval mode that do nothing else.

        They are there for callers, so those that can't be seen are likely to have called them.
        """
        found = self._switchable.get(cls)
        if found is None:
            found = self._switchable[cls] = {}
            for fun in self._switchers(cls, state):
                after = state.copy()
                if self._passes_nothing(self.bound_to(fun, me), after):
                    found.update(_in_eval(after))
        return found

    def _switchers(self, cls: int, state: State) -> list[Fun]:
        """The methods that leave a mode behind, and neither train nor measure."""
        found: dict[int, Fun] = {}
        for atom in self.classes.ancestry(cls):
            for stmt in self.classes[atom.number].cls.body if isinstance(atom, Cls) else ():
                if not isinstance(stmt, Define) or stmt.function.name in NEVER:
                    continue
                member = self.member(cls, stmt.function.name, state)
                fun = only(member) if member is not None else None
                if isinstance(fun, Fun) and _is_switcher(self.functions[fun.number]):
                    found[fun.number] = fun
        return list(found.values())

    def _passes_nothing(self, fun: Fun, state: State) -> bool:
        """Call a method as anybody may, off the record: whether it calls no module."""
        known = self.functions[fun.number]
        seen = known.walked, known.walks
        recorder, self.recorder = self.recorder, Recorder()
        self.fuel, self.loops = ENTRY_FUEL, []
        inner = self.frame_of(fun, known, 0)
        self.bind_parameters(inner, known, fun, UNSEEN_CALLER, state)
        with suppress(*UNFINISHED):
            self.walk(inner, known, state)
        known.walked, known.walks = seen
        passes, self.recorder = self.recorder.count(), recorder
        return not passes and self.fuel > 0

    def may_follow_training(self, known: Known) -> bool:
        """Whether a function evaluates what others of its class or file put in train mode."""
        return known.bearing.measures and self._evaluates(known) and bool(self._left_by(known))

    def _evaluates(self, known: Known) -> bool:
        return not known.bearing.trains and self.speaks("evaluation", known.function.name)

    def _left_by(self, known: Known) -> dict[str, Switch]:
        return self._in_file(known.path) if known.owner is None else self._in_class(known.owner)

    def meet_training(self, known: Known, inner: Frame, state: State) -> None:
        """An evaluation meets the train mode that a function which trains has set, and none ends.

        Whoever calls both, in whichever way, has one of them see to the mode. Of a class it is
        told by the attribute, of functions of a file by the name that both have for what they get.
        """
        me = inner.me.thing if inner.me is not None else None
        if not self._evaluates(known) or (me is not None and self.things[me].kind == "module"):
            return
        for name, (text, place) in self._left_by(known).items():
            holder = inner.thing if known.owner is None else me
            held = state.get((holder, name.lstrip("."))) if holder is not None else None
            atom = only(held) if held is not None else None
            if isinstance(atom, Ref) and self.things.mode(state, atom.thing).mode is Mode.UNSEEN:
                wanted = self.written(Mode.TRAIN, "switched", text, place)._replace(assumed=True)
                self.switch(atom.thing, wanted, state, inner, set())

    def _in_file(self, path: str) -> dict[str, Switch]:
        """The parameters that a file's functions put in train mode to train them, and where.

        None where something in the file may see to eval mode.
        """
        found = self._by_file.get(path)
        if found is None:
            unit = self.program.units[path]
            functions = [stmt.function for stmt in unit.body if isinstance(stmt, Define)]
            found = self._put_in_train([(item, path) for item in functions], unit.uses, "")
            self._by_file[path] = found
        return found

    def _in_class(self, cls: int) -> dict[str, Switch]:
        """The attributes that a class's methods put in train mode to train them, and where.

        None where something in the class, its bases or heirs may see to eval mode.
        """
        found = self._by_class.get(cls)
        if found is None:
            family = [atom.number for atom in self.classes.ancestry(cls) if isinstance(atom, Cls)]
            family += self.classes.descendants(cls)
            methods = [item for number in family for item in self._methods_in(number)]
            uses = {name for function, _ in methods for name in function.uses}
            own = ROOTS.issuperset(self.classes.libraries(cls))
            found = self._put_in_train(methods, uses, ".") if own else {}
            self._by_class[cls] = found
        return found

    def _put_in_train(
        self, functions: list[tuple[Function, str]], uses: Iterable[str], first: str
    ) -> dict[str, Switch]:
        found: dict[str, Switch] = {}
        if any(EVALS.search(name) for name in uses):
            return found
        for function, path in functions:
            if self.program.interest.of(function, path).trains:
                for name, text, at in put_in_train(function):
                    if name[:1] == "." if first else name[:1] != ".":
                        found.setdefault(name, (text, Place(path, at)))
        return found

    def _methods_in(self, cls: int) -> Iterator[tuple[Function, str]]:
        blueprint = self.classes[cls]
        for stmt in blueprint.cls.body:
            if isinstance(stmt, Define):
                yield stmt.function, blueprint.path


def _is_switcher(known: Known) -> bool:
    bearing = known.bearing
    return bearing.switches and not (bearing.trains or bearing.measures)


def _in_eval(state: State) -> dict[int, ModeState]:
    return {thing: known for thing, known in state.modes.items() if Mode.EVAL in known.mode}
