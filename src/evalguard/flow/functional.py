"""Library functions with a training flag: what the flag is bound to."""

from __future__ import annotations

from collections.abc import Mapping

from evalguard.events import Call, show
from evalguard.facts import FunctionalCall
from evalguard.flow.core import Arguments, Frame
from evalguard.flow.evaluating import Evaluating
from evalguard.flow.state import State
from evalguard.flow.values import (
    Ref,
    Saved,
    Value,
    constant,
    only,
    tainted,
)
from evalguard.knowledge import UNKNOWN, Argued, Argument, Functional

Constants = tuple[list[object], Mapping[str, object]]


class Functionals(Evaluating):
    """Notes calls of functions that are mode-sensitive by themselves."""

    def constants(self, args: Arguments) -> Constants:
        """The arguments as the knowledge tables ask for them: constants, or UNKNOWN."""
        positional = [_constant(value) for value in args.positional]
        keywords: dict[str, object] = {key: _constant(value) for key, value in args.keywords}
        if args.open:
            keywords["**"] = UNKNOWN
        return positional, keywords

    def argument(self, which: Argument | None, args: Arguments) -> Value | None:
        """The value passed for a parameter; None if it isn't known."""
        if which is None:
            return None
        found = which.find(args.positional, args.named())
        return None if isinstance(found, Argued) else found

    def _functional(
        self, known: Functional, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value:
        inputs = [self.deep(value, state) for value in args.values()]
        for value in inputs:
            self.recorder.fed(value.taint)
        owner = self._module_owner(frame)
        if owner is not None and known.probability is not None:
            self.recorder.note(self._functional_fact(known, args, site, state, frame, owner))
        return tainted(inputs)

    def _module_owner(self, frame: Frame) -> str | None:
        """The module class whose method is running, if any."""
        for number in reversed(self.active):
            owner = self.functions[number].owner
            if owner is not None and self.classes.is_module(owner):
                return self.classes[owner].cls.name
        return None

    def _functional_fact(
        self,
        known: Functional,
        args: Arguments,
        site: Call,
        state: State,
        frame: Frame,
        owner: str,
    ) -> FunctionalCall:
        names = self.function_names(frame)
        return FunctionalCall(
            self.place(frame, site.at),
            frame.known.function.qualname if frame.known else "",
            (),
            name=show(site.func),
            training=self._training_flag(known, args, state),
            probability=self._probability(known, args),
            flag=known.flag.name if known.flag else "training",
            guarded=any(key[0] == "training" for key in state.assume),
            stochastic=any(self.speaks("stochastic", name) for name in [owner, *names]),
            made=any(self.made(value) for value in args.positional[:1]),
            owner=owner,
        )

    def _training_flag(self, known: Functional, args: Arguments, state: State) -> str:
        if known.always:
            return self._always_flag(known, args)
        value = self.argument(known.flag, args)
        if value is None:
            if args.open or known.default is None:
                return "unknown"
            return "default" if known.default else "conditioned"
        flag = constant(value)
        if flag is not None:
            return "constant" if flag.value else "conditioned"
        saved = any(isinstance(atom, Saved) for atom in value.atoms)
        return "conditioned" if saved else "unknown"

    def _always_flag(self, known: Functional, args: Arguments) -> str:
        """A function without a flag of its own: what it is given must depend on the mode."""
        value = self.argument(known.probability or known.flag, args)
        if value is None:
            off = known.probability_default == 0
            return "conditioned" if off else "unknown" if args.open else "default"
        given = constant(value)
        if given is not None:
            return "constant" if given.value else "conditioned"
        if len(value.atoms) != 1 or not all(self._stored(atom) for atom in value.atoms):
            return "unknown"
        return "constant"

    def _stored(self, atom: object) -> bool:
        """Whether a value is an attribute or a parameter's of ``__init__``, mode or no mode."""
        return isinstance(atom, Ref) and self.things[atom.thing].text.startswith("__init__.")

    def _probability(self, known: Functional, args: Arguments) -> float | None:
        value = self.argument(known.probability, args)
        if value is None:
            return None if args.open else known.probability_default
        atom = only(value)
        if isinstance(atom, Ref) and self.things[atom.thing].off and not self._stored(atom):
            return 0.0
        given = constant(value)
        return float(given.value) if given and isinstance(given.value, (int, float)) else None


def _constant(value: Value) -> object:
    known = constant(value)
    return UNKNOWN if known is None else known.value
