"""A value as TOML or the command line holds it → the setting's, or what is wrong with it.

Each kind of setting also knows its JSON schema, its name in words, and how TOML writes a value.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any

from evalguard.globs import posix, seen_from
from evalguard.records import NamedTuple

Schema = dict[str, object]
STRINGS: Schema = {"type": "array", "items": {"type": "string"}}


class Wrong(Exception):
    """A value that doesn't fit; ``keys`` lead from the setting's own key to what is meant."""

    def __init__(self, reason: str, *keys: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.keys = keys


class Kind(NamedTuple):
    """A kind of setting.

    ``read`` makes a value of what is written, given the folder that paths are seen from, and
    raises ``Wrong``; ``plain`` is the way back.
    """

    words: str
    read: Callable[[object, str], Any]
    schema: Callable[[], Schema]
    plain: Callable[[Any], object] = lambda value: value
    choices: tuple[str, ...] = ()


def flag() -> Kind:
    """``true`` or ``false``."""
    words = "`true` or `false`"
    return Kind(words, lambda value, _: _of_type(value, bool, words), lambda: {"type": "boolean"})


def count() -> Kind:
    """A number of things."""
    words = "a whole number, not below 0"
    return Kind(
        words, lambda value, _: _counted(value, words), lambda: {"type": "integer", "minimum": 0}
    )


def choice(*words: str) -> Kind:
    """One of some words."""
    wanted = f"one of {_list(words)}"
    return Kind(
        wanted,
        lambda value, _: _chosen(value, words, wanted),
        lambda: {"enum": [*words]},
        choices=words,
    )


def level(levels: type[IntEnum]) -> Kind:
    """One of some levels, by name."""
    inner = choice(*(each.name.lower() for each in levels))
    return inner._replace(
        read=lambda value, base: levels[inner.read(value, base).upper()],
        plain=lambda value: value.name.lower(),
    )


def rules() -> Kind:
    """A list of words that stand for rules."""
    return Kind(
        "a list of rules' codes, beginnings of codes, or names",
        lambda value, _: _rules(value),
        lambda: {"type": "array", "items": {"enum": _rule_words()}},
        list,
    )


def globs() -> Kind:
    """A list of patterns for paths."""
    words = "a list of patterns"
    return Kind(
        words,
        lambda value, base: tuple(seen_from(each, base) for each in _strings(value, words)),
        lambda: STRINGS,
        list,
    )


def folders() -> Kind:
    """A list of folders."""
    words = "a list of folders"
    return Kind(
        words,
        lambda value, base: tuple(_path(each, base) for each in _strings(value, words)),
        lambda: STRINGS,
        lambda value: [posix(each) for each in value],
    )


def file() -> Kind:
    """A file; none is an empty string."""
    words = "a file"
    return Kind(
        words,
        lambda value, base: _path(text, base) if (text := _text(value, words)) else "",
        lambda: {"type": "string"},
        posix,
    )


def by_rule(inner: Kind) -> Kind:
    """A table: rule → something."""
    return Kind(
        f"a table: a rule, and {inner.words}",
        lambda value, base: _table(value, inner, base, _rule),
        lambda: {
            "type": "object",
            "propertyNames": {"enum": _rule_words()},
            "additionalProperties": inner.schema(),
        },
        lambda value: {key: inner.plain(each) for key, each in value.items()},
    )


def by_glob(inner: Kind) -> Kind:
    """A table: pattern → something; a name alone is found in any folder of the file's own."""
    return Kind(
        f"a table: a pattern, and {inner.words}",
        lambda value, base: _table(value, inner, base, _below),
        lambda: {"type": "object", "additionalProperties": inner.schema()},
        lambda value: {key: inner.plain(each) for key, each in value.items()},
    )


def knowledge() -> Kind:
    """Tables of what is known of libraries."""
    return Kind("tables", lambda value, _: _tables(value), _knowledge_schema)


def _counted(value: object, words: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise Wrong(f"must be {words}, not {shown(value)}")


def _of_type(value: object, wanted: type, words: str) -> object:
    if not isinstance(value, wanted):
        raise Wrong(f"must be {words}, not {shown(value)}")
    return value


def _text(value: object, words: str) -> str:
    return str(_of_type(value, str, words))


def _chosen(value: object, words: tuple[str, ...], wanted: str) -> str:
    if isinstance(value, str) and value in words:
        return value
    raise Wrong(f"must be {wanted}, not {shown(value)}{hint(value, words)}")


def _strings(value: object, words: str) -> tuple[str, ...]:
    fits = isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)
    if not isinstance(value, list | tuple) or not fits:
        raise Wrong(f"must be {words}, not {shown(value)}")
    if not all(value):
        raise Wrong("holds an empty string")
    return tuple(value)


def _rules(value: object) -> tuple[str, ...]:
    from evalguard.rules import load
    from evalguard.select import UnknownRule, require

    found = _strings(value, "a list of rules")
    try:
        require(load(), found)
    except UnknownRule as error:
        raise Wrong(str(error)) from None
    return found


def _rule(word: str, _base: str) -> str:
    try:
        return _rules([word])[0]
    except Wrong as wrong:
        raise Wrong(wrong.reason, word) from None


def _rule_words() -> list[str]:
    from evalguard.rules import load

    codes = sorted(rule.code for rule in load())
    families = {code[:end] for code in codes for end in range(2, len(code))}
    return [*sorted(families), *codes, *sorted(rule.name for rule in load())]


def _path(folder: str, base: str) -> str:
    return os.path.normpath(os.path.join(base, folder))


def _below(pattern: str, base: str) -> str:
    return seen_from(pattern if "/" in posix(pattern) else f"**/{pattern}", base)


def _table(
    value: object, inner: Kind, base: str, key: Callable[[str, str], str]
) -> dict[str, object]:
    if not isinstance(value, Mapping):
        raise Wrong(f"must be a table, not {shown(value)}")
    return {key(name, base): _inside(name, inner, each, base) for name, each in value.items()}


def _inside(name: str, inner: Kind, value: object, base: str) -> object:
    try:
        return inner.read(value, base)
    except Wrong as wrong:
        raise Wrong(f"what `{name}` has {wrong.reason}", name, *wrong.keys) from None


def _tables(value: object) -> Mapping[str, Any]:
    from evalguard.knowledge.schema import WrongTable, check_tables

    if not isinstance(value, Mapping):
        raise Wrong(f"must be tables, not {shown(value)}")
    try:
        check_tables(value)
    except WrongTable as wrong:
        raise Wrong(str(wrong), *wrong.keys) from None
    return value


def _knowledge_schema() -> Schema:
    from evalguard.knowledge.schema import json_schema

    return json_schema()


def shown(value: object) -> str:
    """A value as a message shows it: in one line, not too long."""
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def hint(word: object, known: tuple[str, ...]) -> str:
    """The nearest of the words that are known, as the end of a sentence."""
    from difflib import get_close_matches

    near = get_close_matches(str(word).lower().replace("_", "-"), known, 1, 0.5)
    return f"; did you mean {near[0]}?" if near else ""


def _list(words: tuple[str, ...]) -> str:
    return ", ".join(f"`{word}`" for word in words)
