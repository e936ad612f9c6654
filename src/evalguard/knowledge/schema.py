"""The fields that each table may have, and the check of tables that a user writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import TypeVar

T = TypeVar("T")
Fields = Mapping[str, object]
Tables = Mapping[str, Mapping[str, Fields]]
Check = Callable[[object], str]


def _one_of(*words: str) -> Check:
    return lambda value: "" if value in words else f"one of {', '.join(words)}"


def _mapping(value: object) -> str:
    return "" if isinstance(value, Mapping) else "a table"


def _flag(value: object) -> str:
    return "" if isinstance(value, bool) else "true or false"


def _text(value: object) -> str:
    return "" if isinstance(value, str) else "a string"


def _index(value: object) -> str:
    fits = value is None or (isinstance(value, int) and not isinstance(value, bool))
    return "" if fits else "a whole number"


def _number(value: object) -> str:
    fits = value is None or (isinstance(value, int | float) and not isinstance(value, bool))
    return "" if fits else "a number"


def _anything(_value: object) -> str:
    return ""


def _maybe_flag(value: object) -> str:
    return "" if value is None else _flag(value)


def _words(value: object) -> str:
    fits = isinstance(value, list | tuple) and all(isinstance(word, str) for word in value)
    return "" if fits else "a list of strings"


def _conditions(value: object) -> str:
    fits = isinstance(value, list | tuple) and all(_is_condition(each) for each in value)
    tests = ", ".join(sorted(TESTS))
    return "" if fits else f"a list of tables with arg, position, and one of {tests}"


def _is_condition(value: object) -> bool:
    if not isinstance(value, Mapping) or not isinstance(value.get("arg"), str):
        return False
    return len(TESTS & set(value)) == 1 and set(value) <= TESTS | {"arg", "position", "default"}


def _cases(value: object) -> str:
    fits = isinstance(value, list | tuple) and all(
        isinstance(each, Mapping)
        and "when" in each
        and set(each) <= {"mode", "sensitive", "when"}
        and not _MODE(each.get("mode", "unknown"))
        and not _SENSITIVE(each.get("sensitive", "unknown"))
        and not _conditions(each["when"])
        for each in value
    )
    return "" if fits else "a list of tables with when, and mode or sensitive"


def _methods(value: object) -> str:
    fits = isinstance(value, Mapping) and all(
        isinstance(each, Mapping)
        and set(each) <= HOOK_FIELDS.keys()
        and not any(HOOK_FIELDS[field](value) for field, value in each.items())
        for each in value.values()
    )
    return "" if fits else f"a table of methods, each with some of {', '.join(HOOK_FIELDS)}"


TESTS = frozenset({"equals", "above", "nonzero", "given", "matches"})
_MODE = _one_of("train", "eval", "unknown")
_GRAD = _one_of("on", "off", "unknown")
_SENSITIVE = _one_of("yes", "no", "unknown")
HOOK_FIELDS: Mapping[str, Check] = {
    "mode": _MODE,
    "grad": _GRAD,
    "trains": _flag,
    "module": _text,
    "position": _index,
}
_ARGUMENT: dict[str, Check] = {"argument": _text, "position": _index}

SCHEMA: Mapping[str, Mapping[str, Check]] = MappingProxyType(
    {
        "aliases": {"to": _text},
        "layers": {
            "sensitive": _SENSITIVE,
            "kind": _text,
            "unless": _conditions,
            "when": _conditions,
            "parameters": _flag,
            "bare": _conditions,
            "contains": _one_of("", "container", "copies", "argument"),
            "detector": _flag,
        },
        "factories": {
            "mode": _one_of("train", "eval", "mixed", "unknown"),
            "sensitive": _SENSITIVE,
            "module": _flag,
            "item": _index,
            "detector": _flag,
            "layer": _text,
            "cases": _cases,
        },
        "wrappers": _ARGUMENT
        | {
            "copy": _flag,
            "spread": _flag,
            "item": _index,
            "mode": _MODE,
            "baked": _flag,
            "adds": _flag,
            "unless": _conditions,
        },
        "module_methods": {
            "returns": _one_of("self", "none", "children", "parameters", "child", "other"),
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
            ),
            "shared": _flag,
        },
        "module_attributes": {"returns": _one_of("self", "other")},
        "keywords": {"effect": _one_of("input_gradient", "no_gradient", "none")},
        "decorators": {"role": _one_of("property", "cached", "static", "class", "manager", "none")},
        "contexts": _ARGUMENT
        | {
            "grad": _one_of("on", "off", "argument"),
            "mode": _one_of("train", "eval", "argument"),
            "default": _anything,
            "inverted": _flag,
            "target": _text,
            "target_position": _index,
            "restores": _flag,
            "immediate": _flag,
            "neutral": _flag,
            "locks": _flag,
        },
        "switches": _ARGUMENT
        | {
            "mode": _MODE,
            "restores": _flag,
            "held": _flag,
            "inside": _MODE,
            "grad": _GRAD,
            "statistics": _flag,
            "flattens": _flag,
            "freezes": _flag,
            "trains": _flag,
            "unless": _conditions,
        },
        "callers": _ARGUMENT
        | {
            "calls": _flag,
            "held": _flag,
            "inputs": _text,
            "inputs_position": _index,
            "rest": _index,
            "before": _index,
            "returns": _flag,
            "grad": _GRAD,
        },
        "functional": {
            "flag": _text,
            "position": _index,
            "default": _maybe_flag,
            "p": _text,
            "p_position": _index,
            "p_default": _number,
            "always": _flag,
        },
        "hooks": {"methods": _methods},
        "bases": {"module": _flag, "semantic_mode": _flag, "sequence": _flag},
        "exports": _ARGUMENT
        | {
            "needs": _one_of("train", "eval"),
            "raises": _flag,
            "spares": _words,
            "unless": _conditions,
        },
        "values": {
            "effect": _one_of(
                "measures",
                "detaches",
                "dummy",
                "shape",
                "backward",
                "gradient",
                "inference_method",
                "record",
                "steps",
                "exits",
                "looks",
                "picks",
                "none",
            )
        },
        "names": {"words": _words},
    }
)


def check_tables(tables: Tables) -> None:
    """Raise ValueError at the first unknown table or field, or field with a wrong value.

    Args:
        tables: table → name → fields, as read from a configuration.

    Raises:
        ValueError: it names the table, the entry, the field, and the nearest right one.
    """
    for table, entries in tables.items():
        fields = _known(table, SCHEMA, "knowledge table")
        _check_value(f"knowledge.{table}", entries, _mapping)
        for name, entry in entries.items():
            _check_entry(f"knowledge.{table}.'{name}'", entry, fields)


def _check_entry(where: str, entry: Fields, fields: Mapping[str, Check]) -> None:
    _check_value(where, entry, _mapping)
    for field, value in entry.items():
        check = _known(field, {**fields, "source": _text}, f"field of {where}")
        _check_value(f"{where}: '{field}'", value, check)


def _check_value(where: str, value: object, check: Check) -> None:
    wanted = check(value)
    if wanted:
        raise ValueError(f"{where} must be {wanted}, not {value!r}")


def _known(word: str, known: Mapping[str, T], what: str) -> T:
    if word in known:
        return known[word]
    raise ValueError(f"unknown {what}: '{word}'{_nearest(word, known)}")


def _nearest(word: str, known: Iterable[str]) -> str:
    near = get_close_matches(str(word), list(known), n=1, cutoff=0.5)
    return f"; did you mean '{near[0]}'?" if near else f"; there are {', '.join(sorted(known))}"
