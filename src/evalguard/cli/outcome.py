"""What ``check`` asks of its parts, and what they hand back."""

from __future__ import annotations

from typing import NamedTuple

from evalguard.finding import Result


class Ways(NamedTuple):
    """How to mend: also unsafely, and whether to write it or only to show it."""

    unsafe: bool
    write: bool


class Checked(NamedTuple):
    """What is found, in the end.

    ``changes`` is the diff of what would be mended; ``whole`` says that all that was to be written
    was.
    """

    result: Result
    changes: str = ""
    whole: bool = True
