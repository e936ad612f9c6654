"""Weights that are set from those of another module: an average of them, or a copy."""

from __future__ import annotations

from evalguard.events import Attr, Call, Expr, Item, Name
from evalguard.flow.atoms import Part, Ref
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
            leaders = self._weights_in(name, state, frame) - followers
            for leader in leaders:
                for follower in followers:
                    self.recorder.weights.following.add((follower, leader))
            self._set_within(followers, leaders, state, frame)

    def _set_within(
        self, followers: set[int], leaders: set[int], state: State, frame: Frame
    ) -> None:
        """A method sets the weights of one part of its object from those of another."""
        cls = self.things[frame.me.thing].cls if frame.me is not None else None
        if cls is None or frame.me is None:
            return
        home = self.classes[cls].path, self.classes[cls].cls.name
        led = self._names_of(leaders, frame.me.thing, state)
        for name in self._names_of(followers, frame.me.thing, state) if led else ():
            self.recorder.weights.led.setdefault((*home, name), set()).update(led)

    def _names_of(self, parts: set[int], number: int, state: State) -> list[str]:
        """By which names an object has these, as its class says it."""
        held = [(name, state.get((number, name))) for name in self.things.holding(number)]
        return [
            f"self.{name}"
            for name, value in held
            if value is not None
            and any(isinstance(atom, Ref) and atom.thing in parts for atom in value.atoms)
        ]

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
