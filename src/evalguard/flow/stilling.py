"""What is put in eval mode by itself, and was to stay in it: ``train()`` of the whole ends it.

That is some of a module's layers, or the part that a class's constructor puts in eval mode. And
what isn't: dropout beside a new layer of something frozen.
"""

from __future__ import annotations

from typing import Final

from evalguard.facts import FrozenPart
from evalguard.flow.passes import Survey
from evalguard.flow.state import ModeState, State
from evalguard.flow.switching import FROZEN, PARTLY_FROZEN, Switching
from evalguard.flow.values import lit
from evalguard.knowledge.entries import NO_PARTS
from evalguard.modes import Mode, Sensitivity
from evalguard.records import replace

DROPOUT: Final = "Dropout"
STILL: Final = "#still"
KEPT: Final = "#kept"
RENEWED: Final = "#renewed"
MARKS: Final = (FROZEN, PARTLY_FROZEN, STILL, KEPT)


class Stilling(Switching):
    """Tells what was to stay in eval mode, and doesn't."""

    def stilled(
        self, number: int, survey: Survey, frozen: set[int], state: State
    ) -> dict[int, FrozenPart]:
        """Those among a module and its parts, if not frozen, that were to stay in eval mode.

        A pass in which they do is what they were put in that mode for: what comes later may put
        them back.
        """
        out: dict[int, FrozenPart] = {}
        for item in sorted(({number, *survey.parts} & self.ever_frozen.keys()) - frozen):
            for word in (KEPT, STILL):
                place = self.marked_at(item, word, state)
                if place is None:
                    continue
                text = survey.module.text if item == number else self.things[item].text
                seen = survey if item == number else self.survey(item, text, state)
                own = self.things.mode(state, item)
                if seen.mixed or own.mixed or Mode.EVAL in seen.mode:
                    state.fields.pop((item, word))
                    continue
                out[item] = FrozenPart(
                    place,
                    module=replace(seen.module, text=text),
                    owner=text if word == STILL else survey.module.text if item != number else "",
                    mode=seen.mode,
                    origins=tuple(sorted(seen.origins, key=repr)),
                    frozen=place,
                    layers=word == STILL,
                    kept=word == KEPT,
                )
        return out

    def _is_frozen(self, number: int, modes: list[ModeState], state: State) -> bool:
        """The same; what is in eval mode is frozen with its whole, too."""
        if super()._is_frozen(number, modes, state):
            return True
        if not self.ever_frozen or any(known.mode != Mode.EVAL for known in modes):
            return False
        return any(self._frozen_with(number, whole, state) for whole in self.ever_frozen)

    def _frozen_with(self, number: int, whole: int, state: State) -> bool:
        """Whether a part is frozen because its whole is, which has been given nothing new since."""
        if number == whole or self._frozen_at(whole, state) is None:
            return False
        if number >= self.ever_frozen[whole] and not self.things.beneath(number, whole):
            return False  # made later
        parts = self._reach(whole, state)
        if number not in parts or any(state.get((part, RENEWED)) is not None for part in parts):
            return False
        freed = [part for part in parts if state.get((part, FROZEN)) == lit(False)]
        return not any(number in self._reach(part, state) for part in freed)

    def _stays_frozen(self, number: int, state: State) -> bool:
        """The same, but that dropout in a container with a new layer is that layer's."""
        reach = self._reach(number, state)
        renewed = {part for part in reach if state.get((part, RENEWED)) is not None}
        if not renewed:
            return super()._stays_frozen(number, state)
        seen = {part for part in reach if state.get((part, FROZEN)) == lit(False)}
        rest = [leaf for part in renewed for leaf in self.leaves(part, state, 0, set(seen))]
        rest = [leaf for leaf in rest if DROPOUT not in leaf.because]
        parts = self.things[number].parts or NO_PARTS
        knowing = [name for name, told in parts.items() if told is not Sensitivity.NO]
        seen |= renewed
        if knowing and {self.things.known_child(number, name) for name in knowing} <= renewed:
            seen.add(number)
        rest += self.leaves(number, state, 0, seen)
        return any(leaf.sensitive is Sensitivity.YES for leaf in rest)
