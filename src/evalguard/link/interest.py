"""What each function can bear on, so that the rest needn't be walked.

A function matters if it mentions a switch, a gradient mode, a backward pass or a layer, or
something of the program that does. A name means what Python would find under it, an attribute of
``self`` one of the class's family; another attribute may be that of anything, so the answer errs on
the side of walking too much.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from evalguard.events import (
    LOOKED_UP,
    VOLATILE,
    Call,
    Do,
    Function,
    Unit,
    With,
)
from evalguard.knowledge import Knowledge
from evalguard.link.blocks import statements
from evalguard.link.deciding import asked_for, methods_kept
from evalguard.link.definitions import MAIN, Definition, everything
from evalguard.link.graph import Entry, Graph, Nodes, last_part, nodes_of
from evalguard.link.imports import Imports
from evalguard.link.meanings import Meanings
from evalguard.link.mentions import dotted_in
from evalguard.places import Span
from evalguard.records import NamedTuple

BACKWARD = frozenset((".backward", ".manual_backward", "*backward"))
GRADIENT = frozenset(("*gradient",))
SWITCHES = frozenset(
    (".eval", ".train", ".training=", ".from_pretrained", ".load_state_dict", "*mode")
)
SCOPES = frozenset((
    ".no_grad", ".inference_mode", ".set_grad_enabled", ".enable_grad", ".requires_grad=",
    ".requires_grad_", "*scope", "*setter", "?reveal_mode",
))  # fmt: skip
TURNING = frozenset(("no_grad", "inference_mode", "enable_grad"))
AROUND = frozenset(("*scope", *[f".{name}" for name in TURNING]))
LAYERS = frozenset(("*layer", "*base", "*idle"))
IDLE = frozenset(("*idle",))  # layers that learn nothing, and do the same in both modes
MADE = frozenset(("*module", "*mode", ".from_pretrained"))
ROOTS = BACKWARD | SWITCHES | SCOPES | LAYERS | {"*module", "*flag"}
NAMED = {
    "mode": frozenset(("eval", "train", "from_pretrained", "load_state_dict")),
    "scope": frozenset(("no_grad", "inference_mode", "set_grad_enabled", "enable_grad")),
    "setter": frozenset(("set_grad_enabled",)),
    "backward": frozenset(("backward",)),
    "base": frozenset(("Module", "LightningModule")),
}
PLAIN = frozenset((
    "append", "extend", "items", "keys", "values", "join", "format", "split", "strip", "get",
    "pop", "copy", "sort", "lower", "upper", "replace", "startswith", "endswith", "read", "write",
    "close", "open", "exists", "mkdir", "shape", "size", "dtype", "device", "view", "name",
    "index", "count", "data", "transform", "transforms", "load", "save", "setup", "prepare",
    "compile", "losses", "weights", "pipeline", "normalize", "apply", "map", "filter", "step",
    "reset_parameters", "init_weights", "_init_weights", "initialize_weights", "log", "info",
    "warn", "warning", "debug", "error", "to", "cpu", "cuda", "item", "numpy", "detach", "clone",
    "flatten", "mean", "sum", "start", "add", "update", "__init__", "__call__", "__getitem__",
    "__len__", "__iter__", "__enter__", "__exit__", "__repr__", "__post_init__",
))  # fmt: skip
MOST_LED = 4  # calls in a row, by which functions are put in order
COMMON = frozenset(("fit", "test", "predict", "score", "encode", "decode", "run", "forward"))
SKIPPED = frozenset(f".{name}" for name in (*PLAIN, "forward"))
SHARED = frozenset(f".{name}" for name in COMMON)


class Bearing(NamedTuple):
    """What walking a function may tell.

    ``matters``: it bears on modes or gradients in some way, so that a call is worth following.
    ``starts``: it may hold the cause of a finding, even if nobody is seen to call it; ``led``: but
    something else that does uses it, the more the farther down a chain of these. ``tells``: it
    starts something, makes a module, or uses what switches or trains. ``trains``: it may run a
    backward pass, ``grades``: it may take gradients. ``measures``: it may turn a result into plain
    numbers. ``makes``: it may make a module. ``switches``: it leaves a mode behind; ``leaves``: it
    does, or something that it uses.
    """

    matters: bool = True
    starts: bool = False
    led: int = 0
    tells: bool = False
    trains: bool = False
    grades: bool = False
    measures: bool = False
    makes: bool = False
    switches: bool = False
    leaves: bool = False


UNKNOWN = Bearing(tells=True)


class Interest(NamedTuple):
    """What the functions of a program can bear on, by file and place.

    ``mains``: the files whose ``__main__`` block may hold the cause of a finding. ``all``:
    everything matters, and everything starts something; so it is in the ``wide`` files.
    """

    functions: dict[tuple[str, Span], Bearing]
    mains: frozenset[str]
    all: bool = False
    wide: frozenset[str] = frozenset()

    def of(self, function: Function, path: str) -> Bearing:
        """What a function can bear on."""
        known = self.functions.get((path, function.at), UNKNOWN)
        if self.all or path in self.wide:
            return known._replace(matters=True, starts=True, tells=True)
        return known

    def wider(self, paths: Iterable[str]) -> Interest:
        """The same, but everything in some files matters, and starts something."""
        wide = frozenset(paths)
        return self._replace(wide=wide, mains=self.mains | wide)


def interest(units: Collection[Unit], imports: Imports, knowledge: Knowledge) -> Interest:
    """What each function can bear on.

    Args:
        units: The files of the program.
        imports: Which files their imports mean.
        knowledge: What is known of libraries.
    """
    bearings = Bearings(units, imports, knowledge)
    return Interest(bearings.functions(), bearings.mains())


class Bearings:
    """What follows for each function from what it is made of."""

    def __init__(self, units: Collection[Unit], imports: Imports, knowledge: Knowledge) -> None:
        self._switches = {
            unit.path: SWITCHES | {f".{name}" for name in knowledge.mode_names(unit.uses)}
            for unit in units
        }
        defined = everything(units)
        telling = {f".{item.name}" for item in defined if item.member} - SKIPPED
        telling = telling.union(ROOTS, SCOPES, *self._switches.values())
        self._meanings = meanings = Meanings(
            units, imports, lambda name: _words(name, knowledge), telling
        )
        self._graph = Graph(units, defined, meanings, SKIPPED, SHARED)
        self._flags = knowledge.functional_names()
        self._measuring = knowledge.measuring_names
        self._numbers = knowledge.number_names
        self._first = knowledge.first_names()
        self._telling = knowledge.stepping_names | {LOOKED_UP, "globals", "import_module"}
        self._made: dict[int, frozenset[str]] = {}
        self._find()

    def _find(self) -> None:
        graph = self._graph
        functions = [entry for entry in graph.entries if entry.item.function]
        self._modules = graph.modules(LAYERS)
        self._makings = self._modules | MADE
        files = [entry for entry in graph.entries if not entry.item.name]
        self._holding = nodes_of(entry for entry in files if self._calls_module(entry))
        self._start = graph.near(nodes_of(filter(self._acts, graph.entries)))
        direct = nodes_of(filter(self._makes_some, functions))
        self._makers = graph.near(direct)
        self._making = graph.calling(self._makers)
        direct = _exact(direct)
        using = [entry for entry in functions if not entry.uses.isdisjoint(direct)]
        self._known_makers = direct | _exact(nodes_of(using))
        variables = [entry for entry in graph.entries if entry.item.called]
        self._held = nodes_of(filter(self._makes, variables))
        handing = nodes_of(entry for entry in functions if not entry.uses.isdisjoint(self._held))
        self._held |= nodes_of(entry for entry in variables if not entry.uses.isdisjoint(handing))
        self._scoped = nodes_of(entry for entry in functions if not entry.uses.isdisjoint(SCOPES))
        self._leading = graph.named(self._start | self._scoped)
        self._training = graph.closed(BACKWARD)
        self._grading = graph.closed(GRADIENT)
        self._leaving = _exact(nodes_of(filter(self._switching, functions)))
        self._leading_back = graph.running(graph.near(BACKWARD))
        self._measured = graph.named(nodes_of(filter(self._measures, functions)))
        self._reaching = graph.closed(ROOTS | self._modules)
        acting = [entry for entry in functions if self._acts(entry)]
        self._reaching |= asked_for(acting) | methods_kept(functions, acting)
        builders = [entry for entry in functions if entry.item.name in self._first]
        self._built = graph.inheriting(
            {entry.item.cls for entry in builders if self._calls_maker(entry)}
        )
        starting = [entry for entry in graph.entries if self._starts(entry)]
        self._starters = frozenset(map(id, starting))
        self._starting = nodes_of(starting)
        telling = [entry for entry in starting if not self._given(entry)]
        self._before = graph.calling(nodes_of(telling))
        self._led = _led(starting)
        self._kin = {
            relative
            for entry in graph.entries
            if entry.item.cls and not entry.uses.isdisjoint(self._reaching)
            for relative in graph.families.related(entry.item.cls)
        }

    def functions(self) -> dict[tuple[str, Span], Bearing]:
        """What each function bears on."""
        return {
            (entry.item.path, entry.item.function.at): self._bearing(entry, entry.item.function)
            for entry in self._graph.entries
            if entry.item.function is not None
        }

    def mains(self) -> frozenset[str]:
        """The files whose ``__main__`` block may hold the cause of a finding."""
        return frozenset(
            entry.item.path
            for entry in self._graph.entries
            if entry.item.name == MAIN
            and (id(entry) in self._starters or not entry.uses.isdisjoint(self._starting))
        )

    def _bearing(self, entry: Entry, function: Function) -> Bearing:
        acts = id(entry) in self._starters
        switches = self._switching(entry)
        makes = self._makes(entry)
        builds = function.name == "__init__" or "cls" in function.uses
        builds = builds and entry.item.cls in self._kin
        matters = not (
            entry.uses.isdisjoint(self._reaching) and self._telling.isdisjoint(function.uses)
        )
        return Bearing(
            matters=matters or builds or acts,
            starts=acts and not self._hangs(entry),
            led=sum(not nodes.isdisjoint(entry.nodes) for nodes in self._led),
            tells=acts or builds or makes or not entry.uses.isdisjoint(self._start),
            trains=not entry.uses.isdisjoint(self._training),
            grades=not entry.uses.isdisjoint(self._grading),
            measures=self._measures(entry) or not entry.uses.isdisjoint(self._measured),
            makes=makes,
            switches=switches,
            leaves=switches or not entry.uses.isdisjoint(self._leaving),
        )

    def _switching(self, entry: Entry) -> bool:
        """Whether a definition leaves a mode behind."""
        return not entry.uses.isdisjoint(self._switches[entry.item.path])

    def _starts(self, entry: Entry) -> bool:
        """Whether what nobody is seen to call may hold the cause of a finding."""
        return not entry.uses.isdisjoint(AROUND) or self._starts_more(entry)

    def _starts_more(self, entry: Entry) -> bool:
        """The same, gradients being left off around something aside."""
        if self._acts(entry) or not entry.uses.isdisjoint(SCOPES - AROUND):
            return True
        function = entry.item.function
        if function is not None and VOLATILE in function.uses:
            return True
        leads = self._makes(entry) or not entry.uses.isdisjoint(self._start)
        if entry.item.name == "forward" and leads:
            return True
        if function is not None and not entry.uses.isdisjoint(self._held):
            return True
        counts = function is not None and not self._numbers.isdisjoint(function.uses)
        return (counts and self._makes(entry)) or self._brings_together(entry)

    def _hangs(self, entry: Entry) -> bool:
        """Whether all that a function may tell hangs on what its callers give it."""
        return self._given(entry) and entry.called.isdisjoint(self._before)

    def _given(self, entry: Entry) -> bool:
        """Whether a function only leaves gradients off around modules that it is given.

        In which mode these are, only callers tell.
        """
        function = entry.item.function
        if function is None or entry.uses.isdisjoint(AROUND) or _stands_alone(function):
            return False
        known = Entry(entry.item, entry.nodes, frozenset(filter(_is_known, entry.uses)))
        built = entry.item.cls in self._built and entry.item.cls not in self._modules
        more = built or self._starts_more(known) or self._calls_maker(known)
        return not more and self._graph.run(known).isdisjoint(self._leading_back)

    def _calls_maker(self, entry: Entry) -> bool:
        """Whether a function makes a module, itself or by something that it calls by name."""
        return self._makes_some(entry) or not entry.called.isdisjoint(self._known_makers)

    def _brings_together(self, entry: Entry) -> bool:
        """Whether a function calls one that switches or trains, and another or with a module.

        Alone, the other is better looked at by itself.
        """
        found = entry.uses & self._start
        if not found:
            acting = self._leading if entry.item.name == MAIN else self._scoped
            makes = self._makes(entry) or not self._graph.run(entry).isdisjoint(self._making)
            return makes and not entry.uses.isdisjoint(acting)
        together = found | (entry.uses & self._makers) | (entry.uses & self._scoped)
        if len(together) > 1 or self._calls_module(entry) or "*factory" in entry.uses:
            return True
        return not found.isdisjoint(self._makers & self._training)

    def _makes(self, entry: Entry) -> bool:
        """Whether a function may make a module."""
        return self._makes_some(entry) or not self._graph.run(entry).isdisjoint(self._makers)

    def _makes_some(self, entry: Entry) -> bool:
        """Whether a function makes a module itself: it calls something by the name of one.

        Or it calls what a package or file of networks has under a name that isn't written there.
        """
        function = entry.item.function
        by_name = "*factory" in entry.uses or not entry.uses.isdisjoint(self._holding)
        if by_name and function is not None and LOOKED_UP in function.uses:
            return True
        return self._calls_one_of(entry, self._makings)

    def _calls_module(self, entry: Entry) -> bool:
        """Whether a function makes an object of a class of modules."""
        return self._calls_one_of(entry, self._modules)

    def _calls_one_of(self, entry: Entry, nodes: Nodes) -> bool:
        """Whether a function calls one of these; a mention, as in an annotation, is no call."""
        if entry.uses.isdisjoint(nodes):
            return False
        made = self._made.get(id(entry.item))
        if made is None:
            made = self._made[id(entry.item)] = self._called_by(entry.item)
        return not made.isdisjoint(nodes)

    def _called_by(self, item: Definition) -> frozenset[str]:
        """What a definition calls may stand for, layers aside of which it doesn't matter."""
        calls = frozenset(item.calls)
        called = [dotted for dotted in item.mentions if last_part(dotted) in calls]
        meant = [frozenset(self._meanings.of(item.path, dotted)) for dotted in called]
        return frozenset[str]().union(*[known for known in meant if IDLE.isdisjoint(known)])

    def _acts(self, entry: Entry) -> bool:
        """Whether a definition switches a mode, trains, or calls what has a training flag."""
        if self._switching(entry) or not entry.uses.isdisjoint(BACKWARD):
            return True
        function = entry.item.function
        return function is not None and not self._flags.isdisjoint(function.calls)

    def _measures(self, entry: Entry) -> bool:
        """Whether a function turns something into plain numbers."""
        function = entry.item.function
        return function is not None and not self._measuring.isdisjoint(function.uses)


def _led(starting: list[Entry]) -> list[Nodes]:
    """What these use; what they use by names that nothing else has; what that uses; and so on."""
    levels: list[Nodes] = [
        {node for entry in starting for node in entry.uses.difference(entry.nodes)}
    ]
    callers = starting
    while callers and len(levels) < MOST_LED:
        used = [entry.uses.difference(entry.nodes) for entry in callers]
        nodes = {node for uses in used for node in uses if ":" in node}
        callers = [entry for entry in starting if not nodes.isdisjoint(entry.nodes)]
        levels.append(nodes)
    return levels


def _exact(nodes: Nodes) -> Nodes:
    """The nodes by names that nothing else has."""
    return {node for node in nodes if ":" in node}


def _is_known(node: str) -> bool:
    """Whether a node doesn't stand for an attribute that anything may have, or not have."""
    return not node.startswith(".") or node in ROOTS


def _stands_alone(function: Function) -> bool:
    """Whether a context manager may be a statement of its own, or entered without its call."""
    alone: list[object] = []
    for stmt in statements(function.body):
        if isinstance(stmt, Do):
            alone.append(stmt.value)
        elif isinstance(stmt, With):
            alone += [context for context, _ in stmt.items if not isinstance(context, Call)]
    return any(last_part(dotted) in NAMED["scope"] for dotted in dotted_in(tuple(alone)))


def _words(name: str, knowledge: Knowledge) -> Iterable[str]:
    """What is known of a library's name, by the tables or its last part."""
    last = last_part(name)
    yield from knowledge.words(name)
    yield from [word for word, names in NAMED.items() if last in names]
    effect = knowledge.effect(name)
    if effect in ("backward", "gradient"):
        yield "backward"
    if effect == "gradient":
        yield effect
    base = knowledge.is_module_base(name)
    if base is not False:
        yield "base" if base else "unsure"
