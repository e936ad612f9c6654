"""What functions set up that a framework calls before all others, as a server does at its start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

from evalguard.events import (
    Attr,
    Bind,
    Call,
    Define,
    DefineClass,
    Expr,
    Function,
    Item,
    Name,
    Scope,
)
from evalguard.flow.atoms import Fun, Value
from evalguard.flow.classes import Known
from evalguard.flow.core import ENTRY_FUEL, UNFINISHED, UNSEEN_CALLER
from evalguard.flow.hiding import Hiding
from evalguard.flow.record import Recorder
from evalguard.flow.sampling import parts_of
from evalguard.flow.showing import show
from evalguard.flow.state import State, join_states
from evalguard.flow.values import ANYTHING
from evalguard.link import Program

SWITCHING = frozenset(("eval", "train"))


class Opening(Hiding):
    """Walks what sets the variables of files that are nothing before.

    Where nobody in view calls the only function that sets one, what uses it comes after that.
    """

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self._read_outside: dict[int, dict[str, str]] = {}

    def open_files(self) -> None:
        """Set what such functions set."""
        files: dict[str, list[Known]] = {}
        for known in self.functions:
            files.setdefault(known.path, []).append(known)
        for known in list(self.functions):
            if known.owner is None and _is_opener(known):
                self._open(known, files[known.path])

    def _open(self, known: Known, beside: list[Known]) -> None:
        """Let a function set its file's variables, if no other sets or switches what is there."""
        kept = self._sets_outside(known)
        others = [other for other in beside if other is not known]
        if not kept or self.things[self.frames[known.frame].thing].kind != "file":
            return
        if any(self._handles(other, kept) for other in others):
            return
        if any(known.function.name in other.function.uses for other in others):
            return
        if self._called_by(known.path, known.function.name):
            return
        after = self._end_of(Fun(known.number, known.frame, None), known)
        if after is not None:
            for thing, mode in after.modes.news().items():
                before = self.world.modes.get(thing)
                after.modes[thing] = before or mode._replace(assumed=True)
            self.world.absorb(after)
            for other in beside:
                if not set(kept.values()).isdisjoint(other.function.uses):
                    other.bearing = other.bearing._replace(starts=True)

    def _sets_outside(self, known: Known) -> dict[str, str]:
        """What a function sets that others can reach; read once."""
        found = self._read_outside.get(known.number)
        if found is None:
            found = self._read_outside[known.number] = dict(kept_outside(known.function))
        return found

    def _handles(self, known: Known, kept: dict[str, str]) -> bool:
        """Whether a function sets the same, or may switch it."""
        uses = known.function.uses
        switches = not SWITCHING.isdisjoint(uses) and not set(kept.values()).isdisjoint(uses)
        return switches or not kept.keys().isdisjoint(self._sets_outside(known))

    def _called_by(self, path: str, name: str) -> bool:
        """Whether a file calls a function itself as it is imported or run, or another may."""
        units = self.program.units
        others = [other for other, unit in units.items() if other != path and name in unit.uses]
        if any(self._imports(other, path) for other in others):
            return True
        body = units[path].body
        code = [stmt for stmt in body if not isinstance(stmt, (Define, DefineClass))]
        return any(
            isinstance(part, Call) and part.func == Name(name) for part in parts_of(tuple(code))
        )

    def _imports(self, path: str, other: str) -> bool:
        """Whether a file imports another one."""
        resolve, told = self.program.imports.resolve, self.program.units[path].imports
        return any(resolve(stmt.module, stmt.level, path) == other for stmt in told)

    def _end_of(self, fun: Fun, known: Known) -> State | None:
        """The state that a function leaves, or the one in which it waits; off the record."""
        state, waiting = State(self.world), list[State]()

        def wait(_: Value, current: State) -> Value:
            waiting.append(current.copy())
            return ANYTHING

        generator = known.function.generator
        self.aside(fun, state, wait if generator else None)
        if self.fuel <= 0:
            return None
        return join_states(waiting) if generator else state

    def aside(
        self, fun: Fun, state: State, on_yield: Callable[[Value, State], Value] | None = None
    ) -> int:
        """Call a function as anybody may, off the record: how many calls of modules it makes."""
        known = self.functions[fun.number]
        seen = known.walked, known.walks
        recorder, self.recorder = self.recorder, Recorder()
        self.fuel, self.loops = ENTRY_FUEL, []
        inner = self.frame_of(fun, known, 0)
        self.bind_parameters(inner, known, fun, UNSEEN_CALLER, state)
        inner.on_yield = on_yield
        with suppress(*UNFINISHED):
            self.walk(inner, known, state)
        inner.on_yield = None
        known.walked, known.walks = seen
        passes, self.recorder = self.recorder.count(), recorder
        return passes


def kept_outside(function: Function) -> Iterator[tuple[str, str]]:
    """What a function sets that others can reach, as it is written, and the variable in front."""
    names = {name for part in parts_of(function.body) for name in _declared(part)}
    for part in parts_of(function.body):
        for target in part.targets if isinstance(part, Bind) else ():
            root = _root(target)
            outside = root in names or (root and root not in function.locals)
            if outside and (root in names or not isinstance(target, Name)):
                yield show(target), root


def _declared(part: object) -> tuple[str, ...]:
    return part.names if isinstance(part, Scope) and part.kind == "global" else ()


def _root(target: Expr) -> str:
    while isinstance(target, (Attr, Item)):
        target = target.value
    return target.id if isinstance(target, Name) else ""


def _is_opener(known: Known) -> bool:
    """Whether a function may be one that is called for what it sets up: it needs nothing."""
    told = known.bearing
    if not (known.matters and told.matters and told.tells) or told.trains:
        return False
    needed = [param for param in known.function.params if param.default is None]
    return len(needed) <= known.function.generator
