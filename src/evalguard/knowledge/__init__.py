"""What is known of libraries, as data: dotted name → what it is and does to mode and autograd.

The tables are the JSON files beside this one; ``docs/knowledge.md`` tells what they hold. Users
extend them from their configuration with tables of the same shape.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Container, Mapping
from functools import cache
from typing import Any

from evalguard.knowledge import build
from evalguard.knowledge.aliases import Aliases
from evalguard.knowledge.arguments import ABSENT, UNKNOWN, Argued, Argument, Condition
from evalguard.knowledge.entries import (
    Base,
    Caller,
    Case,
    Context,
    Export,
    Factory,
    Functional,
    Hook,
    Layer,
    ModuleMethod,
    Switch,
    Wrapper,
)
from evalguard.knowledge.merging import merged
from evalguard.knowledge.schema import SCHEMA, Tables, check_tables
from evalguard.knowledge.table import Table
from evalguard.knowledge.words import speaks
from evalguard.modes import Mode

__all__ = [
    "ABSENT",
    "UNKNOWN",
    "Argued",
    "Argument",
    "Base",
    "Caller",
    "Case",
    "Condition",
    "Context",
    "Export",
    "Factory",
    "Functional",
    "Hook",
    "Knowledge",
    "Layer",
    "ModuleMethod",
    "Switch",
    "Wrapper",
    "load",
]

_TOPICS = (
    "torch", "vision", "huggingface", "frameworks", "toolkits", "values", "idioms", "python",
)  # fmt: skip
_HERE = os.path.dirname(__file__)
_NO_TABLES: Tables = {}
_CALLS = ("callers", "contexts", "exports", "factories", "functional", "switches", "wrappers")
_MODULES = ("aliases", "exports", "functional", "hooks", "layers", "switches", "wrappers")
_NO_HOOKS: Mapping[str, Hook] = {}


class Knowledge:
    """Typed lookups by dotted name; ``canonical`` is applied to every name that is looked up."""

    def __init__(self, tables: Tables, mine: Tables = _NO_TABLES) -> None:
        """Take tables that were checked, ``mine`` being a user's; see ``load`` and ``extended``."""
        self._tables = tables
        self._mine = mine
        calls = (mine.get(table, {}) for table in _CALLS)
        self._overriding = [Table(each, lambda *_: True) for each in calls if each]
        self._aliases = Aliases(tables.get("aliases", {}))
        self._layers = Table(tables.get("layers", {}), build.layer)
        self._factories = Table(tables.get("factories", {}), build.factory)
        self._wrappers = Table(tables.get("wrappers", {}), build.wrapper)
        self._methods = Table(tables.get("module_methods", {}), build.module_method)
        self._contexts = Table(tables.get("contexts", {}), build.context)
        self._mode_names: dict[str, frozenset[str]] = {}
        self._told: dict[str, frozenset[str]] = {}
        self._switches = Table(tables.get("switches", {}), build.switch)
        self._callers = Table(tables.get("callers", {}), build.caller)
        holders = build.holders(tables.get("switches", {}), tables.get("callers", {}))
        self._kept = Table(holders, build.kept)
        self._functional = Table(tables.get("functional", {}), build.functional)
        self._hooks = Table(tables.get("hooks", {}), build.hooks)
        self._bases = Table(tables.get("bases", {}), build.base)
        self._exports = Table(tables.get("exports", {}), build.export)
        self._values = Table(tables.get("values", {}), build.word("effect"))
        self._effects: dict[str, str] = {}
        self._acting: tuple[Table[Any], ...] = (self._switches, self._wrappers, self._contexts)
        self._attributes = Table(tables.get("module_attributes", {}), build.word("returns"))
        self._keywords = Table(tables.get("keywords", {}), build.word("effect"))
        self._decorators = Table(tables.get("decorators", {}), build.word("role"))

    def __reduce__(self) -> tuple[type[Knowledge], tuple[Tables, Tables]]:
        return Knowledge, (self._tables, self._mine)

    def extended(self, tables: Tables) -> Knowledge:
        """This knowledge with a user's tables over it; fields of a known name are replaced.

        Args:
            tables: table → name → fields.

        Returns:
            A new Knowledge; this one stays as it is.

        Raises:
            ValueError: for an unknown table or field, or a value of the wrong kind.
        """
        check_tables(tables)
        return Knowledge(merged(self._tables, tables), merged(self._mine, tables))

    @property
    def is_extended(self) -> bool:
        """Whether a user's tables tell what some calls do."""
        return bool(self._overriding)

    def overrides(self, name: str) -> bool:
        """Whether a user's tables tell what a call of this name does, whatever its code says."""
        return any(table.get(name) for table in self._overriding)

    def canonical(self, name: str) -> str:
        """The spelling of a dotted name that the tables use."""
        return self._aliases.resolve(name)

    def words(self, name: str) -> frozenset[str]:
        """What a library's name is for, in words.

        ``mode``: it leaves a mode behind, or a module in eval mode; ``scope``: it sets gradients or
        a mode for a while, or needs one; ``flag``: it has a training flag; ``layer``: it is a class
        of modules, ``idle`` one of those that learn nothing and know no mode; ``module``: it
        makes, wraps or holds modules; ``factory``: it is of a package that makes some.
        """
        canonical = self.canonical(name)
        package = canonical.partition(".")[0]
        layer = self._layers.get(canonical)
        factory, context = self._factories.get(canonical), self._contexts.get(canonical)
        wraps = self._wrappers.get(canonical) and package not in sys.stdlib_module_names
        makes = factory and factory.module and factory.mode is not Mode.UNSEEN
        switched = makes and factory and (factory.mode == Mode.EVAL or factory.mixed)
        told = {
            "mode": switched or self._switches.get(canonical),
            "scope": (context and (context.grad or context.mode)) or self._exports.get(canonical),
            "flag": self._functional.get(canonical),
            "idle" if layer and layer.idle else "layer": layer,
            "module": makes or wraps,
            "factory": package in self.factory_packages,
        }
        return frozenset([word for word, known in told.items() if known])

    def _once(self, name: str, tell: Callable[[], frozenset[str]]) -> frozenset[str]:
        """What doesn't change, worked out when it is first asked for."""
        if name not in self._told:
            self._told[name] = tell()
        return self._told[name]

    @property
    def factory_packages(self) -> frozenset[str]:
        """The top-level packages, PyTorch aside, that have calls that return a module."""
        return self._once("factory_packages", self._factory_packages)

    def _factory_packages(self) -> frozenset[str]:
        return frozenset(self._factories.by_package(build.is_module)) - {"torch", "*"}

    @property
    def packages(self) -> frozenset[str]:
        """The top-level packages that have to do with modules; ``*`` if any may, as a user says."""
        return self._once("packages", self._packages)

    def _packages(self) -> frozenset[str]:
        tables = (
            *(Table(self._tables.get(name, {}), lambda *_: True).by_package() for name in _MODULES),
            self.factory_packages,
            self._bases.by_package(lambda fields: fields.get("module") is not False),
            self._contexts.by_package(
                lambda fields: bool(fields.get("grad") or fields.get("mode"))
            ),
        )
        mine = {package for each in self._overriding for package in each.by_package()}
        known = {package for table in tables for package in table} - {"*"}
        return frozenset(known - sys.stdlib_module_names | mine)

    def mode_names(self, packages: Container[str]) -> frozenset[str]:
        """The last parts of the names that leave a mode behind, or return a module in eval.

        Args:
            packages: The top-level packages that are in use.
        """
        if not self._mode_names:
            tables = (
                self._switches.by_package(),
                self._contexts.by_package(lambda fields: bool(fields.get("mode"))),
                self._factories.by_package(build.is_switched),
            )  # fmt: skip
            for package, names in [item for table in tables for item in table.items()]:
                self._mode_names[package] = self._mode_names.get(package, frozenset()) | names
        known = [
            names
            for package, names in self._mode_names.items()
            if package == "*" or package in packages
        ]
        return frozenset[str]().union(*known)

    def functional_names(self) -> frozenset[str]:
        """The last parts of the names of functions that have a training flag."""
        return frozenset(self._functional.bare_names())

    def layer(self, name: str) -> Layer | None:
        """The module class of this name."""
        return self._layers.get(self.canonical(name))

    def factory(self, name: str) -> Factory | None:
        """The call of this name that returns a module (or, by ``module``, surely does not)."""
        return self._factories.get(self.canonical(name))

    def wrapper(self, name: str) -> Wrapper | None:
        """The call of this name that returns a module it was given."""
        return self._wrappers.get(self.canonical(name))

    def module_method(self, name: str) -> ModuleMethod | None:
        """The method of ``torch.nn.Module`` of this bare name."""
        return self._methods.get(name)

    def context(self, name: str) -> Context | None:
        """The context manager or decorator of this name."""
        return self._contexts.get(self.canonical(name))

    def switch(self, name: str) -> Switch | None:
        """The call of this name that changes the mode of a module it is given."""
        return self._switches.get(self.canonical(name))

    def caller(self, name: str) -> Caller | None:
        """The call of this name that calls what it is given (or, by ``calls``, doesn't)."""
        return self._callers.get(self.canonical(name))

    def kept(self, name: str) -> tuple[Argument, ...]:
        """The constructor's arguments that objects of the class of this name keep."""
        return self._kept.get(self.canonical(name)) or ()

    def method_names(self) -> frozenset[str]:
        """The last parts of names that may be methods of a library's objects; see ``acts``."""
        calling = self._callers.by_package(build.calls)
        acting = [table.bare_names() for table in self._acting]
        return frozenset[str]().union(*calling.values(), *acting)

    def acts(self, name: str) -> bool:
        """Whether a method of this name does something to a module that a table tells."""
        name = self.canonical(name)
        caller = self._callers.get(name)
        others = (table.get(name) for table in self._acting)
        return (caller is not None and caller.calls) or any(known is not None for known in others)

    def functional(self, name: str) -> Functional | None:
        """The function of this name that has a training flag."""
        return self._functional.get(self.canonical(name))

    def functional_by_bare_name(self, bare: str) -> Functional | None:
        """The same for the last part of a name, where what is before isn't known."""
        return self._functional.by_bare_name(bare)

    def hooks_of(self, base_name: str) -> Mapping[str, Hook]:
        """The methods that a framework calls on subclasses of this base, by name."""
        return self._hooks.get(self.canonical(base_name)) or _NO_HOOKS

    def first_names(self) -> frozenset[str]:
        """The methods that set up a new object: ``__init__``, and those that a framework calls."""
        hooks = [hook for known in self._hooks.every() for hook in known.values()]
        return frozenset(["__init__", *[hook.name for hook in hooks if hook.first]])

    def base(self, name: str) -> Base | None:
        """What is known of the library class of this name as a base."""
        return self._bases.get(self.canonical(name))

    def is_module_base(self, name: str) -> bool | None:
        """Whether the library class of this name is a module class; None if not known."""
        known = self.base(name)
        if known is not None:
            return known.module
        return True if self.layer(name) is not None else None

    def is_sequence(self, name: str) -> bool:
        """Whether objects of the class of this name are containers."""
        known = self.base(name)
        return known is not None and known.sequence

    def export(self, name: str) -> Export | None:
        """The call of this name that needs its module in one mode."""
        return self._exports.get(self.canonical(name))

    def effect(self, name: str) -> str:
        """What a function, or a tensor's method by its bare name, does to a result; or ``none``."""
        known = self._effects.get(name)
        if known is None:
            known = self._effects[name] = self._values.get(self.canonical(name)) or "none"
        return known

    def measures(self, name: str) -> bool:
        """Whether it turns a result into numbers that can't carry a gradient."""
        return self.effect(name) in ("measures", "picks")

    def detaches(self, name: str) -> bool:
        """Whether it cuts a result off its graph."""
        return self.effect(name) == "detaches"

    def is_shape(self, name: str) -> bool:
        """Whether it tells only the shape of a tensor."""
        return self.effect(name) == "shape"

    def exits(self, name: str) -> bool:
        """Whether it never returns."""
        return self.effect(name) == "exits"

    def steps(self, name: str) -> bool:
        """Whether an optimizer's method of this bare name changes the parameters."""
        return self.effect(name) == "steps"

    @property
    def measuring_names(self) -> frozenset[str]:
        """The bare names of what turns a result into something that can't carry a gradient."""
        cuts = ("measures", "picks", "detaches")
        named = self._values.by_package(build.effect_is(*cuts))
        return frozenset[str]().union(*[named[key] for key in named if key != "builtins"])

    @property
    def number_names(self) -> frozenset[str]:
        """The methods that turn a tensor into plain numbers."""
        named = self._values.by_package(build.effect_is("measures"))
        return frozenset(named.get("*", ()))

    @property
    def stepping_names(self) -> frozenset[str]:
        """The bare names of an optimizer's methods that change the parameters."""
        named = self._values.by_package(build.effect_is("steps"))
        return frozenset[str]().union(*named.values())

    def is_unwrapping(self, name: str) -> bool:
        """Whether a wrapper's attribute of this bare name is the module inside."""
        return self._attributes.get(name) == "self"

    def keyword(self, name: str) -> str:
        """What a keyword argument of this name says of gradients or weights; or ``none``."""
        return self._keywords.get(name) or "none"

    def decorator(self, name: str) -> str:
        """What a decorator of this bare name makes of a function; or ``none``."""
        return self._decorators.get(name) or "none"

    def is_inference_method(self, name: str) -> bool:
        """Whether a module's method of this bare name runs an inference pass."""
        return self.effect(name) == "inference_method"

    def speaks_of(self, kind: str, function_name: str) -> bool:
        """Whether a function's name speaks of ``evaluation``, ``training``, ...

        Args:
            kind: a name of the table ``names``.
            function_name: the bare name.

        Raises:
            KeyError: if there is no such kind.
        """
        words = self._tables["names"][kind]["words"]
        return speaks(function_name, words)  # type: ignore[arg-type]


@cache
def load() -> Knowledge:
    """The knowledge that comes with evalguard."""
    tables: dict[str, dict[str, Mapping[str, object]]] = {table: {} for table in SCHEMA}
    for topic in _TOPICS:
        with open(os.path.join(_HERE, f"{topic}.json"), encoding="utf-8") as file:
            read = json.load(file)
        for table, entries in read.items():
            tables[table].update(entries)
    return Knowledge(tables)
