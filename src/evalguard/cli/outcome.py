"""What ``check`` asks of its parts, and what they hand back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from evalguard.finding import Result
from evalguard.records import NamedTuple

if TYPE_CHECKING:
    from evalguard.suppress.baseline import Lines


class Ways(NamedTuple):
    """How to mend: also unsafely, and whether to write it or only to show it.

    ``news`` leaves out of a result what isn't to be mended, given the lines of each file.
    """

    unsafe: bool
    write: bool
    news: Callable[[Result, Lines], Result] | None = None


class Checked(NamedTuple):
    """What is found, in the end.

    ``changes`` is the diff of what would be mended; ``whole`` says that all that was to be written
    was.
    """

    result: Result
    changes: str = ""
    whole: bool = True
