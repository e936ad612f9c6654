"""What a call does to its arguments and its result, by the name of what is called."""

from __future__ import annotations

from evalguard.events import Attr, Call, Expr, Name
from evalguard.flow.atoms import Atom, Fun, Inert, Made, Part, Partial, Ref, Unknown, Value
from evalguard.flow.core import Arguments, Frame
from evalguard.flow.frameworks import Frameworks
from evalguard.flow.showing import show
from evalguard.flow.state import State
from evalguard.flow.switching import OF_PARAMETERS
from evalguard.flow.things import is_parameter
from evalguard.flow.values import (
    ANYTHING,
    MADE,
    NO_TAINT,
    constant,
    detached,
    one,
    ordered,
    tainted,
)
from evalguard.modes import Grad

TENSORS = "torch."


class Effects(Frameworks):
    """Measures, detaches, takes gradients; makes optimizers; calls what it is given."""

    def effect(
        self,
        name: str,
        owner: Value | None,
        args: Arguments,
        site: Call,
        state: State,
        frame: Frame,
    ) -> Value:
        """A call by what its name does to a tensor: measures, detaches, runs backward, ..."""
        if owner is not None:
            result = self.called_back(name, args, site, state, frame)
            if result is not None:
                return result
        return self._by_word(name, owner, args, site, state, frame)

    def _by_word(
        self,
        name: str,
        owner: Value | None,
        args: Arguments,
        site: Call,
        state: State,
        frame: Frame,
    ) -> Value:
        values = [self.deep(value, state) for value in args.values()]
        if owner is not None:
            values.insert(0, self.deep(owner, state))
        taint = tainted(values)
        word = self.knowledge.effect(name)
        told = self._of_tensor(word, taint)
        if told is not None:
            return told
        if word == "parts" and owner is not None and owner.taint:
            return taint
        if word == "assigns" and len(args.positional) == 3:
            return self.set_by_name(args, site, state, frame)
        flag = constant(args.values()[0]) if args.values() else None
        if word == "input_gradient" and (flag is None or flag.value) and not taint.taint:
            self.wants_gradient(state, frame)  # of data, that is: not of what a network made
        if word == "backward":
            self.recorder.backward(taint.taint, self.place(frame, site.at))
            self._graded(frame)
            self._ran_backward(taint, site, state, frame)
            self._leaked_into(taint, site, state, frame)
            return ANYTHING
        if word == "gradient":
            outcomes = self._call_back(args, site, state, frame)
            return self._gradient(tainted([taint, *outcomes]), args, site, state, frame)
        return self._unknown(name, owner, values, args, site, state, frame)

    def _of_tensor(self, word: str, taint: Value) -> Value | None:
        """What comes of a tensor that is measured, detached or only looked at; None of others."""
        if word == "looks":
            return ANYTHING
        if word == "dummy":
            self.recorder.shape(taint.taint)
            return one(MADE)
        if word in ("measures", "picks"):
            self.recorder.measured(taint.taint)
            return detached(taint) if word == "picks" else ANYTHING
        if word == "detaches":
            return detached(taint)
        if word == "shape":
            self.recorder.shape(taint.taint)
            return ANYTHING
        return None

    def set_by_name(self, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        """``setattr(owner, "name", value)``."""
        raise NotImplementedError

    def _gradient(
        self, value: Value, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value:
        """Gradients of a value are asked for, or of what a function gives that is passed."""
        given = [atom for value in args.values() for atom in self.reached(value, state)]
        learns = any(isinstance(atom, Part) for atom in given) or self._asks_by_name(args)
        learns = learns or self._asks_of_module(args, site, state, frame)
        self.recorder.wanted(value.taint, self._around(frame), learns)
        self._graded(frame)
        self.recorder.fed(value.taint)
        return value

    def _asks_by_name(self, args: Arguments) -> bool:
        """Whether gradients are asked for by all that a dict holds: weights, by their names."""
        asked = [*args.positional[1:], *[value for _, value in args.keywords]]
        held = [atom for value in asked for atom in value.atoms if isinstance(atom, Ref)]
        return any(self.things[atom.thing].kind == "dict" for atom in held)

    def _asks_of_module(self, args: Arguments, site: Call, state: State, frame: Frame) -> bool:
        """Whether gradients are asked for by what a module has, and hasn't computed: parameters."""
        written = [*site.args, *[node for _, node in site.keywords]]
        if len(written) != len(args.values()):
            return False
        for node, value in zip(written, args.values(), strict=True):
            holder = _holder(node)
            if holder is None or self.deep(value, state).taint:
                continue
            if any(map(self.is_module, value.atoms)) or constant(value) is not None:
                continue
            if any(map(self.is_module, self.value(holder, state, frame).atoms)):
                return True
        return False

    def _graded(self, frame: Frame) -> None:
        """Gradients are taken: in none of the calls under way they are recorded for nothing."""
        self.recorder.graded([step.place for step in self.steps(frame.context)])

    def _around(self, frame: Frame) -> list[tuple[int, str]]:
        """The call under way, and those of a module's methods that led to it."""
        name = frame.known.function.qualname if frame.known else ""
        methods = {lift.context for lift in frame.lifts}
        out, context = [(frame.context, name)], frame.context
        while context:
            chain = self.chains[context]
            if context in methods and chain.step is not None:
                out.append((context, chain.step.function))
            context = chain.parent
        return out

    def _unknown(
        self,
        name: str,
        owner: Value | None,
        values: list[Value],
        args: Arguments,
        site: Call,
        state: State,
        frame: Frame,
    ) -> Value:
        taint = tainted(values)
        canonical = self.knowledge.canonical(name)
        if not name.startswith("builtins."):
            of_result = owner is not None and bool(owner.taint)
            pure = of_result or canonical.startswith(TENSORS)
            self.recorder.fed(taint.taint, kept=not pure)
        given = args.positional or args.keywords
        handed = bool(given) and not _of_tensors(canonical)
        if handed:
            self._handled(args, state)
        last = name.rpartition(".")[2]
        if taint.taint and self._may_train(last, site):
            self.recorder.escaped(taint.taint)
        if self.knowledge.caller(name) is None:
            self._hand_over(last, args, site, state, frame)
        made = [value for value in values if constant(value) is None]
        if made and all(self.made(value) for value in made):
            return Value(frozenset((MADE,)), taint.taint)
        if taint.taint:
            return taint
        place = self.place(frame, site.at)
        thing, new = self.things.make(("call", frame.context, place), "unknown")
        if new:
            thing.text, thing.place = show(site), place
        self._renew(thing.number, state)
        result = thing.value
        if handed:
            self.note_optimizer(result, args, state)
        return result

    def _may_train(self, name: str, site: Call) -> bool:
        """Whether something unknown may train on what it is given, by its name."""
        if self.knowledge.steps(name):
            return not self.speaks("stepper", show(site.func))
        return name != "update" and self.speaks("training", name)

    def clear(self, number: int, state: State) -> None:
        """``zero_grad()`` of a module, or of an optimizer."""
        modules = sorted(self.optimizers.get(number, frozenset((number,))))
        reach = [self._reach(module, state, whole=True) for module in modules]
        depth = len(self.loops) if number in self.optimizers else None
        self.recorder.cleared(set[int]().union(*reach), depth)

    def _handled(self, args: Arguments, state: State) -> None:
        """What is given to something unknown may be loaded there, or trained."""
        atoms = [atom for value in args.values() for atom in self.reached(value, state)]
        things = [atom.thing for atom in atoms if isinstance(atom, (Ref, Part))]
        self.recorder.weights.touched(
            [item for item in things if self.things[item].kind == "module"]
        )

    def _renew(self, number: int, state: State) -> None:
        state.forget(number)
        self._forget_parts(number, state)
        state.modes.pop(number)

    def _hand_over(
        self, name: str, args: Arguments, site: Call, state: State, frame: Frame
    ) -> None:
        """Functions are handed over; what is made of them calls them later, where that is used."""
        later = state.grad == Grad.ON and name[:1].isupper()
        state.grad = Grad.UNSEEN if later else state.grad
        self._call_back(args, site, state, frame)
        state.grad = Grad.ON if later else state.grad

    def _call_back(self, args: Arguments, site: Call, state: State, frame: Frame) -> list[Value]:
        """A project function handed to something that can't be seen is taken to be called.

        A module's ``forward`` isn't: what it would be given, and what becomes of it, is unknown.
        """
        handed = [
            atom
            for value in args.values()
            for atom in ordered(value.atoms)
            if isinstance(atom, (Fun, Partial)) and not self._is_forward_of_module(atom)
        ]
        return [
            self.call_value(one(atom), Arguments((), (), True), site, state, frame)
            for atom in handed
        ]

    def _is_forward_of_module(self, atom: Fun | Partial) -> bool:
        if isinstance(atom, Partial) or atom.bound is None:
            return False
        named = self.functions[atom.number].function.name == "forward"
        return named and self.things[atom.bound.thing].kind == "module"

    def note_optimizer(self, value: Value, args: Arguments, state: State) -> None:
        """Something made of a module's parameters is its optimizer, or will be part of one.

        What is made of nothing but tensors is the optimizer of no module.
        """
        things: set[int] = set()
        given = [atom for arg in args.values() for atom in self.reached(arg, state)]
        for atom in given:
            if isinstance(atom, Part):
                things.add(atom.thing)
            elif isinstance(atom, Ref):
                things |= self.optimizers.get(atom.thing, frozenset())
                things |= self._whose_parameters(atom, state)
        inert = any(isinstance(atom, Inert) for atom in given)
        self.recorder.weights.touched(things)
        bare = bool(args.positional) and self._are_tensors(args.positional[0], state)
        for atom in value.atoms if things or inert or bare else ():
            if isinstance(atom, Ref) and not is_parameter(self.things[atom.thing].lib):
                old = self.optimizers.get(atom.thing, frozenset())
                self.optimizers[atom.thing] = old | things
                refs = frozenset[Atom](Ref(thing) for thing in things)
                self.optimized[atom.thing] = self.born_in_forward(
                    Value(refs.union(given), NO_TAINT)
                )

    def _are_tensors(self, value: Value, state: State, depth: int = 3) -> bool:
        """Whether a value is a tensor made in view, of no module, or holds nothing else."""
        return bool(value.atoms) and all(
            self._is_tensor(atom, state, depth) for atom in value.atoms
        )

    def _is_tensor(self, atom: Atom, state: State, depth: int) -> bool:
        if not isinstance(atom, Ref):
            return isinstance(atom, Made)
        thing = self.things[atom.thing]
        if thing.kind == "list" and depth:
            held = [state.get((atom.thing, name)) for name in self.things.names(atom.thing)]
            items = [item for item in held if item is not None]
            return bool(items) and all(self._are_tensors(item, state, depth - 1) for item in items)
        own = thing.kind == "object" and is_parameter(thing.lib)
        return own and not self._is_held(atom, state)

    def _is_held(self, atom: Ref, state: State) -> bool:
        """Whether some module has an object for an attribute."""
        holders = [item for item in self.things.holders(atom.thing) if self.is_module(Ref(item))]
        held = [state.get((item, name)) for item in holders for name in self.things.holding(item)]
        return any(value is not None and atom in value.atoms for value in held)

    def _whose_parameters(self, atom: Ref, state: State) -> set[int]:
        """The modules of whose parameters a list of parameters is made."""
        if self.things[atom.thing].lib not in OF_PARAMETERS:
            return set()
        return {part.thing for part in self.items(one(atom), state).atoms if isinstance(part, Part)}

    def picked(self, value: Value, state: State, frame: Frame) -> Value:
        """A value that the outcome of a comparison has picked; not what computes others."""
        if not frame.chosen or any(self._computes(atom) for atom in self.reached(value, state)):
            return value
        return Value(value.atoms, value.taint | frame.chosen)

    def _computes(self, atom: Atom) -> bool:
        if isinstance(atom, Ref):
            return self.things[atom.thing].kind in ("module", "object", "class")
        return not isinstance(atom, (Made, Unknown))


def _holder(node: Expr) -> Expr | None:
    """Whose an attribute is, or what a method gives: ``net`` in ``net.parts.weights()``."""
    node = node.func if isinstance(node, Call) else node
    if not isinstance(node, Attr):
        return None
    holder = root = node.value
    while isinstance(root, Attr):
        root = root.value
    return holder if isinstance(root, Name) else None


def _of_tensors(name: str) -> bool:
    """Whether a function of PyTorch makes tensors of tensors."""
    return name.rpartition(".")[0] + "." == TENSORS
