"""What functions set up that a framework calls before all others, as a server does at its start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

from evalguard.events import (
    Bind,
    Block,
    Call,
    Define,
    DefineClass,
    Function,
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
from evalguard.link.mentions import root_of

SWITCHING = frozenset(("eval", "train"))


class Opening(Hiding):
    """Walks what sets the variables of files that are nothing before.

    Where nobody in view calls the only function that sets one, what uses it comes after that:
    the functions in ``served``, by number.
    """

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.served: set[int] = set()

    def open_files(self) -> None:
        """Set what such functions set."""
        files: dict[str, list[Known]] = {}
        for known in self.functions:
            files.setdefault(known.path, []).append(known)
        for path, mine in files.items():
            openers = [known for known in mine if known.owner is None and _is_opener(known)]
            if openers:
                beside = _Beside(mine, self.program.units[path].body)
                for known in openers:
                    self._open(known, beside)

    def _open(self, known: Known, beside: _Beside) -> None:
        """Let a function set its file's variables, if no other sets or switches what is there."""
        kept = beside.kept[known.number]
        if not kept or self.things[self.frames[known.frame].thing].kind != "file":
            return
        if beside.handled(known) or self._called_by(known.path, known.function.name):
            return
        after = self._end_of(Fun(known.number, known.frame, None), known)
        if after is not None:
            for thing, mode in after.modes.news().items():
                before = self.world.modes.get(thing)
                after.modes[thing] = before or mode._replace(assumed=True)
            self.world.absorb(after)
            for root in kept.values():
                self.served |= beside.users.get(root, set())

    def _called_by(self, path: str, name: str) -> bool:
        """Whether another file may call a function."""
        units = self.program.units
        others = [other for other, unit in units.items() if other != path and name in unit.uses]
        return any(self._imports(other, path) for other in others)

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


class _Beside:
    """What the functions of one file set outside of themselves, use, switch and call."""

    def __init__(self, functions: list[Known], body: Block) -> None:
        self.kept = {item.number: dict(kept_outside(item.function)) for item in functions}
        self.users: dict[str, set[int]] = {}
        self._setters: dict[str, set[int]] = {}
        self._switchers: set[int] = set()
        for known in functions:
            for name in known.function.uses:
                self.users.setdefault(name, set()).add(known.number)
            for text in self.kept[known.number]:
                self._setters.setdefault(text, set()).add(known.number)
            if not SWITCHING.isdisjoint(known.function.uses):
                self._switchers.add(known.number)
        code = tuple([stmt for stmt in body if not isinstance(stmt, (Define, DefineClass))])
        calls = [part.func for part in parts_of(code) if isinstance(part, Call)]
        self._called = {func.id for func in calls if isinstance(func, Name)}

    def handled(self, known: Known) -> bool:
        """Whether something else calls a function, or sets or may switch what it sets."""
        mine = {known.number}
        kept = self.kept[known.number]
        others = self.users.get(known.function.name, set()) - mine
        if others or known.function.name in self._called:
            return True
        if any(self._setters[text] - mine for text in kept):
            return True
        using = set[int]().union(*[self.users.get(root, set()) for root in kept.values()])
        return bool(using & self._switchers - mine)


def kept_outside(function: Function) -> Iterator[tuple[str, str]]:
    """What a function sets that others can reach, as it is written, and the variable in front."""
    names = {name for part in parts_of(function.body) for name in _declared(part)}
    for part in parts_of(function.body):
        for target in part.targets if isinstance(part, Bind) else ():
            root = root_of(target)
            outside = root in names or (root and root not in function.locals)
            if outside and (root in names or not isinstance(target, Name)):
                yield show(target), root


def _declared(part: object) -> tuple[str, ...]:
    return part.names if isinstance(part, Scope) and part.kind == "global" else ()


def _is_opener(known: Known) -> bool:
    """Whether a function may be one that is called for what it sets up: it needs nothing else."""
    told = known.bearing
    if not (known.matters and told.matters and told.tells) or told.trains:
        return False
    needed = [param for param in known.function.params if param.default is None]
    given = 1 if known.function.generator else 0  # a server gives itself to what it waits in
    return len(needed) <= given
