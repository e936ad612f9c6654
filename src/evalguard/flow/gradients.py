"""Gradient modes that library calls set, and the flags that decide them."""

from __future__ import annotations

from evalguard.events import Attr, Call, Const, Name
from evalguard.facts import Backward, GradModeLeft
from evalguard.flow.atoms import Ctx, Fun, Ref, Value
from evalguard.flow.core import Arguments, Fork, Frame
from evalguard.flow.evaluating import MOST_FORKS
from evalguard.flow.functional import Functionals
from evalguard.flow.showing import show
from evalguard.flow.state import State
from evalguard.flow.values import ANYTHING, join_all, one, only
from evalguard.link import Program
from evalguard.modes import Grad

EVERY = "*"


class Gradients(Functionals):
    """Sets gradient modes."""

    def __init__(self, program: Program) -> None:
        super().__init__(program)

    def _context(self, name: str, args: Arguments, site: Call, state: State, frame: Frame) -> Value:
        known = self.knowledge.context(name)
        assert known is not None
        flag = self.argument(known.argument, args)
        functions = [
            atom for value in args.values() for atom in value.atoms if isinstance(atom, Fun)
        ]
        if functions and known.grad and known.argument is None:
            return self._decorated(functions[0], known.grad_of(), site, frame)
        every = known.target is not None and known.target.name == EVERY
        target = join_all(args.positional) if every else self.argument(known.target, args)
        value = one(Ctx(name, flag, target))
        if known.immediate:
            grad = self.grad_of(name, flag, state, frame)
            self.enter_grad(grad, site, state, frame)
            given = [*site.args, *[value for _, value in site.keywords]]
            literal = Const(False) in given
            state.leak = self.place(frame, site.at) if literal and grad == Grad.OFF else None
        return value

    def _decorating(
        self, context: Ctx, args: Arguments, site: Call, state: State, frame: Frame
    ) -> Value:
        """``torch.no_grad()(function)``."""
        fun = only(args.positional[0]) if args.positional else None
        if not isinstance(fun, Fun):
            return ANYTHING
        grad = self.grad_of(context.name, context.argument, state, frame)
        return self._decorated(fun, grad, site, frame) if grad is not None else one(fun)

    def _decorated(self, fun: Fun, grad: Grad | None, site: Call, frame: Frame) -> Value:
        entry = self.functions[fun.number]
        entry.grad, entry.grad_place = grad, self.place(frame, site.at)
        return one(fun)

    def grad_of(self, name: str, flag: Value | None, state: State, frame: Frame) -> Grad | None:
        """The gradient state that a context manager sets; None if it leaves it alone."""
        known = self.knowledge.context(name)
        assert known is not None
        if known.grad != "argument":
            return known.grad_of()
        if flag is None:
            return known.grad_of()
        decided = self.decide(flag, state, frame)
        if decided is None:
            return Grad.UNSEEN
        return Grad.of(decided != known.inverted)

    def enter_grad(self, grad: Grad | None, site: Call | None, state: State, frame: Frame) -> None:
        """Set the gradient state."""
        if grad is not None:
            state.grad = grad
            state.grad_place = self.place(frame, site.at) if site is not None else None
            if site is not None and not _written_out(site):
                self.by_argument.add(state.grad_place)

    def decide(self, flag: Value, state: State, frame: Frame) -> bool | None:
        """Whether a flag is true; where it is a stable condition, the statement is forked."""
        holds, cond = self.truth(flag, state)
        stable = cond is not None and cond.key[0] != "training"
        if holds is None and cond is not None and stable and frame.forks < MOST_FORKS:
            raise Fork(cond.key)
        return holds

    def _leaked_into(self, value: Value, site: Call, state: State, frame: Frame) -> None:
        """A backward pass on what was computed while a leaked gradient mode was in force."""
        recorded = any(token > 0 for token in value.taint)
        if state.leak is not None and state.grad == Grad.OFF and not recorded:
            where = self.place(frame, site.at)
            self.recorder.leaked(GradModeLeft(state.leak, training=where))

    def _ran_backward(self, value: Value, site: Call, state: State, frame: Frame) -> None:
        """Note a backward pass, and whether there is a graph that it can go back through."""
        elsewhere = state.grad_place in self.by_argument or not self._turned_here(state, frame)
        doubtful = self.doubts > 0 and elsewhere
        told = not doubtful and state.leak is None and not self.in_unit_test(frame.path, frame)
        fact = Backward(
            self.place(frame, site.at),
            frame.known.function.qualname if frame.known else "",
            self.steps(frame.context),
            text=show(site.func),
            graph=state.grad if told else Grad.UNSEEN,
            grad_place=state.grad_place,
        )
        self.recorder.ran_backward(fact, value.taint, self._inverted(site, state, frame))

    def _turned_here(self, state: State, frame: Frame) -> bool:
        """Whether the function under way set the gradient mode itself, or its decorator did."""
        known, where = frame.known, state.grad_place
        if known is None or where is None:
            return known is None
        return where == known.grad_place or known.place.holds(where)

    def _inverted(self, site: Call, state: State, frame: Frame) -> set[int]:
        """The objects whose own ``backward`` this may be, as a flow's is its inverse."""
        func = site.func
        if not isinstance(func, Attr) or func.name != "backward":
            return set()
        if not isinstance(func.value, (Name, Attr)):
            return set()
        atoms = self.value(func.value, state, frame).atoms
        return {atom.thing for atom in atoms if isinstance(atom, Ref)}


def _written_out(site: Call) -> bool:
    """Whether the code tells what a call makes of gradients, not some flag."""
    given = [*site.args, *[value for _, value in site.keywords]]
    return all(isinstance(value, Const) for value in given)
