"""Parts that a constructor freezes in eval mode, where the first ``train()`` of the whole ends it.

It takes no caller in view: an object is made as its class says, and then trained once.
"""

from __future__ import annotations

from evalguard.facts import FrozenPart
from evalguard.flow.atoms import Cls, Fun, Ref
from evalguard.flow.classes import Known
from evalguard.flow.core import Arguments, Frame
from evalguard.flow.running import Running
from evalguard.flow.state import State
from evalguard.flow.values import lit, ordered
from evalguard.modes import Mode
from evalguard.places import Place
from evalguard.records import replace


class Undone(Running):
    """Tries what ``train()`` does to an object."""

    def note_undone(self, number: int, state: State, frame: Frame) -> None:
        """Note the parts of a new object that don't stay in the eval mode they were put in."""
        found = {part.module.text: part for part in self._frozen_parts(number, state).values()}
        meant = {text: self._meant(number, part) for text, part in found.items()}
        if not any(meant.values()) or not self.learns(number, state, 0):
            return
        thing = self.things[number]
        after = self._trained(number, self.override(thing, "train", state), state, frame)
        below = [self._trained(number, fun, state, frame) for fun in self._below(number, state)]
        held = [part for end in below for part in self._frozen_parts(number, end).values()]
        kept = {part.module.text for part in held if part.mode == Mode.EVAL}
        for part in self._frozen_parts(number, after).values():
            place = meant.get(part.module.text)
            if part.mode != Mode.TRAIN or part.mixed or part.module.text in kept:
                continue
            if place is not None:
                self.recorder.note(replace(part, place=place, origins=(), undone=True))

    def _below(self, number: int, state: State) -> list[Fun]:
        """The ``train`` of an object's heirs: one may be there to keep parts as they are."""
        cls = self.things[number].cls
        heirs = self.classes[cls].subclasses if cls is not None else []
        own = [state.get((self.classes[heir].thing, "train")) for heir in heirs]
        atoms = [atom for value in own if value is not None for atom in ordered(value.atoms)]
        return [atom._replace(bound=Ref(number)) for atom in atoms if isinstance(atom, Fun)]

    def _meant(self, whole: int, part: FrozenPart) -> Place | None:
        """Where the class's constructor puts a part in eval mode, once and for all."""
        cls = self.things[whole].cls
        switches = [origin for origin in part.origins if origin.how == "switched"]
        if cls is None or len(switches) != 1 or switches[0].mode != Mode.EVAL:
            return None
        place, name = switches[0].place, part.module.text.rpartition(".")[2]
        if place is None or any(map(self.knowledge.hooks_of, self.classes.libraries(cls))):
            return None
        others = [
            known for known in self._methods(cls) if {name, "eval"}.issubset(known.function.uses)
        ]
        makers = [known for known in others if known.function.name == "__init__"]
        if len(others) > len(makers):
            return None
        inside = any(known.place.holds(place) for known in makers)
        return place if inside else None

    def _methods(self, cls: int) -> list[Known]:
        """The methods of a class and its bases."""
        owners = {atom.number for atom in self.classes.ancestry(cls) if isinstance(atom, Cls)}
        return [known for known in self.functions if known.owner in owners]

    def _trained(self, number: int, train: Fun | None, before: State, frame: Frame) -> State:
        """The state after ``train()`` of the whole, as the class or an heir has it."""
        thing, state = self.things[number], before.copy()
        if train is None:
            place = thing.place
            wanted = self.written(Mode.TRAIN, "switched", f"{thing.text}.train()", place)
            self.switch(number, wanted, state, frame, set())
            return state
        mode = Arguments((lit(True),))
        place = thing.place or Place(frame.path, self.functions[train.number].function.at)
        self.call_function(train, mode, place, thing.text, state, frame)
        return state
