"""IPython's dialect → Python: magics, shell lines and help are blanked, all else stays in place.

What is blanked was no Python, so it is replaced by ``0``, a statement of no effect: a block that
held nothing else is still a block, and every line and column is where it was. What a magic gets
as Python (``%time net(x)``, a cell under ``%%capture``) is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

# Cell magics that run their cell as Python, in the notebook's own namespace.
PYTHON_CELLS = frozenset((
    "capture", "code_wrap", "debug", "ipytest", "memit", "prun", "pyinstrument", "px",
    "run_pytest", "scalene", "snakeviz", "time", "timeit", "wandb",
))  # fmt: skip

# What IPython takes for a magic without a sign, if no operator follows.
_AUTOMAGIC = (
    "alias|autoreload|cat|cd|conda|config|cp|debug|env|gui|hist|history|ldir|less|load_ext|ll|ls"
    "|mamba|man|matplotlib|mkdir|more|mv|pdb|pinfo|pip|pip3|psource|pushd|pylab|reload_ext|reset"
    "|rm|rmdir|run|save|set_env|store|time|timeit|unload_ext|uv|who|whos|xmode"
)
_CELL_MAGIC = re.compile(r"\s*%%(\S*)[^\n]*")
_CANDIDATE = re.compile(
    rf"^[ \t]*[%!?,;/] | =[ \t]*[%!] | \?[ \t]*$ | ^[ \t]*(?:{_AUTOMAGIC})[ \t]",
    re.MULTILINE | re.VERBOSE,
)
_MARKER = re.compile(r"^#[ \t]?%%.*\n?", re.MULTILINE)
_LINE = re.compile(
    rf"""
    (?P<indent> [ \t]* )
    (?: (?P<timing> %(?:time|timeit|prun|memit)[ \t]+ )
      | [%!?,;/]
      | (?:{_AUTOMAGIC})[ \t]+
          (?! (?:and|else|if|in|is|not|or)\b ) (?= ["'\w$.~] | -[A-Za-z-] | /\w )
      | (?P<target> [\w.]+ (?:\[[^\]\n=]*\])?
          (?: [ \t]*,[ \t]* [\w.]+ (?:\[[^\]\n=]*\])? )* [ \t]*=[ \t]* )
        (?: (?P<timed> %time[ \t]+ (?=\S) ) | (?=[%!]) )
    )
    """,
    re.VERBOSE,
)
_OPTIONS = re.compile(r"(?:-\w+(?:[ \t]+\d+)?[ \t]+)*")
_NO_TAIL = re.compile(r"\s*$|[@%!]|(?:async|class|def|for|if|try|while|with)\b")
_REST = re.compile(r"(?:[^\n]*\\\n)*[^\n]*")
_TOKEN = re.compile(
    r"""
    (?P<skip> [ \t\f]+ | \\\n | \#[^\n]* | \w+ (?!["']) )
    | (?P<string> (?:[rbuft]{1,2})?
        (?: \"{3} [^"\\]* (?:(?:\\.|"(?!""))[^"\\]*)* \"{3}
          | '{3} [^'\\]* (?:(?:\\.|'(?!''))[^'\\]*)* '{3}
          | " [^"\\\n]* (?:\\.[^"\\\n]*)* "
          | ' [^'\\\n]* (?:\\.[^'\\\n]*)* ' ) )
    | (?P<open> [(\[{] ) | (?P<close> [)\]}] ) | (?P<newline> \n ) | (?P<help> \? ) | (?P<other> . )
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)


def of_cell(text: str) -> str:
    """Blank what isn't Python in a cell: all of it, if its magic is another language's.

    Args:
        text: The cell as written, with line ends of one kind.

    Returns:
        Python, with as many lines; what is kept stands where it stood.
    """
    magic = _CELL_MAGIC.match(text)
    if not magic:
        return _blanked(text)
    if magic[1] not in PYTHON_CELLS:
        return "\n" * text.count("\n")
    return "\n" * magic[0].count("\n") + of_cell(text[magic.end() :])


def of_script(text: str) -> str:
    """Blank what isn't Python in a script, if it has cells (``# %%``) as notebooks have."""
    if not (_MARKER.search(text) and _CANDIDATE.search(text)):
        return text
    starts = [0, *(match.end() for match in _MARKER.finditer(text)), len(text)]
    return "".join(_section(text[start:end]) for start, end in pairwise(starts))


def _section(text: str) -> str:
    """Blank a cell of a script; the marker of the next one is its last line."""
    last = text.rfind("\n", 0, -1) + 1
    return of_cell(text[:last]) + text[last:] if _MARKER.match(text, last) else of_cell(text)


def _blanked(text: str) -> str:
    return "".join(_statements(text)) if _CANDIDATE.search(text) else text


def _statements(text: str) -> Iterator[str]:
    """Yield logical lines, those of IPython blanked."""
    at = 0
    while at < len(text):
        line = _LINE.match(text, at)
        if line:
            rest = _REST.match(text, line.end())
            assert rest is not None
            yield _escaped(line, rest[0])
            at = rest.end()
        else:
            end, asks = _logical_end(text, at)
            yield _nothing(text[at:end]) if asks else text[at:end]
            at = end
        if text.startswith("\n", at):
            yield "\n"
            at += 1


def _escaped(line: re.Match[str], rest: str) -> str:
    """Turn a line that begins with a magic, or assigns what one returns, into Python."""
    if line["timing"]:
        options = _OPTIONS.match(rest)
        assert options is not None
        code = rest[options.end() :]
        if not _NO_TAIL.match(code):
            return f"{line['indent']}0;{' ' * (len(line['timing'] + options[0]) - 2)}{code}"
    elif line["timed"]:
        return f"{line['indent']}{line['target']}{' ' * len(line['timed'])}{rest}"
    elif line["target"]:
        return f"{line['indent']}{line['target']}{_filled('_', rest)}"
    return _nothing(line[0] + rest)


def _nothing(text: str) -> str:
    indent = len(text) - len(text.lstrip(" \t"))
    return text[:indent] + _filled("0", text[indent:])


def _filled(value: str, text: str) -> str:
    """A value in the place of text."""
    first, *more = text.split("\n")
    return "\n".join((value.ljust(len(first)), *("" for _ in more)))


def _logical_end(text: str, at: int) -> tuple[int, bool]:
    """Where a statement's last line ends, and whether a question mark ends it."""
    depth, asks = 0, False
    while at < len(text):
        token = _TOKEN.match(text, at)
        assert token is not None
        kind = token.lastgroup
        if kind == "newline" and not depth:
            break
        depth = max(depth + (kind == "open") - (kind == "close"), 0)
        asks = kind == "help" or (asks and token[0].isspace())
        at = token.end()
    return at, asks
