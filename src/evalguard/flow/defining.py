"""``def``, ``class`` and ``import``: what they bind, and what decorators make of it."""

from __future__ import annotations

from evalguard.events import (
    Attr,
    Bind,
    Block,
    Call,
    Class,
    Define,
    DefineClass,
    Expr,
    If,
    Import,
    Name,
    Stmt,
    With,
)
from evalguard.facts import FunctionalCall, SwitchOverride
from evalguard.flow.atoms import Atom, Cls, Ctx, Fun, Lib, Managed, Ref, Value
from evalguard.flow.beside import SWITCHES
from evalguard.flow.classes import Known
from evalguard.flow.contexts import Contexts
from evalguard.flow.core import NO_NAMES, Arguments, Frame
from evalguard.flow.masks import read_masks
from evalguard.flow.overrides import head_of, means_no_switch, read_override
from evalguard.flow.showing import show
from evalguard.flow.state import State, join_states
from evalguard.flow.values import one, only, ordered
from evalguard.link.mentions import names_in
from evalguard.modes import Grad
from evalguard.places import Span


class Defining(Contexts):
    """Defines functions and classes."""

    def _define(self, stmt: Define, state: State, frame: Frame) -> list[State]:
        function = stmt.function
        owner = frame.owner if self._in_class_body(frame) else None
        value = one(self.define(function, frame, owner))
        for decorator in reversed(function.decorators):
            value = self._uncounted(decorator, value, state, frame)
        told = self._told(function.name, frame)
        value = one(Lib(told)) if told else value
        self.assign(self.home(function.name, frame), function.name, value, state)
        return [state]

    def _told(self, name: str, frame: Frame) -> str:
        """The name by which a user's tables tell what a function of a file does, or nothing."""
        if not self.knowledge.is_extended or self.things[frame.thing].kind != "file":
            return ""
        spelled = (f"{file}.{name}" for file in self.program.imports.spellings(frame.path))
        return next(filter(self.knowledge.overrides, spelled), "")

    def _in_class_body(self, frame: Frame) -> bool:
        return self.things[frame.thing].kind == "class"

    def _uncounted(self, node: Expr, value: Value, state: State, frame: Frame) -> Value:
        """A decorator is followed for each function, however many it decorates."""
        around, self.decorating = self.decorating, True
        try:
            return self._decorate(node, value, state, frame)
        finally:
            self.decorating = around

    def _decorate(self, node: Expr, value: Value, state: State, frame: Frame) -> Value:
        fun = only(value)
        if not isinstance(fun, Fun):
            return value
        known = self.functions[fun.number]
        decorator = self.value(node, state, frame)
        atom = only(decorator)
        if isinstance(atom, Lib):
            return self._library_decorator(atom.name, known, node, value, frame)
        contexts = [item for item in ordered(decorator.atoms) if isinstance(item, Ctx)]
        if contexts and len(contexts) == len(decorator.atoms):
            grads = {self.grad_of(item.name, item.argument, state, frame) for item in contexts}
            grad = grads.pop() if len(grads) == 1 else Grad.UNSEEN
            self._decorate_grad(known, grad, contexts[0].name, node, frame)
            return value
        if isinstance(node, Attr) and node.name in ("setter", "deleter"):
            read = self.value(node.value, state, frame)
            getter = only(read)
            if node.name == "setter" and isinstance(getter, Fun):
                self.setters[getter.number] = fun
                self.set_names.add(known.function.name)
            return read
        if self._enters(atom, state):
            return self._run_within(decorator, fun, state, frame)
        return self._wrapped_by(decorator, node, value, known.function.at, state, frame)

    def _enters(self, atom: Atom | None, state: State) -> bool:
        """Whether a decorator is a context manager of the project."""
        cls = self.things[atom.thing].cls if isinstance(atom, Ref) else None
        if cls is None:
            return isinstance(atom, Managed)
        entered, called = self.member(cls, "__enter__", state), self.member(cls, "__call__", state)
        return entered is not None and called is None

    def _run_within(self, context: Value, fun: Fun, state: State, frame: Frame) -> Value:
        """A function whose body runs in a context manager, as if it began with a ``with``."""
        known = self.functions[fun.number]
        name = f"#with {known.number}"
        self.assign(self.home(name, frame), name, context, state)
        if known.function.body[:1] and name in names_in(known.function.body[:1]):
            return one(fun)
        body = (With(((Name(name), None),), known.function.body, known.function.at),)
        known.function, known.matters = known.function._replace(body=body), True
        return one(fun)

    def _wrapped_by(
        self, decorator: Value, node: Expr, value: Value, at: Span, state: State, frame: Frame
    ) -> Value:
        """What a decorator of the project makes of a function or class; the same, if unknown."""
        if not any(self._defined(atom) for atom in decorator.atoms):
            return value
        wrapped = self.call_value(
            decorator, Arguments((value,)), Call(node, (), (), at), state, frame
        )
        return wrapped if any(self._defined(atom) for atom in wrapped.atoms) else value

    def _defined(self, atom: Atom) -> bool:
        """Whether a value is callable, and of the project."""
        if isinstance(atom, Ref):
            return self.things[atom.thing].cls is not None
        return isinstance(atom, (Fun, Cls))

    def _library_decorator(
        self, name: str, known: Known, node: Expr, value: Value, frame: Frame
    ) -> Value:
        role = self.knowledge.decorator(name.rpartition(".")[2])
        if role != "none":
            known.role = role
        context = self.knowledge.context(name)
        if context is not None and context.grad:
            self._decorate_grad(known, context.grad_of(), name, node, frame)
        return value

    def _decorate_grad(
        self, known: Known, grad: Grad | None, name: str, node: Expr, frame: Frame
    ) -> None:
        span = node.at if isinstance(node, Call) else known.function.at
        if known.function.is_async:
            self._idle(name, node, "async", span, frame)
            return
        known.grad, known.grad_place = grad, self.place(frame, span)

    def _define_class(self, stmt: DefineClass, state: State, frame: Frame) -> list[State]:
        cls = stmt.cls
        thing, new = self.things.make(("class", frame.path, cls.at, cls.qualname), "class")
        if new:
            blueprint = self.classes.add(cls, frame.path, frame.thing, thing.number)
            thing.cls = blueprint.number
            blueprint.torch = "torch" in self.program.units[frame.path].uses
        assert thing.cls is not None
        blueprint = self.classes[thing.cls]
        bases = tuple([self.value(base, state, frame) for base in cls.bases])
        decorators = [self.value(node, state, frame) for node in cls.decorators]
        self.classes.settle(blueprint, bases)
        inner = Frame(thing.number, frame.path, frame.context, outer=frame.thing)
        inner.owner = blueprint.number
        inner.known = frame.known
        frame.captured = True
        self.frames[thing.number] = inner
        self._class_body(cls.body, inner, state)
        if self.classes.is_module(blueprint.number):
            self._note_overrides(cls, frame)
            self._note_masks(cls, frame)
        self._tell_base(blueprint.number, cls, state, frame)
        value = one(Cls(blueprint.number))
        for node, decorator in zip(reversed(cls.decorators), reversed(decorators), strict=True):
            self._idle_on_class(node, decorator, cls.at, frame)
            value = self._wrapped_by(decorator, node, value, cls.at, state, frame)
        self.assign(self.home(cls.name, frame), cls.name, value, state)
        return [state]

    def _tell_base(self, number: int, cls: Class, state: State, frame: Frame) -> None:
        """``__init_subclass__`` of a base is called for each class that inherits it."""
        member = self.member(number, "__init_subclass__", state, after=number)
        for atom in ordered(member.atoms) if member else ():
            if isinstance(atom, Fun):
                fun = atom._replace(bound=Ref(self.classes[number].thing))
                keywords = [(name, self.value(node, state, frame)) for name, node in cls.keywords]
                args = Arguments((), tuple((name, value) for name, value in keywords if name))
                place = self.place(frame, cls.at)
                self.call_function(fun, args, place, cls.name, state, frame)

    def _note_overrides(self, cls: Class, frame: Frame) -> None:
        for stmt in cls.body:
            if isinstance(stmt, Define) and stmt.function.name in SWITCHES:
                function = stmt.function
                if means_no_switch(function):
                    continue
                fact = SwitchOverride(
                    self.place(frame, head_of(function)),
                    function.qualname,
                    owner=cls.name,
                    name=function.name,
                    **read_override(function, cls)._asdict(),
                )
                self.recorder.note(fact)

    def _note_masks(self, cls: Class, frame: Frame) -> None:
        """Dropout that a module's class draws by hand."""
        for method, attribute, drawn in read_masks(cls):
            names = (cls.name, method.name, attribute)
            if not any(self.speaks("dropout", name) for name in names):
                continue
            fact = FunctionalCall(
                self.place(frame, drawn.at),
                method.qualname,
                name=show(drawn.func).rpartition(".")[2],
                training="drawn",
                guarded=self.speaks("training", method.name),
                stochastic=any(self.speaks("stochastic", name) for name in names),
                owner=cls.name,
            )
            self.recorder.note(fact)

    def _idle_on_class(self, node: Expr, decorator: Value, at: Span, frame: Frame) -> None:
        atom = only(decorator)
        if isinstance(atom, (Ctx, Lib)):
            span = node.at if isinstance(node, Call) else at
            self._idle(atom.name, node, "class", span, frame)

    def _class_body(self, body: Block, inner: Frame, state: State) -> None:
        """Class attributes live on the class; functions in it don't see them."""
        names = {name for stmt in body for name in _bound(stmt)}
        inner.names = frozenset(names)
        ends = self.run(body, [state], inner)
        end = join_states(ends)
        if end is not None and end is not state:
            state.adopt(end)
        inner.names = NO_NAMES

    def _import(self, stmt: Import, state: State, frame: Frame) -> list[State]:
        value = self.imported(stmt, state, frame)
        if stmt.name == "*":
            self._import_all(value, state, frame)
        elif stmt.bound:
            self.assign(self.home(stmt.bound, frame), stmt.bound, value, state)
        return [state]

    def _import_all(self, value: Value, state: State, frame: Frame) -> None:
        """Names that a star import brings; provided by the layer that knows files."""
        raise NotImplementedError


def _bound(stmt: Stmt) -> list[str]:
    if isinstance(stmt, Define):
        return [stmt.function.name]
    if isinstance(stmt, DefineClass):
        return [stmt.cls.name]
    if isinstance(stmt, Bind):
        return [target.id for target in stmt.targets if isinstance(target, Name)]
    if isinstance(stmt, If):
        return [name for item in (*stmt.body, *stmt.orelse) for name in _bound(item)]
    if isinstance(stmt, Import):
        return [stmt.bound]
    return []
