"""A changed text → the same with what was blanked in it, and with the line ends of its file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_LINE_END = re.compile("\r\n|\r|\n")


def restored(text: str, code: str, changed: str) -> str:
    """Put back what was blanked.

    Args:
        text: As written, with line ends of one kind.
        code: The same as Python, line by line.
        changed: ``code`` with changes, but none to what is blanked.

    Returns:
        ``text`` with the same changes.

    Raises:
        ValueError: Something blanked was changed.
    """
    if text == code:
        return changed
    old, written, new = (each.split("\n") for each in (code, text, changed))
    lines: list[str] = []
    for same, start, end, first, last in _changes(old, new):
        if same:
            lines += written[start:end]
        else:
            lines += _replaced(old[start:end], written[start:end], new[first:last])
    return "\n".join(lines)


def with_line_ends(new: str, old: str, original: str) -> str:
    """Give a text the line ends of a file.

    Args:
        new: The text to write, with line ends of one kind.
        old: What it was made of.
        original: The file's own text of ``old``, with line ends of any kind.

    Returns:
        ``new``: lines that it shares with ``old`` end as in the file, new ones like the line that
        they follow.
    """
    ends = _LINE_END.findall(original)
    if not ends or set(ends) == {"\n"}:
        return new
    if len(set(ends)) == 1:
        return new.replace("\n", ends[0])
    ours = new.split("\n")
    found = [ends[0]] * len(ours)
    for _, start, stop, first, last in _changes(old.split("\n"), ours):
        for place in range(first, last):
            index = min(start + place - first, max(stop - 1, start - 1, 0), len(ends) - 1)
            found[place] = ends[index]
    return "".join(line + end for line, end in zip(ours[:-1], found, strict=False)) + ours[-1]


def _changes(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[bool, int, int, int, int]]:
    """Yield where lines are the same, and where others take their place."""
    from difflib import SequenceMatcher

    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for tag, *where in matcher.get_opcodes():
        start, end, first, last = where
        yield tag == "equal", start, end, first, last


def _replaced(old: Sequence[str], text: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    """Lines that take others' place, with what was blanked in those."""
    blanked = [(was, now) for was, now in zip(text, old, strict=True) if was != now]
    for line in new:
        restored = _restored(*blanked[0], line) if blanked else None
        if restored is not None:
            del blanked[0]
        yield line if restored is None else restored
    if blanked:
        raise ValueError("what only IPython understands can't be changed")


def _restored(text: str, old: str, new: str) -> str | None:
    """A line with what was blanked in it, wherever it was moved; None if it is another line."""
    body, kept, written = (each.lstrip(" \t") for each in (new, old, text))
    indent = new[: len(new) - len(body)]
    if body.rstrip() == kept.rstrip():
        return (indent if kept else text[: len(text) - len(written)]) + written
    blanked = [at for at, (was, now) in enumerate(zip(written, kept, strict=False)) if was != now]
    end = max(blanked, default=-1) + 1
    fits = len(written) == len(kept) and body[:end] == kept[:end]
    return indent + written[:end] + body[end:] if fits else None
