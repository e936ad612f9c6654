"""A text or bytes → the same, damaged: by characters, lines, tokens, pieces of others, arguments.

All that is drawn comes from the ``Random`` given, so that a seed gives the same inputs again.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from random import Random

ODD = (
    "\0", "\r", "\r\n", "\x0c", "\x0b", "\x1a", "\x1b[2J", "\x85", "\u2028", "\u2029", "\ufeff",
    "\u202e", "\ud800", "\U0001f600", "é", "ⅷ", "\t", " " * 40, "\\", "\\\n", "\n", '"', "'",
    '"""', "'''", "#", "(", ")", "[", "]", "{", "}", ":", ";", ",", ".", "...", "->", ":=", "**",
    "*", "@", "!", "%", "?", "=", "==", "0", "1_0", "0x", "1e999", "9" * 50, "f'{", "f'{x!r:>{y}}'",
    "b'", "rb'\\", "lambda: ", "yield ", "await ", "async ", "global x", "nonlocal x", "return ",
    "del ", "match x:\n    case ", "type X[T] = ", "except* ", "with (", "if 1:", "else:",
    "elif x:",
    "try:", "finally:", "for x in ", "while 1:", "import ", "from . import *", "from .. import ",
    "class A(A): ", "def f[T](*, x=1, /): ", "self", "super()", "__class__", "None", "True",
    "torch.no_grad()", ".eval()", ".train()", ".train(mode=", ".training", "nn.Module",
    "reveal_mode(",
    "# evalguard: ignore[", "# evalguard: ignore-file", "# noqa: EG1", "# %%\n", "%%bash\n",
    "!ls\n",
    "# type: ignore", "# coding: utf-16\n", "# -*- coding: rot13 -*-\n", "nested\n" * 3,
)  # fmt: skip
_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
Way = Callable[[str, Random, Sequence[str]], str]


def damaged(text: str, rng: Random, others: Sequence[str]) -> str:
    """Damage a text in one to six ways.

    Args:
        text: What to damage.
        rng: Where chance comes from.
        others: Texts that pieces may be taken from.
    """
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        text = rng.choice(_WAYS)(text, rng, others)
    return text[:200_000]


def damaged_bytes(data: bytes, rng: Random) -> bytes:
    """Change, drop, double or put in bytes."""
    found = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        at = rng.randrange(len(found) + 1)
        way = rng.randrange(4)
        if way == 0:
            found[at:at] = rng.randbytes(rng.choice((1, 2, 9)))
        elif way == 1:
            del found[at : at + rng.choice((1, 3, 30))]
        elif way == 2:
            found[at:at] = found[at : at + rng.choice((1, 10, 100))]
        elif found:
            found[at % len(found)] ^= 1 << rng.randrange(8)
    return bytes(found)


def _odd(text: str, rng: Random, _: Sequence[str]) -> str:
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice(ODD) * rng.choice((1, 1, 1, 2, 20)) + text[at:]


def _cut(text: str, rng: Random, _: Sequence[str]) -> str:
    at = rng.randrange(len(text) + 1)
    return text[:at] + text[at + rng.choice((1, 2, 5, 50, 500)) :]


def _end(text: str, rng: Random, _: Sequence[str]) -> str:
    return text[: rng.randrange(len(text) + 1)]


def _swapped_lines(text: str, rng: Random, _: Sequence[str]) -> str:
    lines = text.split("\n")
    a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]
    return "\n".join(lines)


def _without_line(text: str, rng: Random, _: Sequence[str]) -> str:
    lines = text.split("\n")
    del lines[rng.randrange(len(lines))]
    return "\n".join(lines)


def _repeated(text: str, rng: Random, _: Sequence[str]) -> str:
    lines = text.split("\n")
    start = rng.randrange(len(lines))
    piece = lines[start : start + rng.randrange(1, 6)]
    return "\n".join((*lines[:start], *piece * rng.choice((2, 2, 3, 30)), *lines[start:]))


def _indented(text: str, rng: Random, _: Sequence[str]) -> str:
    lines = text.split("\n")
    start = rng.randrange(len(lines))
    for at in range(start, min(start + rng.randrange(1, 6), len(lines))):
        lines[at] = lines[at][4:] if rng.random() < 0.5 else "    " + lines[at]
    return "\n".join(lines)


def _spliced(text: str, rng: Random, others: Sequence[str]) -> str:
    lines, more = text.split("\n"), rng.choice(others).split("\n")
    at, start = rng.randrange(len(lines) + 1), rng.randrange(len(more))
    return "\n".join((*lines[:at], *more[start : start + rng.randrange(1, 12)], *lines[at:]))


def _other_word(text: str, rng: Random, _: Sequence[str]) -> str:
    """One word everywhere in place of another: what was two things is one."""
    words = sorted({*re.findall(r"\w+", text)})
    if not words:
        return text
    old, new = rng.choice(words), rng.choice(words)
    return re.sub(rf"\b{old}\b", new, text)


def _swapped_tokens(text: str, rng: Random, _: Sequence[str]) -> str:
    tokens = _TOKEN.findall(text)
    if not tokens:
        return text
    a, b = rng.randrange(len(tokens)), rng.randrange(len(tokens))
    tokens[a], tokens[b] = tokens[b], tokens[a]
    return "".join(tokens)


def _line_ends(text: str, rng: Random, _: Sequence[str]) -> str:
    ends = rng.choice((("\r",), ("\r\n",), ("\n", "\r\n"), ("\n", "\r", "\r\n", "\x0c\n")))
    return "".join(line + rng.choice(ends) for line in text.split("\n"))


def _other_calls(text: str, rng: Random, _: Sequence[str]) -> str:
    """Other arguments in some calls: what can be parsed still can, and is walked."""
    try:
        tree = ast.parse(text)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and rng.random() < 0.5:
                rng.choice(_CALLS)(node)
        return ast.unparse(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return text


def _emptied(call: ast.Call) -> None:
    call.args, call.keywords = [], []


def _starred(call: ast.Call) -> None:
    given = ast.Name("given", ast.Load())
    call.args, call.keywords = [ast.Starred(given, ast.Load())], [ast.keyword(None, given)]


def _shortened(call: ast.Call) -> None:
    del call.args[:1]


def _turned(call: ast.Call) -> None:
    call.args.reverse()


def _named(call: ast.Call) -> None:
    plain = [node for node in call.args if not isinstance(node, ast.Starred)]
    call.args = []
    call.keywords += [ast.keyword("model", node) for node in plain[:1]]


_CALLS = (_emptied, _starred, _shortened, _turned, _named)
_WAYS: tuple[Way, ...] = (
    _odd, _odd, _cut, _end, _swapped_lines, _without_line, _repeated, _indented, _spliced,
    _spliced, _other_word, _other_word, _swapped_tokens, _line_ends, _other_calls, _other_calls,
)  # fmt: skip
