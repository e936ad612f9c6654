"""``if flag: net.eval()`` → the mode, either way, is what the flag has chosen."""

from __future__ import annotations

from evalguard.events import Attr, Call, Do, Expr, If, Jump, Name
from evalguard.facts import Origin
from evalguard.flow.atoms import Cond, Ref
from evalguard.flow.beside import SWITCHES
from evalguard.flow.core import Frame
from evalguard.flow.showing import show
from evalguard.flow.state import State, is_variable
from evalguard.flow.trying import Trying
from evalguard.flow.values import NONE
from evalguard.modes import Mode

SWITCHABLE = frozenset(("module", "unknown"))


class Choices(Trying):
    """Marks modes that a flag chooses which can't be seen."""

    def chosen(
        self, stmt: If, cond: Cond | None, state: State, frame: Frame
    ) -> dict[int, tuple[Call, ...]]:
        """The modules that a branch is there to switch and for nothing else, with the switches."""
        calls = _switches(stmt)
        if cond is None or cond.key[0] == "training" or is_variable(cond.key[1]) or not calls:
            return {}
        found: dict[int, tuple[Call, ...]] = {}
        for call in calls:
            assert isinstance(call.func, Attr)
            for atom in self.value(call.func.value, state, frame).atoms:
                if isinstance(atom, Ref) and self.things[atom.thing].kind in SWITCHABLE:
                    for number in self._reach(atom.thing, state):
                        if self.things.mode(state, number).mode != _target(call):
                            found[number] = (*found.get(number, ()), call)
        return found

    def by_choice(
        self, chosen: dict[int, tuple[Call, ...]], ends: list[State], frame: Frame
    ) -> list[State]:
        """The same states, with the modes marked."""
        for number, calls in chosen.items():
            for end in ends:
                known = end.mode(number)
                if known is None or known.mode not in (Mode.TRAIN, Mode.EVAL) or known.mixed:
                    continue
                place = self.place(frame, calls[0].at)
                origin = Origin(known.mode, "flag", show(calls[0]), place)
                end.modes[number] = known._replace(origins=frozenset((origin,)))
        return ends

    def unmade(self, stmt: If, cond: Cond, holds: State, fails: State) -> None:
        """Where there is none, and nothing is done, nothing was made that could be in a mode.

        ``for net in nets: if net is None: continue``: where each net is made under a condition,
        what becomes of those that are there is what becomes of the nets.
        """
        none, some, block = holds, fails, stmt.body
        if cond.negated:
            none, some, block = fails, holds, stmt.orelse
        if cond.key[0] != "is" or cond.key[2] != NONE or not is_variable(cond.key[1]):
            return
        held = some.get(cond.key[1])
        if held is None or not all(isinstance(item, Jump) for item in block):
            return
        for atom in held.atoms:
            if isinstance(atom, Ref) and self.things[atom.thing].doubts:
                for number in self._reach(atom.thing, some):
                    none.modes.pop(number)


def _switches(stmt: If) -> list[Call]:
    """The calls of ``train()`` and ``eval()`` that are all there is of a branch's statements."""
    block = (*stmt.body, *stmt.orelse)
    calls = [item.value for item in block if isinstance(item, Do) and isinstance(item.value, Call)]
    switching = [call for call in calls if _is_switch(call)]
    return switching if len(switching) == len(block) else []


def _is_switch(call: Call) -> bool:
    func = call.func
    return isinstance(func, Attr) and func.name in SWITCHES and _is_plain(func.value)


def _target(call: Call) -> Mode | None:
    """The mode that a switch written without a flag sets."""
    if isinstance(call.func, Attr) and call.func.name == "eval":
        return Mode.EVAL
    return None if call.args or call.keywords else Mode.TRAIN


def _is_plain(node: Expr) -> bool:
    """Whether evaluating an expression again changes nothing."""
    while isinstance(node, Attr):
        node = node.value
    return isinstance(node, Name)
