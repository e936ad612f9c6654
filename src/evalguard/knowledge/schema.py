"""The fields that each table may have, and the check of tables that a user writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TypeVar

from evalguard.records import NamedTuple

T = TypeVar("T")
Fields = Mapping[str, object]
Tables = Mapping[str, Mapping[str, Fields]]


class WrongTable(ValueError):
    """A table that doesn't fit; ``keys`` lead to the value in question."""

    def __init__(self, reason: str, *keys: str) -> None:
        super().__init__(reason)
        self.keys = keys


class Check(NamedTuple):
    """What a field may hold: a test, its name in words, and the same as a JSON schema."""

    fits: Callable[[object], bool]
    wanted: str
    schema: Mapping[str, object]


def _one_of(*words: str) -> Check:
    wanted = f"one of {', '.join(words)}"
    return Check(lambda value: value in words, wanted, {"enum": [*words]})


def _is_index(value: object) -> bool:
    return value is None or (type(value) is int and value >= 0)


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _is_words(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(word, str) for word in value)


def _is_conditions(value: object) -> bool:
    return isinstance(value, list | tuple) and all(_is_condition(each) for each in value)


def _is_condition(value: object) -> bool:
    if not isinstance(value, Mapping) or not isinstance(value.get("arg"), str):
        return False
    known = {"arg", "position", "default"}
    return (
        _INDEX.fits(value.get("position"))
        and set(value) <= TESTS.keys() | known
        and [TESTS[test].fits(value[test]) for test in value.keys() - known] == [True]
    )


def _is_cases(value: object) -> bool:
    return isinstance(value, list | tuple) and all(
        isinstance(each, Mapping)
        and "when" in each
        and set(each) <= {"mode", "sensitive", "when"}
        and _MODE.fits(each.get("mode", "unknown"))
        and _SENSITIVE.fits(each.get("sensitive", "unknown"))
        and _is_conditions(each["when"])
        for each in value
    )


def _is_parts(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(name, str) and name and _SENSITIVE.fits(word) for name, word in value.items()
    )


def _is_methods(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(each, Mapping)
        and set(each) <= HOOK_FIELDS.keys()
        and all(HOOK_FIELDS[field].fits(value) for field, value in each.items())
        for each in value.values()
    )


def record(
    fields: Mapping[str, Check], required: Iterable[str] = (), **more: object
) -> dict[str, object]:
    """The JSON schema of a table with these fields and no others."""
    properties = {name: dict(check.schema) for name, check in fields.items()}
    known = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**known, **({"required": [*required]} if required else {}), **more}


_MODE = _one_of("train", "eval", "unknown")
_GRAD = _one_of("on", "off", "unknown")
_SENSITIVE = _one_of("yes", "no", "unknown")
_TABLE = Check(lambda value: isinstance(value, Mapping), "a table", {"type": "object"})
_FLAG = Check(lambda value: isinstance(value, bool), "true or false", {"type": "boolean"})
_MAYBE_FLAG = _FLAG._replace(fits=lambda value: value is None or isinstance(value, bool))
_TEXT = Check(lambda value: isinstance(value, str), "a string", {"type": "string"})
_INDEX = Check(_is_index, "a whole number", {"type": "integer", "minimum": 0})
_NUMBER = Check(_is_number, "a number", {"type": "number"})
_ANYTHING = Check(lambda _: True, "anything", {})
_WORDS = Check(_is_words, "a list of strings", {"type": "array", "items": {"type": "string"}})
TESTS: Mapping[str, Check] = {
    "above": _NUMBER,
    "equals": _ANYTHING,
    "given": _FLAG,
    "matches": _WORDS,
    "nonzero": _FLAG,
}
_CONDITION = record(
    {"arg": _TEXT, "position": _INDEX, "default": _ANYTHING, **TESTS},
    ["arg"],
    oneOf=[{"required": [test]} for test in TESTS],
)
_CONDITIONS = Check(
    _is_conditions,
    f"a list of tables with arg, position, and one of {', '.join(TESTS)}",
    {"type": "array", "items": _CONDITION},
)
_PARTS = Check(
    _is_parts,
    f"a table of names, each with {_SENSITIVE.wanted}",
    {
        "type": "object",
        "propertyNames": {"minLength": 1},
        "additionalProperties": dict(_SENSITIVE.schema),
    },
)
_CASE = record({"mode": _MODE, "sensitive": _SENSITIVE, "when": _CONDITIONS}, ["when"])
_CASES = Check(
    _is_cases,
    "a list of tables with when, and mode or sensitive",
    {"type": "array", "items": _CASE},
)
HOOK_FIELDS: Mapping[str, Check] = {
    "mode": _MODE,
    "grad": _GRAD,
    "trains": _FLAG,
    "first": _FLAG,
    "module": _TEXT,
    "position": _INDEX,
}
_METHODS = Check(
    _is_methods,
    f"a table of methods, each with some of {', '.join(HOOK_FIELDS)}",
    {"type": "object", "additionalProperties": record(HOOK_FIELDS)},
)
_ARGUMENT: dict[str, Check] = {"argument": _TEXT, "position": _INDEX}

SCHEMA: Mapping[str, Mapping[str, Check]] = MappingProxyType(
    {
        "aliases": {"to": _TEXT},
        "layers": {
            "sensitive": _SENSITIVE,
            "kind": _TEXT,
            "unless": _CONDITIONS,
            "when": _CONDITIONS,
            "parameters": _FLAG,
            "bare": _CONDITIONS,
            "contains": _one_of("", "container", "copies", "argument"),
            "detector": _FLAG,
        },
        "factories": {
            "mode": _one_of("train", "eval", "mixed", "unknown"),
            "sensitive": _SENSITIVE,
            "module": _FLAG,
            "item": _INDEX,
            "detector": _FLAG,
            "layer": _TEXT,
            "parts": _PARTS,
            "grad": _GRAD,
            "cases": _CASES,
        },
        "wrappers": _ARGUMENT
        | {
            "copy": _FLAG,
            "spread": _FLAG,
            "beside": _TEXT,
            "item": _INDEX,
            "mode": _MODE,
            "baked": _FLAG,
            "adds": _FLAG,
            "unless": _CONDITIONS,
        },
        "module_methods": {
            "returns": _one_of("self", "none", "children", "row", "parameters", "child", "other"),
            "effect": _one_of(
                "none",
                "train",
                "eval",
                "registers",
                "freezes",
                "applies",
                "forwards",
                "loads",
                "clears",
                "hooks",
            ),
            "shared": _FLAG,
        },
        "module_attributes": {"returns": _one_of("self", "other")},
        "keywords": {"effect": _one_of("input_gradient", "no_gradient", "norm", "weights", "none")},
        "decorators": {"role": _one_of("property", "cached", "static", "class", "manager", "none")},
        "contexts": _ARGUMENT
        | {
            "grad": _one_of("on", "off", "argument"),
            "mode": _one_of("train", "eval", "argument"),
            "default": _ANYTHING,
            "inverted": _FLAG,
            "target": _TEXT,
            "target_position": _INDEX,
            "restores": _FLAG,
            "immediate": _FLAG,
            "neutral": _FLAG,
            "locks": _FLAG,
        },
        "switches": _ARGUMENT
        | {
            "mode": _MODE,
            "restores": _FLAG,
            "held": _FLAG,
            "inside": _MODE,
            "grad": _GRAD,
            "statistics": _FLAG,
            "flattens": _FLAG,
            "freezes": _FLAG,
            "trains": _FLAG,
            "unless": _CONDITIONS,
        },
        "callers": _ARGUMENT
        | {
            "calls": _FLAG,
            "held": _FLAG,
            "inputs": _TEXT,
            "inputs_position": _INDEX,
            "rest": _INDEX,
            "before": _INDEX,
            "returns": _FLAG,
            "grad": _GRAD,
        },
        "functional": {
            "flag": _TEXT,
            "position": _INDEX,
            "default": _MAYBE_FLAG,
            "p": _TEXT,
            "p_position": _INDEX,
            "p_default": _NUMBER,
            "always": _FLAG,
        },
        "hooks": {"methods": _METHODS},
        "bases": {"module": _FLAG, "semantic_mode": _FLAG, "sequence": _FLAG},
        "exports": _ARGUMENT
        | {
            "needs": _one_of("train", "eval"),
            "raises": _FLAG,
            "spares": _WORDS,
            "unless": _CONDITIONS,
        },
        "values": {
            "effect": _one_of(
                "measures",
                "detaches",
                "input_gradient",
                "dummy",
                "shape",
                "backward",
                "gradient",
                "inference_method",
                "record",
                "mapping",
                "steps",
                "exits",
                "looks",
                "picks",
                "parts",
                "assigns",
                "none",
            )
        },
        "names": {"words": _WORDS},
    }
)


REQUIRED: Mapping[str, tuple[str, ...]] = {"aliases": ("to",)}
KINDS_OF_NAMES = (
    "dropout", "evaluation", "layer", "sampling", "statistics", "stepper", "stochastic", "timing",
    "training",
)  # fmt: skip


def json_schema() -> dict[str, object]:
    """The tables that ``check_tables`` accepts, as a JSON schema."""
    tables = {
        table: {
            "type": "object",
            "propertyNames": {"enum": [*KINDS_OF_NAMES]} if table == "names" else {"minLength": 1},
            "additionalProperties": record({**fields, "source": _TEXT}, REQUIRED.get(table, ())),
        }
        for table, fields in SCHEMA.items()
    }
    return {"type": "object", "properties": tables, "additionalProperties": False}


def check_tables(tables: Tables) -> None:
    """Raise at the first unknown table or field, or field with a wrong value.

    Args:
        tables: table → name → fields, as read from a configuration.

    Raises:
        WrongTable: it names the table, the entry, the field, and the nearest right one.
    """
    for table, entries in tables.items():
        fields = _known(SCHEMA, "knowledge table", table)
        _check_value(f"knowledge.{table}", entries, _TABLE, table)
        for name, entry in entries.items():
            if table == "names":
                _known(dict.fromkeys(KINDS_OF_NAMES), "kind of names", table, name)
            _check_entry(f"knowledge.{table}.'{name}'", entry, fields, table, name)


def _check_entry(where: str, entry: Fields, fields: Mapping[str, Check], *keys: str) -> None:
    if not keys[-1]:
        raise WrongTable(f"{where}: a name can't be empty", *keys)
    _check_value(where, entry, _TABLE, *keys)
    for field in REQUIRED.get(keys[0], ()):
        if field not in entry:
            raise WrongTable(f"{where} needs '{field}'", *keys)
    for field, value in entry.items():
        check = _known({**fields, "source": _TEXT}, f"field of {where}", *keys, field)
        _check_value(f"{where}: '{field}'", value, check, *keys, field)


def _check_value(where: str, value: object, check: Check, *keys: str) -> None:
    if not check.fits(value):
        raise WrongTable(f"{where} must be {check.wanted}, not {value!r}", *keys)


def _known(known: Mapping[str, T], what: str, *keys: str) -> T:
    word = keys[-1]
    if word in known:
        return known[word]
    raise WrongTable(f"unknown {what}: '{word}'{_nearest(word, known)}", *keys)


def _nearest(word: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(str(word), list(known), n=1, cutoff=0.5)
    return f"; did you mean '{near[0]}'?" if near else f"; there are {', '.join(sorted(known))}"
