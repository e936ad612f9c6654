"""A configuration, or one value → TOML."""

from __future__ import annotations

import re
from collections.abc import Mapping

from evalguard.config.layers import Configuration
from evalguard.config.settings import keys

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def written(configuration: Configuration) -> str:
    """What is in force, as a file that would say the same, with the origin of each value."""
    file = configuration.file
    head = f"# configuration file: {file.shown}" if file else "# no configuration file"
    lines = [f"{_one_line(head)}\n"]
    for name, key in keys().items():
        plain = key.kind.plain(getattr(configuration.settings, name.replace("-", "_")))
        lines.append(f"{name} = {value(plain)}  # {_one_line(configuration.origin(name))}\n")
    return "".join(lines)


def value(plain: object) -> str:
    """A value in TOML, in one line."""
    if isinstance(plain, Mapping):
        inside = ", ".join(f"{_key(key)} = {value(each)}" for key, each in plain.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(plain, list | tuple):
        return f"[{', '.join(map(value, plain))}]"
    if isinstance(plain, str):
        return _string(plain)
    return str(plain).lower() if isinstance(plain, bool) else str(plain)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _string(name)


def _string(text: str) -> str:
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{_one_line(quoted)}"'


def _escape(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def _one_line(text: str) -> str:
    return "".join(char if char.isprintable() else _escape(char) for char in text)
