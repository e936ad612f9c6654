"""Layers of a module that are put in eval mode by themselves, which its ``train()`` ends."""

from __future__ import annotations

from typing import Final

from evalguard.facts import FrozenPart
from evalguard.flow.atoms import Freeze
from evalguard.flow.passes import Survey
from evalguard.flow.state import State
from evalguard.flow.switching import Switching
from evalguard.flow.values import only
from evalguard.modes import Mode
from evalguard.records import replace

STILL: Final = "#still"


class Stilling(Switching):
    """Tells which modules have layers that were to stay in eval mode."""

    def stilled(self, number: int, survey: Survey, state: State) -> dict[int, FrozenPart]:
        """The modules among one and its parts whose layers were to stay in eval mode, and don't.

        A pass in which they do is what they were put in that mode for: what comes later may put
        them back.
        """
        out: dict[int, FrozenPart] = {}
        for item in sorted({number, *survey.parts} & self.ever_frozen):
            value = state.get((item, STILL))
            atom = only(value) if value is not None else None
            if isinstance(atom, Freeze):
                text = survey.module.text if item == number else self.things[item].text
                seen = survey if item == number else self.survey(item, text, state)
                if seen.mixed or Mode.EVAL in seen.mode:
                    state.fields.pop((item, STILL))
                    continue
                out[item] = FrozenPart(
                    atom.place,
                    module=replace(seen.module, text=text),
                    owner=text,
                    mode=seen.mode,
                    origins=tuple(sorted(seen.origins, key=repr)),
                    frozen=atom.place,
                    layers=True,
                )
        return out
