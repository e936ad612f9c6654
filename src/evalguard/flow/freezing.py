"""Parameters that are frozen by their names: those of which children they are."""

from __future__ import annotations

from evalguard.flow.atoms import Inert, Ref, Value
from evalguard.flow.naming import Picked
from evalguard.flow.state import State
from evalguard.flow.stilling import RENEWED
from evalguard.flow.switching import FROZEN, PARTLY_FROZEN
from evalguard.flow.values import lit, ordered
from evalguard.flow.variables import Variables
from evalguard.knowledge.entries import NO_PARTS
from evalguard.modes import Sensitivity
from evalguard.places import Place


class Freezing(Variables):
    """Freezes the children that a test of names picks."""

    def freeze_part(self, number: int, frozen: bool, place: Place, state: State) -> None:
        """Parameters of an object are frozen, or trained: all, or those that a test picks."""
        if frozen:
            word = PARTLY_FROZEN if number in state.narrow else FROZEN
            self.freeze(number, word, place, state)
            self._freeze_named(number, place, state)
        elif number in state.narrow:
            if not self._unfreeze_named(number, state):
                self.unfreeze(number, state)
        else:
            self.thaw(number, state)

    def thaw(self, number: int, state: State) -> None:
        """All of an object's parameters are trained from here on, and those of its parts."""
        for part in sorted(self._reach(number, state)) if self.ever_frozen else ():
            old = state.get((part, FROZEN)) if part in self.ever_frozen else None
            if old is not None and part != number and old != lit(False):
                self.unfreeze(part, state)
        self.unfreeze(number, state)

    def _freeze_named(self, number: int, place: Place, state: State) -> None:
        """The children that a test picks by their names are frozen, or all the others."""
        test = self._picks(number, state)
        if test is None:
            return
        named, others = self._by_name(number, test, state)
        if test.holds:
            for child in named:
                self.freeze(child, FROZEN, place, state)
        elif self._apart(number, test, state):
            if self.things[number].parts or test.layer:
                self.freeze(number, FROZEN, place, state)
            for child in named:
                self.unfreeze(child, state)
            for child in others:
                self.freeze(child, FROZEN, place, state)

    def _unfreeze_named(self, number: int, state: State) -> bool:
        """The children that a test picks by their names are trained; False if more are."""
        test = self._picks(number, state)
        if test is None or not test.holds or not self._apart(number, test, state):
            return False
        for child in self._by_name(number, test, state)[0]:
            self.unfreeze(child, state)
        return True

    def _picks(self, number: int, state: State) -> Picked | None:
        """The test of names that tells an object's parameters apart, if it picks whole children."""
        tests = [item for item in state.narrow if isinstance(item, Picked) and item.thing == number]
        if len(tests) != 1:
            return None
        unseen = tests[0].layer and bool(self.things[number].lib) and not self.things[number].parts
        found = unseen or any(map(tests[0].fits, self._child_names(number, state)))
        return tests[0] if found else None

    def _child_names(self, number: int, state: State) -> list[str]:
        """The names of an object's children, as far as they are known."""
        names = [*self.things.names(number), *(self.things[number].parts or ())]
        return [name for name in dict.fromkeys(names) if self._is_child(number, name, state)]

    def _is_child(self, number: int, name: str, state: State) -> bool:
        held = state.get((number, name))
        if held is None:
            return name in (self.things[number].parts or ())
        return any(isinstance(atom, (Ref, Inert)) and self.is_module(atom) for atom in held.atoms)

    def _by_name(self, number: int, test: Picked, state: State) -> tuple[list[int], list[int]]:
        """The children whose parameters a test names, and the others, as far as they are held."""
        named: list[int] = []
        others: list[int] = []
        for name in self.things.holding(number):
            held = state.get((number, name))
            for atom in ordered(held.atoms) if held else ():
                if isinstance(atom, Ref) and self.is_module(atom):
                    (named if test.fits(name) else others).append(atom.thing)
        return named, others

    def _apart(self, number: int, test: Picked, state: State) -> bool:
        """Whether no layer that knows modes has such a name, the children in question aside."""
        children = set(self._by_name(number, test, state)[0])
        for whole in self._reach(number, state, whole=True) - children:
            parts = self.things[whole].parts or NO_PARTS
            for name in self._child_names(whole, state):
                if test.fits(name) and parts.get(name) is Sensitivity.YES:
                    held = state.get((whole, name))
                    if held is None:
                        return False
                elif test.fits(name) and whole != number:
                    return False
        return True

    def renew(self, number: int, value: Value, state: State) -> None:
        """A layer that learns is put in a container, of which something else was frozen before."""
        if self.ever_frozen and self.things[number].kind == "module":
            learns = [
                atom.parameters if isinstance(atom, Inert) else self.is_module(atom)
                for atom in value.atoms
            ]
            if any(learns):
                self.assign(number, RENEWED, lit(True), state)
