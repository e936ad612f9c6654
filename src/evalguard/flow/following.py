"""Weights that are set from those of another module: an average of them, or a copy."""

from __future__ import annotations

from evalguard.events import Attr, Call, Expr, Item, Name
from evalguard.flow.atoms import Part
from evalguard.flow.core import Frame
from evalguard.flow.members import Members
from evalguard.flow.sampling import parts_of
from evalguard.flow.state import State


class Following(Members):
    """Tells which modules get their weights from others."""

    def weights_set(self, target: Expr, given: Expr, state: State, frame: Frame) -> None:
        """``weight.data = ...``, ``weight[:] = ...``."""
        if isinstance(target, Item) or (isinstance(target, Attr) and target.name == "data"):
            self._set_from(target.value, (given,), state, frame)

    def weights_changed(self, site: Call, state: State, frame: Frame) -> bool:
        """``weight.add_(...)``: by PyTorch's convention the name tells that it works in place.

        Returns:
            Whether it does.
        """
        func = site.func
        if not isinstance(func, Attr) or not _in_place(func):
            return False
        self._set_from(func.value, site.args, state, frame)
        return True

    def _set_from(self, target: Expr, given: tuple[Expr, ...], state: State, frame: Frame) -> None:
        followers = self._weights_in(target, state, frame)
        if not followers:
            return
        named = [part for part in parts_of(given) if isinstance(part, Name)]
        for name in named:
            for leader in self._weights_in(name, state, frame) - followers:
                for follower in followers:
                    self.recorder.weights.following.add((follower, leader))

    def _weights_in(self, node: Expr, state: State, frame: Frame) -> set[int]:
        """The modules of whose weights a name, or what is read from it, may be one."""
        while isinstance(node, (Attr, Item, Call)):
            if isinstance(node, Call):
                if not (isinstance(node.func, Attr) and _in_place(node.func)):
                    return set()
                node = node.func  # ``weight.mul_(...)`` gives the weight
            node = node.value
        if not isinstance(node, Name):
            return set()
        atoms = self.value(node, state, frame).atoms
        return {atom.thing for atom in atoms if isinstance(atom, Part)}


def _in_place(func: Attr) -> bool:
    return func.name.endswith("_") and not func.name.endswith("__")
