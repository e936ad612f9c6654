"""Library functions with a training flag: what the flag is bound to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from evalguard.events import Attr, Call, Const, Param
from evalguard.facts import FunctionalCall
from evalguard.flow.atoms import Lit, Ref, Saved, Value
from evalguard.flow.classes import Known
from evalguard.flow.core import Arguments, Frame
from evalguard.flow.evaluating import Evaluating
from evalguard.flow.sampling import drawn_anew, parts_of, repeated_for
from evalguard.flow.showing import show
from evalguard.flow.state import State
from evalguard.flow.things import Thing
from evalguard.flow.values import constant, only, tainted
from evalguard.knowledge import UNKNOWN, Argued, Argument, Functional
from evalguard.link import Program
from evalguard.link.imports import stem
from evalguard.modes import Mode

Constants = tuple[list[object], Mapping[str, object]]


class Functionals(Evaluating):
    """Notes calls of functions that are mode-sensitive by themselves."""

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.postponed: set[int] = set()

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
        if owner is not None and known.probability is not None and not self._being_made():
            if self._postponed(state):
                return tainted(inputs)
            self.recorder.note(self._functional_fact(known, args, site, state, frame, owner))
        return tainted(inputs)

    def _module_owner(self, frame: Frame) -> str | None:
        """The module class whose method is running, if any."""
        found = self._module_method_running()
        owner = self.functions[found[0]].owner if found else None
        return None if owner is None else self.classes[owner].cls.name

    def _module_method_running(self) -> tuple[int, Ref | None] | None:
        """The innermost method of a module that is running, and the module."""
        for number, me in zip(reversed(self.active), reversed(self.doers), strict=False):
            owner = self.functions[number].owner
            if owner is not None and self.classes.is_module(owner):
                return number, me
        return None

    def _me(self, frame: Frame) -> str:
        """What the running function calls its object, if it is a method of a module class."""
        known = frame.known
        if known is None or known.owner is None or not self.classes.is_module(known.owner):
            return ""
        return known.function.params[0].name if known.function.params else ""

    def _postponed(self, state: State) -> bool:
        """In a module that is known to be in train mode, nothing tells what eval mode would do.

        The method is looked at again, in a mode that isn't known.
        """
        found = self._module_method_running()
        if found is None or found[1] is None:
            return False
        if self.things.mode(state, found[1].thing).mode is not Mode.TRAIN:
            return False
        self.postponed.add(found[0])
        return True

    def _functional_fact(
        self,
        known: Functional,
        args: Arguments,
        site: Call,
        state: State,
        frame: Frame,
        owner: str,
    ) -> FunctionalCall:
        names = [owner, *self.function_names(frame), *self._taken_for_true(state)]
        function = frame.known.function if frame.known else None
        counts = repeated_for(function, site.at) if function else []
        return FunctionalCall(
            self.place(frame, site.at),
            frame.known.function.qualname if frame.known else "",
            (),
            name=show(site.func),
            training=self._training_flag(known, args, site, state),
            probability=self._probability(known, args),
            flag=known.flag.name if known.flag else "training",
            position=known.flag.position if known.flag else None,
            me=self._me(frame),
            guarded=any(key[0] == "training" for key in state.assume) or self._asked_for(state),
            stochastic=any(self.speaks("stochastic", name) for name in names)
            or any(self.speaks("sampling", name) for name in counts)
            or (
                function is not None
                and _forced(known.flag, site)
                and self._forced_on_purpose(frame, site)
            ),
            made=any(self.made(value) for value in args.positional[:1]),
            owner=owner,
        )

    def _forced_on_purpose(self, frame: Frame, site: Call) -> bool:
        """Whether a flag that is written out as true is meant: by its loop, or by its package."""
        around = (*self.program.imports.packages_of(frame.path), frame.path)
        if any(self.speaks("stochastic", stem(path)) for path in around):
            return True
        return frame.known is not None and drawn_anew(frame.known.function, site)

    def _taken_for_true(self, state: State) -> list[str]:
        """The names of what is taken to be true at this place."""
        return [thing.text.rpartition(".")[2] for thing in self._true(state)]

    def _asked_for(self, state: State) -> bool:
        """Whether each call says if it is wanted: what it is given is true, or a part of it."""
        given = {self._whole(thing).text for thing in self._true(state)}
        return bool(given) and any(
            f"{known.function.name}.{param.name}" in given and self._decided_by(param)
            for known in self._since_method()
            for param in known.function.params[0 if known.owner is None else 1 :]
        )

    def _since_method(self) -> Iterator[Known]:
        """The functions that are running, out to the method of a module."""
        for number in reversed(self.active):
            known = self.functions[number]
            yield known
            if known.owner is not None and self.classes.is_module(known.owner):
                return

    def _being_made(self) -> bool:
        """Whether this is done once, when a module is made: it is the same in either mode."""
        return any(known.function.name == "__init__" for known in self._since_method())

    def _decided_by(self, param: Param) -> bool:
        """Whether callers decide by a parameter: they must, or ask for it, or it tells the mode."""
        off = param.default is None or param.default == Const(False)
        return off or self.speaks("training", param.name)

    def _true(self, state: State) -> list[Thing]:
        keys = [key for key, holds in state.assume.items() if holds and key[0] == "true"]
        return [self.things[key[1]] for key in keys if isinstance(key[1], int)]

    def _whole(self, thing: Thing) -> Thing:
        while thing.parent is not None:
            thing = self.things[thing.parent]
        return thing

    def _training_flag(self, known: Functional, args: Arguments, site: Call, state: State) -> str:
        rate = self.argument(known.probability, args)
        if rate is not None and _by_mode(rate):
            return "conditioned"
        if known.always:
            return self._always_flag(known, args)
        value = self.argument(known.flag, args)
        if value is None:
            if args.open or known.default is None:
                return "unknown"
            return "default" if known.default else "conditioned"
        flag = constant(value)
        if flag is not None and flag.value:
            return "unknown" if self._is_switch_of_its_own(known.flag, site) else "constant"
        return "conditioned" if flag is not None or _by_mode(value) else "unknown"

    def _is_switch_of_its_own(self, flag: Argument | None, site: Call) -> bool:
        """Whether an attribute that is named for it tells the mode, as it may be set unseen."""
        keywords = {name: value for name, value in site.keywords if name}
        written = flag.find(site.args, keywords) if flag else None
        names = [node.name for node in parts_of(written) if isinstance(node, Attr)]
        kinds = ("training", "evaluation", "stochastic")
        return any(self.speaks(kind, name) for name in names for kind in kinds)

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
        if not isinstance(atom, Ref):
            return False
        thing = self.things[atom.thing]
        return thing.text.startswith("__init__.") or self._is_rate(thing)

    def _is_rate(self, thing: Thing) -> bool:
        """Whether this is the ``p`` of a dropout layer."""
        if thing.parent is None or thing.text != "p":
            return False
        layer = self.knowledge.layer(self.things[thing.parent].lib)
        return layer is not None and layer.kind == "dropout"

    def _probability(self, known: Functional, args: Arguments) -> float | None:
        value = self.argument(known.probability, args)
        if value is None:
            return None if args.open else known.probability_default
        atom = only(value)
        if isinstance(atom, Ref) and self.things[atom.thing].off and not self._stored(atom):
            return 0.0
        given = constant(value)
        return float(given.value) if given and isinstance(given.value, (int, float)) else None


def _forced(flag: Argument | None, site: Call) -> bool:
    """Whether a training flag is on because it is written so."""
    keywords = {name: value for name, value in site.keywords if name}
    return flag is not None and flag.find(site.args, keywords) == Const(True)


def _by_mode(value: Value) -> bool:
    """Whether a value depends on the mode: it is made of it, or may be zero for some reason."""
    zero = any(isinstance(atom, Lit) and not atom.value for atom in value.atoms)
    saved = any(isinstance(atom, Saved) for atom in value.atoms)
    return saved or (zero and len(value.atoms) > 1)


def _constant(value: Value) -> object:
    known = constant(value)
    return UNKNOWN if known is None else known.value
