"""``train()`` and ``eval()`` as ``nn.Module`` defines them, called on what the code holds."""

from __future__ import annotations

from collections.abc import Sequence

from evalguard.events import Attr, Call, Item, Name
from evalguard.facts import ModeMisgiven, Module
from evalguard.flow.atoms import Atom, Fun, Inert, Lib, Method, Part, Ref, Saved, Value
from evalguard.flow.core import Arguments, Frame
from evalguard.flow.libraries import Libraries
from evalguard.flow.misgiven import given_text, misgiven, names_a_mode
from evalguard.flow.showing import show
from evalguard.flow.state import State
from evalguard.flow.stilling import KEPT, STILL
from evalguard.flow.values import constant, lit, one, only
from evalguard.modes import Mode
from evalguard.places import Place
from evalguard.records import NamedTuple

EITHER = frozenset((*lit(True).atoms, *lit(False).atoms))


class MethodCall(NamedTuple):
    """A call of one of ``nn.Module``'s own methods."""

    owner: Ref | Part | Inert
    args: Arguments
    site: Call


class Turning(Libraries):
    """Turns modules to a mode."""

    def _misgiven(self, call: MethodCall, name: str, state: State, frame: Frame) -> bool:
        """Whether a switch is given what is no mode, which raises; note it if so."""
        how = misgiven(name, call.args)
        if not how or not self._has_own_switches(call.owner, names_a_mode(name, call.args)):
            return False
        if self._is_one_of_several(call.site, state, frame):
            return False
        site, steps, place = call.site, self.steps(frame.context), self.place(frame, call.site.at)
        if steps and frame.known is not None and frame.known.function.name == name:
            steps, place = steps[:-1], steps[-1].place
        number = getattr(call.owner, "thing", None)
        text = show(site.func).rpartition(".")[0]
        module = (
            Module(text, shown=True) if number is None else self.survey(number, text, state).module
        )
        function = frame.known.function.qualname if frame.known else ""
        given = given_text(call.args, site)
        self.recorder.note(
            ModeMisgiven(place, function, steps, module=module, name=name, given=given, how=how)
        )
        return True

    def _is_one_of_several(self, site: Call, state: State, frame: Frame) -> bool:
        """Whether what a method is called on may be another object as well.

        A method that was kept under a name is told by what the name may mean.
        """
        told = site.func.value if isinstance(site.func, Attr) else site.func
        if not isinstance(told, (Name, Attr, Item)):
            return False
        return len(self.value(told, state, frame).atoms) > 1

    def _has_own_switches(self, owner: Ref | Part | Inert, told: bool) -> bool:
        """Whether ``train`` and ``eval`` of an object are surely those of PyTorch's modules.

        Args:
            owner: The object.
            told: Whether what they are given speaks of a mode; then it is enough that something
                else shows the object to be a module.
        """
        if isinstance(owner, Inert):
            return True
        thing = self.things[owner.thing]
        if thing.cls is None:
            return thing.kind == "module" or (thing.shown and told)
        libraries = self.classes.libraries(thing.cls)
        seen = all(self._inherits_no_other(name) for name in libraries)
        return seen and not self.classes.is_open(thing.cls)

    def _inherits_no_other(self, name: str) -> bool:
        plain = name.startswith(("builtins.", "abc.", "typing."))
        return plain or self.knowledge.is_module_base(name) is True

    def of_unknown(self, atom: Atom) -> bool:
        """Whether a callee is what something unknown, hardly a module, holds under a name."""
        thing = self.things[atom.thing] if isinstance(atom, Ref) else None
        return thing is not None and thing.kind == "unknown" and thing.parent is not None

    def switch_one_another(self, callees: Sequence[Atom]) -> bool:
        """Whether a switch of one of several objects is as good as one of them all.

        Where a name stands for one of several modules, what follows reaches the same one by the
        same name; and a loop over modules switches them all. What isn't known to be a module may
        be among them: if that is what the name stands for, no module is called by it.
        """
        switches = [self._switches(atom) for atom in callees]
        rest = zip(callees, switches, strict=True)
        return any(switches) and all(known or self._hardly_known(atom) for atom, known in rest)

    def _hardly_known(self, atom: Atom) -> bool:
        """Whether a callee is a method, for all that can be seen, of something unknown."""
        return isinstance(atom, Lib) or self.of_unknown(atom)

    def _switches(self, atom: Atom) -> bool:
        """Whether this is ``train`` or ``eval`` of some object, or a method of only such calls."""
        if isinstance(atom, Method):
            return self._is_switch(atom.name)
        if not isinstance(atom, Fun):
            return False
        known = self.functions[atom.number]
        return self._is_switch(known.function.name) or (bool(atom.bound) and known.turns)

    def _is_switch(self, name: str) -> bool:
        known = self.knowledge.module_method(name)
        return known is not None and known.effect in ("train", "eval")

    def _train(self, call: MethodCall, state: State, frame: Frame) -> Value | None:
        owner, args, site = call.owner, call.args, call.site
        if self._misgiven(call, "train", state, frame):
            self._set_mode(owner, Mode.UNSEEN, "flag", site, state, frame)
            return None
        flag = (*args.positional, *[value for _, value in args.keywords])[:1]
        mode = self.flag_mode(flag[0], state, frame) if flag else Mode.TRAIN
        literal = not flag or constant(flag[0]) is not None
        sure = literal and not self._was_so(owner, mode, state)
        self._set_mode(owner, mode, "switched" if sure else "flag", site, state, frame)
        return None

    def _was_so(self, owner: Ref | Part | Inert, mode: Mode, state: State) -> bool:
        """Whether a module that others have made is put in train mode where it was in it before."""
        if mode != Mode.TRAIN or not isinstance(owner, Ref) or self.things[owner.thing].built:
            return False
        return state.assume.get(("training", owner.thing)) is True

    def _eval(self, call: MethodCall, state: State, frame: Frame) -> Value | None:
        owner, site = call.owner, call.site
        self._misgiven(call, "eval", state, frame)
        if isinstance(owner, Ref):
            override = self.override(self.things[owner.thing], "train", state)
            if override is not None and self._takes_mode(override):
                place = self.place(frame, site.at)
                off = Arguments((lit(False),))
                self.call_function(override, off, place, show(site.func), state, frame)
                return one(owner)
        self._set_mode(owner, Mode.EVAL, "switched", site, state, frame)
        return None

    def _takes_mode(self, override: Fun) -> bool:
        params = self.functions[override.number].function.params
        return len(params) > (override.bound is not None)

    def flag_mode(self, flag: Value, state: State, frame: Frame) -> Mode:
        """The mode that ``train(flag)`` sets."""
        saved = only(flag)
        if isinstance(saved, Saved):
            decided = state.assume.get(("training", saved.thing))
            return saved.mode if decided is None else Mode.of(decided)
        holds = self.decide(flag, state, frame)
        if holds is None and flag.atoms and flag.atoms <= EITHER:
            return Mode.TRAIN | Mode.EVAL
        return Mode.UNSEEN if holds is None else Mode.of(holds)

    def _set_mode(
        self,
        owner: Ref | Part | Inert,
        mode: Mode,
        how: str,
        site: Call,
        state: State,
        frame: Frame,
    ) -> None:
        if isinstance(owner, Inert):
            return
        place = self.place(frame, site.at)
        self.keep(one(owner))
        origin = self.written(mode, how, show(site), place)
        self.switch_atom(owner, origin, state, frame)
        if isinstance(owner, Part) and owner.thing in state.narrow:
            left = mode == Mode.EVAL and Mode.EVAL not in self.things.mode(state, owner.thing).mode
            self._still(owner.thing, STILL, left, place, state)
        elif isinstance(owner, Ref):
            kept = mode == Mode.EVAL and _is_own_part(site, frame)
            self._still(owner.thing, KEPT, kept, place, state)

    def _still(self, number: int, word: str, left: bool, place: Place, state: State) -> None:
        """A module, or some of its layers, are to stay in eval mode, or not any longer."""
        if left:
            self.freeze(number, word, place, state)
        elif number in self.ever_frozen:
            state.fields.pop((number, word))


def _is_own_part(site: Call, frame: Frame) -> bool:
    """Whether a constructor calls a method of an attribute of its object."""
    if frame.owner is None or frame.known is None or frame.known.function.name != "__init__":
        return False
    held = site.func.value if isinstance(site.func, Attr) else None
    params = frame.known.function.params
    return isinstance(held, Attr) and bool(params) and held.value == Name(params[0].name)
