"""Which names can bear on modes and gradients, so that the rest needn't be walked.

A function matters if it mentions a switch, a gradient mode, a backward pass or a layer, or the
name of something in the program that does. Names alone decide, so the answer errs on the side
of walking too much.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from evalguard.events import (
    LOOKED_UP,
    TRAINING_SET,
    Attr,
    Bind,
    Block,
    Class,
    Define,
    DefineClass,
    Function,
    Import,
    Item,
    Mapping,
    Name,
    Unit,
)
from evalguard.knowledge import Knowledge
from evalguard.link.blocks import classes, functions, inner_blocks, statements
from evalguard.link.mentions import names_in
from evalguard.link.registers import registered

Defined = tuple[str, frozenset[str]]

BACKWARD = frozenset(("backward", "manual_backward"))
SWITCHES = frozenset(("eval", "train", TRAINING_SET, "from_pretrained", "load_state_dict"))
GRADIENTS = frozenset((
    "no_grad", "inference_mode", "set_grad_enabled", "enable_grad", "volatile",
    "requires_grad", "requires_grad_", "reveal_mode",
))  # fmt: skip
NEAR = 1
MODULES = frozenset(("Module", "LightningModule"))
ROOTS = (
    SWITCHES
    | GRADIENTS
    | MODULES
    | frozenset(("training", "backward", "globals", "import_module", LOOKED_UP))
)
PLAIN = frozenset((
    "__init__", "super", "append", "extend", "items", "keys", "values", "join", "format",
    "split", "strip", "get", "pop", "copy", "sort", "lower", "upper", "replace",
    "startswith", "endswith", "read", "write", "close", "open", "exists", "mkdir", "print",
    "len", "range", "int", "float", "str", "list", "dict", "tuple", "set", "zip",
    "enumerate", "isinstance", "getattr", "setattr", "hasattr", "type", "min", "max", "sum",
    "abs", "shape", "size", "dtype", "device", "view", "self", "cls", "name", "index",
    "count", "data", "transform", "transforms", "raises", "warns", "load", "save", "v2",
    "setup", "prepare", "compile",
    "deepcopy", "losses", "weights", "pipeline", "normalize", "apply", "map", "filter",
    "step", "__call__", "__getitem__", "__len__", "__iter__", "__enter__",
    "__exit__", "__repr__", "__post_init__", "reset_parameters", "init_weights",
    "_init_weights", "initialize_weights",
))  # fmt: skip
COMMON = frozenset(("fit", "test", "predict", "score", "encode", "decode", "run", "forward"))


class Interest(NamedTuple):
    """Names, by what they can bear on.

    ``follow``: on modes or gradients in any way, so that a call is worth following. ``carried``:
    by file, what switches a mode on the spot or loads a module in one. ``start``: what does so a
    few calls deep, or trains, so that a finding may begin where it is used. ``scopes``: contexts
    and exports, which concern the function that uses them alone; ``scoped`` are those functions.
    ``flags``: functions with a
    training flag. ``modules``: classes of modules, and ``makers`` the functions that make some.
    ``training``: what may run a backward pass.
    """

    follow: frozenset[str]
    carried: dict[str, frozenset[str]]
    start: frozenset[str]
    scopes: frozenset[str]
    scoped: frozenset[str]
    flags: frozenset[str]
    modules: frozenset[str]
    imported: dict[str, frozenset[str]]
    makers: frozenset[str]
    training: frozenset[str]

    def starts(self, function: Function, path: str) -> bool:
        """Whether a function that nobody is seen to call may hold the cause of a finding."""
        uses = function.uses
        if not (uses.isdisjoint(self.carried[path]) and uses.isdisjoint(self.scopes)):
            return True
        if not (uses.isdisjoint(BACKWARD) and function.calls.isdisjoint(self.flags)):
            return True
        if function.name == "forward" and self.makes(function):
            return True
        return self._brings_together(function, path)

    def _brings_together(self, function: Function, path: str) -> bool:
        """Whether a function calls one that switches or trains, and another or with a module.

        Alone, the other is better looked at by itself.
        """
        uses = function.uses
        found = uses & self.start
        if not found:
            enters = not uses.isdisjoint(self.scoped - PLAIN)
            return enters and not function.calls.isdisjoint(self.modules)
        together = found | (uses & self.makers) | (uses & self.scoped)
        if len(together) > 1 or not function.calls.isdisjoint(self.modules):
            return True
        if found & self.makers & self.training:
            return True
        return not uses.isdisjoint(self.imported[path])

    def makes(self, function: Function) -> bool:
        """Whether a function may make a module."""
        return (
            function.name == "__init__"
            or not function.calls.isdisjoint(self.modules)
            or not function.uses.isdisjoint(self.makers)
        )

    def carries(self, cls: Class, path: str) -> bool:
        """Whether making an object of a class leaves modes behind for its methods to meet."""
        return any(
            isinstance(stmt, Define)
            and stmt.function.name == "__init__"
            and not stmt.function.uses.isdisjoint(self.carried[path])
            for stmt in cls.body
        )


def interest(units: Collection[Unit], knowledge: Knowledge) -> Interest:
    """The names that matter, each kind closed under being used by one's definition.

    Args:
        units: The files of the program.
        knowledge: What is known of libraries.
    """
    by_file = [(unit, list(definitions(unit.body))) for unit in units]
    defined = [item for _, items in by_file for item in items]
    entered = list(registered(units))
    known = [function for unit in units for function in functions(unit.body)]
    plain = [(function.name, function.uses) for function in known]
    bases = [
        (cls.name, frozenset(names_in(cls.bases))) for unit in units for cls in classes(unit.body)
    ]
    flags = knowledge.functional_names()
    scopes = GRADIENTS | knowledge.scoped_names()
    carried = {unit.path: SWITCHES | knowledge.mode_names(unit.uses) for unit in units}
    switching = {
        name
        for unit, items in by_file
        for name, uses in items
        if not uses.isdisjoint(carried[unit.path])
    }
    modules = _closed(bases, MODULES | knowledge.layer_names())
    start = _closed(defined, BACKWARD | switching, NEAR) | _closed(
        plain, _callers(known, flags), NEAR
    )
    return Interest(
        follow=_closed([*defined, *entered], ROOTS | knowledge.bare_names()),
        carried=carried,
        start=start - PLAIN - {"forward"},
        scopes=scopes,
        scoped=frozenset([name for name, uses in plain if not uses.isdisjoint(scopes)]) - COMMON,
        flags=flags,
        modules=modules,
        imported={unit.path: _imported(unit, knowledge.factory_packages()) for unit in units},
        makers=_closed(plain, _callers(known, modules), NEAR) - PLAIN - COMMON,
        training=_closed(defined, BACKWARD),
    )


def _imported(unit: Unit, packages: AbstractSet[str]) -> frozenset[str]:
    """The names under which a file has something of these packages."""
    return frozenset([
        stmt.bound for stmt in statements(unit.body)
        if isinstance(stmt, Import) and stmt.module.partition(".")[0] in packages
    ])  # fmt: skip


def _callers(known: Iterable[Function], names: frozenset[str]) -> set[str]:
    """The names of functions that call one of these names."""
    return {function.name for function in known if not function.calls.isdisjoint(names)}


def _closed(
    defined: Iterable[Defined], roots: AbstractSet[str], deepest: int = 1000
) -> frozenset[str]:
    """The roots, what is made of one of them, and so on, so many times."""
    waiting: dict[str, list[str]] = {}
    for name, uses in defined:
        for used in uses:
            if used not in PLAIN and used not in COMMON:
                waiting.setdefault(used, []).append(name)
    found = set(roots) - PLAIN
    last = found
    for _ in range(deepest):
        last = {name for used in last for name in waiting.get(used, ())} - found
        found |= last
        if not last:
            break
    return frozenset(found)


def definitions(block: Block, variables: bool = True) -> Iterator[Defined]:
    """Every function, class and variable in a block, with the names that it is made of."""
    for stmt in block:
        if isinstance(stmt, Bind):
            yield from _bindings(stmt) if variables else _choices(stmt)
        if isinstance(stmt, Define):
            yield stmt.function.name, stmt.function.uses
            yield from definitions(stmt.function.body, variables=False)
        elif isinstance(stmt, DefineClass):
            yield stmt.cls.name, _made_of(stmt.cls)
            yield from definitions(stmt.cls.body)
        else:
            for inner in inner_blocks(stmt):
                yield from definitions(inner, variables)


def _bindings(stmt: Bind) -> Iterator[Defined]:
    uses = frozenset(names_in(stmt.value))
    if uses:
        for target in stmt.targets:
            holder = target.value if isinstance(target, Item) else target
            if isinstance(holder, Name):
                yield holder.id, uses


def _choices(stmt: Bind) -> Iterator[Defined]:
    """An attribute that holds classes or functions by name: who mentions it may make one."""
    if not isinstance(stmt.value, Mapping):
        return
    uses = {value.id for _, value in stmt.value.items if isinstance(value, Name)}
    for target in stmt.targets if uses else ():
        if isinstance(target, Attr):
            yield target.name, frozenset(uses)


def _made_of(cls: Class) -> frozenset[str]:
    """What making or using an object of a class runs without naming it: bases, ``__init__``."""
    uses = names_in((*cls.bases, *cls.decorators, cls.body))
    for stmt in cls.body:
        if isinstance(stmt, Define) and stmt.function.name.startswith("__"):
            uses |= stmt.function.uses
    return frozenset(uses)
