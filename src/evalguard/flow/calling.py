"""Calls: of functions and classes of the project, of modules, and of methods."""

from __future__ import annotations

from evalguard.events import Attr, Call, Expr, Item, Name, Star
from evalguard.flow.atoms import (
    Atom,
    Cls,
    Ctx,
    Fun,
    Inert,
    Lib,
    Lit,
    Method,
    Part,
    Partial,
    Ref,
    Sought,
    Super,
    Value,
)
from evalguard.flow.builtin import REVEAL
from evalguard.flow.core import Arguments, Frame
from evalguard.flow.seeking import Seeking
from evalguard.flow.showing import show
from evalguard.flow.state import State, join_states
from evalguard.flow.switching import DEEPEST_MODULE
from evalguard.flow.values import (
    ANYTHING,
    constant,
    detached,
    join,
    join_all,
    one,
    only,
    ordered,
    tainted,
)
from evalguard.flow.variables import ITEMS, item_name
from evalguard.modes import Grad, Sensitivity

MOST_CALLEES = 8
TAKES_IN = frozenset(("append", "extend", "insert", "update"))
Callee = Fun | Cls | Lib | Method | Ref | Partial | Inert | Part | Ctx | Sought
CALLABLE = (Fun, Cls, Lib, Method, Ref, Partial, Inert, Part, Ctx, Sought)


class Calling(Seeking):
    """Calls."""

    def call(self, node: Call, state: State, frame: Frame) -> Value:
        """Evaluate a call expression."""
        special = self.special(node, state, frame)
        if special is not None:
            return special
        callee = self.value(node.func, state, frame)
        args = self.arguments(node, state, frame)
        result = self.call_value(callee, args, node, state, frame)
        if isinstance(node.func, Attr) and self._works_in_place(node.func.name, callee):
            self._put_in_place(node.func.value, args, node, state, frame)
        return result

    def _works_in_place(self, name: str, callee: Value) -> bool:
        """Whether a method changes what it is called on: as a tensor, or as a network's result."""
        return _in_place(name) or (name in TAKES_IN and bool(callee.taint))

    def _put_in_place(
        self, target: Expr, args: Arguments, site: Call, state: State, frame: Frame
    ) -> None:
        """A method that its name says works in place: it puts something in."""
        values = [self.deep(value, state) for value in args.values()]
        while isinstance(target, Attr) and self.knowledge.detaches(target.name):
            target, values = target.value, [detached(value) for value in values]
        cell = self._cell(target, state, frame)
        owner = state.get(cell) if cell is not None else None
        if owner is not None:
            self.take_in(target, owner, tainted(values).taint, state, frame, site.at)

    def arguments(self, node: Call, state: State, frame: Frame) -> Arguments:
        """Evaluate the arguments of a call."""
        positional: list[Value] = []
        open_ = False
        for arg in node.args:
            value = self.value(arg, state, frame)
            if not isinstance(arg, Star):
                positional.append(value)
            elif (items := self.sequence(value, state)) is not None:
                positional += items
            else:
                positional.append(self.items(value, state))
                open_ = True
        keywords: list[tuple[str, Value]] = []
        for name, arg in node.keywords:
            value = self.value(arg, state, frame)
            if name is not None:
                self._telling_keyword(name, value, state, frame)
                keywords.append((name, value))
            else:
                known, rest = self._spread(value, state)
                keywords += known
                open_ = open_ or rest
                if rest:
                    keywords.append(("**", value))
        return Arguments(tuple(positional), tuple(keywords), open_)

    def _telling_keyword(self, name: str, value: Value, state: State, frame: Frame) -> None:
        """``requires_grad=True`` of an input, and ``volatile=True``, the no_grad of its time."""
        known = constant(value)
        if known is None or known.value is not True:
            return
        effect = self.knowledge.keyword(name)
        if effect == "input_gradient":
            self.wants_gradient(state, frame)
        elif effect == "no_gradient":
            state.grad |= Grad.OFF

    def _spread(self, value: Value, state: State) -> tuple[list[tuple[str, Value]], bool]:
        """The keyword arguments in a ``**`` dict, and whether there may be others."""
        atom = only(value)
        if not isinstance(atom, Ref) or self.things[atom.thing].kind != "dict":
            return [], True
        out = [
            (name[2:-2], held)
            for name in self.things.names(atom.thing)
            if name.startswith("['") and (held := state.get((atom.thing, name))) is not None
        ]
        return out, state.get((atom.thing, ITEMS)) is not None

    def call_value(
        self, callee: Value, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value:
        """Call whatever a value stands for; several callees are alternatives."""
        known = self._taking(callee, args)
        atoms = known[:MOST_CALLEES]
        if not atoms or (callee.taint and all(self.of_unknown(atom) for atom in atoms)):
            return self._nameless(callee, args, site, state, frame)
        if len(atoms) == 1:
            return self._with_taint(callee, self._call(atoms[0], args, site, state, frame))
        results: list[Value] = []
        ends: list[State] = []
        if self.switch_one_another(known) and not self._one_item(site, state, frame):
            each = [self._call(atom, args, site, state, frame) for atom in known]
            return self._with_taint(callee, join_all(each))
        inert = any(isinstance(atom, Inert) for atom in atoms)
        for atom in atoms:
            branch, self.maybe_inert = state.copy(), site if inert else None
            results.append(self._call(atom, args, site, branch, frame))
            ends.append(branch)
        self.maybe_inert = None
        joined = join_states(ends)
        if joined is not None:
            state.adopt(joined)
        return self._with_taint(callee, join_all(results))

    def _one_item(self, site: Call, state: State, frame: Frame) -> bool:
        """Whether the callee is a method of one item of a container: ``models[i].eval()``.

        A loop over all its keys comes to each of them.
        """
        item = site.func.value if isinstance(site.func, Attr) else None
        if not isinstance(item, Item) or not isinstance(item.key, Name):
            return isinstance(item, Item)
        keys = {item_name(one(atom)) for atom in self.value(item.key, state, frame).atoms}
        owner = only(self.value(item.value, state, frame))
        return not isinstance(owner, Ref) or keys != set(self.held_keys(owner.thing, state))

    def _taking(self, callee: Value, args: Arguments) -> list[Callee]:
        """What can be called, and where that is several: what is passed fits, as others raise."""
        each = self.like_others(ordered(callee.atoms)) if len(callee.atoms) > 1 else callee.atoms
        known = [atom for atom in each if isinstance(atom, CALLABLE)]
        if len(known) < 2:
            return known
        fits = [atom for atom in known if not isinstance(atom, Fun) or self.takes(atom, args)]
        return fits or known

    def _with_taint(self, callee: Value, result: Value) -> Value:
        return Value(result.atoms, result.taint | callee.taint) if callee.taint else result

    def _nameless(
        self, callee: Value, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value:
        """A call of something unknown; a method's name may still tell what it does."""
        if isinstance(site.func, Attr):
            if self.knowledge.steps(site.func.name):
                self._optimizer_step(ANYTHING, args, show(site.func.value), state)
            return self.effect(site.func.name, callee, args, site, state, frame)
        return self.effect(show(site.func), callee, args, site, state, frame)

    def _call(self, atom: Atom, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        if isinstance(atom, Fun):
            if self._is_forward_call(atom, site, frame):
                return self.forward(atom.bound.thing, args, site, state, frame)  # type: ignore[union-attr]
            place = self.place(frame, site.at)
            return self.call_function(atom, args, place, show(site.func), state, frame)
        if isinstance(atom, Cls):
            return self.instantiate(atom.number, args, site, state, frame)
        if isinstance(atom, (Lib, Method)):
            return self._call_unowned(atom, args, site, state, frame)
        if isinstance(atom, Ref):
            return self._call_object(atom, args, site, state, frame)
        if isinstance(atom, Partial):
            keywords = tuple({**dict(atom.keywords), **args.named()}.items())
            both = Arguments(atom.args + args.positional, keywords, args.open)
            return self.call_value(atom.target, both, site, state, frame)
        if isinstance(atom, Ctx):
            return self._decorating(atom, args, site, state, frame)
        if isinstance(atom, Sought):
            return self.call_sought(atom, args, site, state, frame)
        assert isinstance(atom, (Inert, Part)), atom
        return self._call_part(atom, args, site, state, frame)

    def _call_part(
        self, atom: Inert | Part, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value:
        """Call a layer that does the same in both modes, or one of a module's parts."""
        if isinstance(atom, Part) and self._is_own_part(atom, site, frame):
            return self.forward(atom.thing, args, site, state, frame)
        changed = self.weights_changed(site, state, frame)
        values = [self.deep(value, state) for value in args.values()]
        for value in values:
            self.recorder.fed(value.taint)
        known = tainted(values)
        return Value(frozenset((atom,)), known.taint) if changed else known

    def _is_own_part(self, atom: Part, site: Call, frame: Frame) -> bool:
        """Whether a method of a module calls its parts one by one, as its ``forward`` does."""
        thing = self.things[atom.thing]
        if thing.cls is None or frame.owner is None or frame.in_forward:
            return False
        if isinstance(site.func, Attr) or not frame.loops:
            return False
        classes = self.classes.ancestry(thing.cls)
        return any(isinstance(item, Cls) and item.number == frame.owner for item in classes)

    def _call_unowned(
        self, atom: Lib | Method, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value:
        """Call what the project doesn't define."""
        source = self._to_replace(atom, args)
        if source is not None:
            return self.replaced(source, args, site, state, frame)
        if isinstance(atom, Lib):
            return self.library_or_builtin(atom.name, args, site, state, frame)
        return self.method_call(atom, args, site, state, frame)

    def _is_forward_call(self, fun: Fun, site: Call, frame: Frame) -> bool:
        """``module.forward(...)``, ``super().forward(...)`` aside."""
        if fun.bound is None or self.functions[fun.number].function.name != "forward":
            return False
        parent = isinstance(site.func, Attr) and isinstance(site.func.value, Call)
        return self.things[fun.bound.thing].kind == "module" and not parent

    def _call_object(
        self, atom: Ref, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value:
        thing = self.things[atom.thing]
        if thing.kind == "class" and thing.cls is not None:
            return self.instantiate(thing.cls, args, site, state, frame)
        if thing.kind == "object" and thing.cls is not None:
            member = self.member(thing.cls, "__call__", state)
            if member is not None:
                return self.call_value(
                    self.bound(member, atom, site, state, frame), args, site, state, frame
                )
            return self._nameless(ANYTHING, args, site, state, frame)
        if thing.kind == "object" and (dotted := self.library_method(atom.thing, "__call__")):
            method = Method(atom, "__call__")
            result = self.library_method_call(dotted, method, args, site, state, frame)
            return ANYTHING if result is None else result
        if thing.kind == "object" and self.knowledge.effect(f"{thing.lib}.__call__") == "backward":
            self.effect(f"{thing.lib}.__call__", None, args, site, state, frame)
            self._optimizer_step(ANYTHING, args, thing.text, state)
            return ANYTHING
        if thing.kind not in ("module", "unknown"):
            return self._nameless(ANYTHING, args, site, state, frame)
        if thing.kind == "unknown" and not self._callable_module(atom.thing, site):
            return self._unknown_method(atom.thing, args, site, state, frame)
        number = atom.thing
        if thing.parent is not None and self.knowledge.is_inference_method(thing.text):
            number = thing.parent
        return self.forward(number, args, site, state, frame)

    def _callable_module(self, number: int, site: Call) -> bool:
        """Whether calling an unknown object may be a forward call."""
        thing = self.things[number]
        if thing.parent is None:
            return True
        if self.knowledge.effect(thing.text) in ("backward", "gradient"):
            return False
        parent = self.things[thing.parent]
        if self.knowledge.is_inference_method(thing.text):
            return parent.kind == "module" or parent.shown
        return thing.shown

    def _optimizer_step(self, owner: Value, args: Arguments, text: str, state: State) -> None:
        """``optimizer.step()`` or ``scaler.step(optimizer)``; ``text`` names the owner."""
        given = [
            atom.thing
            for value in (owner, *args.values())
            for atom in value.atoms
            if isinstance(atom, Ref)
        ]
        known = [thing for thing in given if thing in self.optimizers]
        if known:
            modules = frozenset[int]().union(*[self.optimizers[thing] for thing in known])
            reach = [self._reach(number, state, whole=True) for number in sorted(modules)]
            reached = frozenset[int]().union(*reach)
            self.recorder.stepped(reached | self._pieced(reached, state))
            for place in [place for thing in known for place in self.optimized.get(thing, ())]:
                self.recorder.kept(place)
        elif not self.speaks("stepper", text):
            self.recorder.stepped(None)

    def _pieced(self, reached: frozenset[int], state: State) -> set[int]:
        """The modules about to be trained all of whose parts are among these.

        Such an optimizer has a group of parameters for each part.
        """
        rest = self.recorder.pending() - reached if reached else set()
        return {
            number
            for number in sorted(rest)
            if not reached.isdisjoint(self._reach(number, state))
            and not self._left_out(number, reached, state, 0)
        }

    def _left_out(self, number: int, reached: frozenset[int], state: State, depth: int) -> bool:
        """Whether a module has a part that knows modes and parameters, and isn't among these."""
        if number in reached:
            return False
        if self.molds.whole(number) or depth > DEEPEST_MODULE:
            return True
        thing = self.things[number]
        children = self._registered(number, state)
        if children:
            return any(self._left_out(c.number, reached, state, depth + 1) for c in children)
        layer = self.knowledge.layer(thing.lib) if thing.lib else None
        own, _ = self.own_sensitivity(thing, state)
        return own is not Sensitivity.NO and (layer is None or layer.parameters)

    def _unknown_method(
        self, number: int, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value:
        """A method of an object that isn't shown to be a module."""
        thing = self.things[number]
        owner = thing.parent
        if owner is not None:
            if thing.text in ("append", "add", "extend", "insert", "put", "appendleft"):
                for value in args.values():
                    item = self._flat(value, state) if thing.text == "extend" else value
                    self.put(owner, ITEMS, self._among_others(item), state)
                kept = [value for value in args.values() if not self._runs(value)]
                args = Arguments(tuple(kept))
            if self.knowledge.steps(thing.text):
                holder = self.things[owner]
                text = f"{holder.lib} {holder.text}"
                self._optimizer_step(self.things[owner].value, args, text, state)
            method = self.knowledge.module_method(thing.text)
            if method is not None and method.effect == "clears":
                self.clear(owner, state)
            self.recorder.weights.touched([owner])
            taint = state.get((owner, ITEMS))
            held = tainted([taint]) if taint is not None else ANYTHING
            return self.effect(thing.text, held, args, site, state, frame)
        return self._nameless(ANYTHING, args, site, state, frame)

    def _among_others(self, item: Value) -> Value:
        """A constant that is put into what can't be seen isn't the only one in there."""
        return join(item, ANYTHING) if any(isinstance(atom, Lit) for atom in item.atoms) else item

    def _runs(self, value: Value) -> bool:
        return any(isinstance(atom, (Fun, Partial)) for atom in value.atoms)

    # Special forms.

    def special(self, node: Call, state: State, frame: Frame) -> Value | None:
        """``super()`` and other calls that need their syntax; None for all others."""
        if isinstance(node.func, Name) and node.func.id == "super":
            me: Ref | Cls | None = frame.me
            if frame.owner is None:
                return ANYTHING
            return one(Super(frame.owner, me or Cls(frame.owner)))
        if isinstance(node.func, Name) and node.func.id == REVEAL:
            return self.reveal(self.arguments(node, state, frame), node, state, frame)
        return None


def _in_place(name: str) -> bool:
    return name.endswith("_") and not name.endswith("__")
