"""Fields of a table, as JSON or TOML holds them → the typed record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from evalguard.knowledge.arguments import ABSENT, Argument, Condition
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
    grad_named,
    mode_named,
)
from evalguard.knowledge.schema import TESTS
from evalguard.modes import Grad, Mode, Sensitivity

Fields = Mapping[str, Any]


def _argument(fields: Fields, name: str = "argument", position: str = "position") -> Argument:
    where = fields.get(position)
    if name not in fields and where is None:
        where = 0
    return Argument(fields.get(name, ""), where)


def _condition(fields: Fields) -> Condition:
    test = next(key for key in fields if key in TESTS)
    argument = Argument(fields["arg"], fields.get("position"))
    return Condition(argument, test, fields[test], fields.get("default", ABSENT))


def _conditions(fields: Fields, key: str) -> tuple[Condition, ...]:
    return tuple(_condition(each) for each in fields.get(key, ()))


def layer(name: str, fields: Fields) -> Layer:
    """A record of the table ``layers``."""
    return Layer(
        name=name,
        sensitive=Sensitivity(fields.get("sensitive", "unknown")),
        kind=fields.get("kind", ""),
        unless=_conditions(fields, "unless"),
        when=_conditions(fields, "when"),
        parameters=fields.get("parameters", False),
        bare=_conditions(fields, "bare"),
        contains=fields.get("contains", ""),
        detector=fields.get("detector", False),
        source=fields.get("source", ""),
    )


def factory(name: str, fields: Fields) -> Factory:
    """A record of the table ``factories``."""
    cases = fields.get("cases", ())
    return Factory(
        name=name,
        mode=mode_named(fields.get("mode")) or Mode.UNSEEN,
        sensitive=Sensitivity(fields.get("sensitive", "unknown")),
        module=is_module(fields),
        item=fields.get("item"),
        mixed=fields.get("mode") == "mixed",
        detector=fields.get("detector", False),
        layer=fields.get("layer", ""),
        cases=tuple(
            Case(
                _conditions(each, "when"),
                mode_named(each.get("mode")),
                Sensitivity(each["sensitive"]) if "sensitive" in each else None,
            )
            for each in cases
        ),
        parts={part: Sensitivity(word) for part, word in fields.get("parts", {}).items()},
        grad=grad_named(fields.get("grad")),
        source=fields.get("source", ""),
    )


def is_module(fields: Fields) -> bool:
    """Whether a record of the table ``factories`` is of a call that returns a module."""
    return bool(fields.get("module", True))


def is_switched(fields: Fields) -> bool:
    """Whether it is of one that returns a module in eval mode, or with parts in both modes."""
    return is_module(fields) and fields.get("mode") in ("eval", "mixed")


def wrapper(name: str, fields: Fields) -> Wrapper:
    """A record of the table ``wrappers``."""
    return Wrapper(
        name=name,
        argument=_argument(fields),
        copy=fields.get("copy", False),
        spread=fields.get("spread", False),
        beside=fields.get("beside", ""),
        item=fields.get("item"),
        mode=mode_named(fields.get("mode")),
        baked=fields.get("baked", False),
        adds=fields.get("adds", False),
        unless=_conditions(fields, "unless"),
        source=fields.get("source", ""),
    )


def module_method(name: str, fields: Fields) -> ModuleMethod:
    """A record of the table ``module_methods``."""
    return ModuleMethod(
        name=name,
        returns=fields.get("returns", "other"),
        effect=fields.get("effect", "none"),
        shared=fields.get("shared", False),
        source=fields.get("source", ""),
    )


def context(name: str, fields: Fields) -> Context:
    """A record of the table ``contexts``."""
    target = _argument(fields, "target", "target_position")
    return Context(
        name=name,
        grad=fields.get("grad", ""),
        mode=fields.get("mode", ""),
        argument=_argument(fields) if "argument" in fields else None,
        default=fields.get("default", ABSENT),
        inverted=fields.get("inverted", False),
        target=target if fields.get("mode") else None,
        restores=fields.get("restores", True),
        immediate=fields.get("immediate", False),
        neutral=fields.get("neutral", False),
        locks=fields.get("locks", False),
        source=fields.get("source", ""),
    )


def switch(name: str, fields: Fields) -> Switch:
    """A record of the table ``switches``."""
    return Switch(
        name=name,
        argument=_argument(fields),
        mode=mode_named(fields.get("mode")),
        restores=fields.get("restores", False),
        held=fields.get("held", False),
        inside=mode_named(fields.get("inside")),
        grad=grad_named(fields.get("grad")),
        statistics=fields.get("statistics", False),
        flattens=fields.get("flattens", False),
        freezes=fields.get("freezes"),
        trains=fields.get("trains", False),
        unless=_conditions(fields, "unless"),
        source=fields.get("source", ""),
    )


def caller(name: str, fields: Fields) -> Caller:
    """A record of the table ``callers``."""
    return Caller(
        name=name,
        argument=_argument(fields),
        calls=calls(fields),
        held=fields.get("held", False),
        inputs=_argument(fields, "inputs", "inputs_position") if "inputs" in fields else None,
        rest=fields.get("rest"),
        before=fields.get("before", 0),
        returns=fields.get("returns", True),
        grad=grad_named(fields.get("grad")),
        source=fields.get("source", ""),
    )


def calls(fields: Fields) -> bool:
    """Whether a record of the table ``callers`` is of something that calls what it is given."""
    return bool(fields.get("calls", True))


def kept(_name: str, fields: Fields) -> tuple[Argument, ...]:
    """The arguments of a constructor that ``holders`` has found."""
    return tuple(Argument(name, position) for name, position in fields.items())


def holders(*tables: Mapping[str, Fields]) -> dict[str, dict[str, object]]:
    """What objects keep of their constructors' arguments, by class, as ``held`` records tell."""
    found: dict[str, dict[str, object]] = {}
    for name, fields in (item for table in tables for item in table.items()):
        if fields.get("held"):
            argument = _argument(fields)
            found.setdefault(name.rpartition(".")[0], {})[argument.name] = argument.position
    return found


def functional(name: str, fields: Fields) -> Functional:
    """A record of the table ``functional``."""
    return Functional(
        name=name,
        flag=_argument(fields, "flag") if "flag" in fields else None,
        default=fields.get("default"),
        probability=_argument(fields, "p", "p_position") if "p" in fields else None,
        probability_default=fields.get("p_default"),
        always=fields.get("always", False),
        source=fields.get("source", ""),
    )


def hooks(_name: str, fields: Fields) -> Mapping[str, Hook]:
    """The methods of a record of the table ``hooks``."""
    source = fields.get("source", "")
    return {
        method: Hook(
            name=method,
            mode=mode_named(states.get("mode")) or Mode.UNSEEN,
            grad=grad_named(states.get("grad")) or Grad.UNSEEN,
            trains=states.get("trains", False),
            first=states.get("first", False),
            module=Argument(states["module"], states.get("position"))
            if "module" in states
            else None,
            source=source,
        )
        for method, states in fields.get("methods", {}).items()
    }


def base(name: str, fields: Fields) -> Base:
    """A record of the table ``bases``."""
    return Base(
        name=name,
        module=fields.get("module", True),
        semantic_mode=fields.get("semantic_mode", False),
        sequence=fields.get("sequence", False),
        source=fields.get("source", ""),
    )


def export(name: str, fields: Fields) -> Export:
    """A record of the table ``exports``."""
    return Export(
        name=name,
        argument=_argument(fields),
        needs=mode_named(fields.get("needs", "eval")) or Mode.EVAL,
        raises=fields.get("raises", False),
        spares=tuple(fields.get("spares", ())),
        unless=_conditions(fields, "unless"),
        source=fields.get("source", ""),
    )


def word(field: str) -> Callable[[str, Fields], str]:
    """A builder for a table whose records hold one word, ``none`` by default."""
    return lambda _name, fields: str(fields.get(field, "none"))


def effect_is(*wanted: str) -> Callable[[Fields], bool]:
    """Whether a record of the table ``values`` tells one of some effects."""
    return lambda fields: fields.get("effect") in wanted
