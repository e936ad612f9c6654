"""Whether an object of a project class is mode-sensitive by what its class itself asks for."""

from __future__ import annotations

from evalguard.flow.atoms import Cls, Lit, Ref
from evalguard.flow.core import Core
from evalguard.flow.rates import TRAINING, read_rates
from evalguard.flow.state import State
from evalguard.flow.things import Thing
from evalguard.flow.values import only
from evalguard.link import Program
from evalguard.modes import Sensitivity

ASKS = "asks self.training"
OFF = "that is off by default"


class Asking(Core):
    """Reads what classes ask for."""

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self._rates: dict[int, frozenset[str] | None] = {}

    def asks(self, thing: Thing, state: State) -> tuple[Sensitivity, str]:
        """Whether an object is mode-sensitive by its own class or a base's, and why."""
        assert thing.cls is not None
        for number in self._asking(thing.cls):
            cls = self.classes[number].cls
            rates = self._rates_of(number)
            off = None if rates is None else self._off(thing.number, rates, state)
            if off is Sensitivity.NO:
                continue
            if off is Sensitivity.UNKNOWN:
                return Sensitivity.UNKNOWN, f"{cls.name} {OFF}"
            if not self.flagged.isdisjoint(cls.uses):
                return Sensitivity.YES, f"{cls.name} passes self.training on"
            return Sensitivity.UNKNOWN, f"{cls.name} {ASKS}"
        unknown = [name for name in self.classes.libraries(thing.cls) if self._opaque_base(name)]
        return (Sensitivity.UNKNOWN, unknown[0]) if unknown else (Sensitivity.NO, "")

    def _asking(self, number: int) -> list[int]:
        """The project classes among a class and its bases that mention ``training``."""
        atoms = [atom for atom in self.classes.ancestry(number) if isinstance(atom, Cls)]
        return [atom.number for atom in atoms if TRAINING in self.classes[atom.number].cls.uses]

    def _rates_of(self, number: int) -> frozenset[str] | None:
        if number not in self._rates:
            find = self.knowledge.functional_by_bare_name
            self._rates[number] = read_rates(self.classes[number].cls, find)
        return self._rates[number]

    def _off(self, number: int, rates: frozenset[str], state: State) -> Sensitivity:
        """Whether the mode makes a difference to an object, by the rates it has been given.

        It isn't known where a caller in nobody's view may ask for a rate, and the default is zero.
        """
        out = Sensitivity.NO
        for name in rates:
            value = state.get((number, name))
            atom = only(value) if value is not None else None
            if isinstance(atom, Ref) and self.things[atom.thing].off:
                out = Sensitivity.UNKNOWN
            elif not isinstance(atom, Lit) or atom.value != 0:
                return Sensitivity.YES
        return out

    def _opaque_base(self, name: str) -> bool:
        """Whether a library base class may hold layers of its own."""
        if name.startswith(("builtins.", "abc.", "typing.")):
            return False
        layer = self.knowledge.layer(name)
        if layer is not None:
            return layer.sensitive is not Sensitivity.NO
        network = self.knowledge.factory(name)
        if network is not None and network.module and network.sensitive is Sensitivity.YES:
            return True
        return self.knowledge.base(name) is None
