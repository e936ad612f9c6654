"""Text in syntax newer than the running Python's → the same in older syntax, in the same places.

libcst costs a third of a second to import and some eight seconds per megabyte, so it is asked
only about texts that hold something newer at a glance, and never about one that could harm it.
"""

from __future__ import annotations

import re

from evalguard.lower.gauge import dangerous

# Each stands for syntax that a Python from 3.10 on may not know: `type` statements, type
# parameters, groups and bare tuples of exceptions, f- and t-strings, stars in subscripts and
# annotations.
_CANDIDATE = re.compile(
    r"""
    \btype [\s\\]+ \w+ \s* [\[=]
    | \b(?:def|class) [\s\\]+ \w+ \s* \[
    | \bexcept\b [^:]* [*,]
    | \b(?:r?[ft]|[ft]r) ["']
    | [\[,:] \s* \*
    """,
    re.VERBOSE | re.IGNORECASE,
)


def downgraded(text: str) -> str | None:
    """Turn text that the running Python can't parse into text that it perhaps can.

    What is newer is blanked out or replaced by something older that is as long. All else stays
    where it is: there are as many lines, and each has as many bytes in UTF-8.

    - Type parameters and stars in subscripts and annotations go.
    - ``type X = value`` becomes ``X = value``.
    - ``except*`` becomes ``except``, and ``except A, B`` becomes ``except A|B``.
    - f-strings and t-strings become their expressions: ``f"a {x} b {y:>{z}}"`` becomes, with
      blanks, ``(-(x, y, z))``. The sign is there because the value is made from its parts, as
      a string is, but holds none of them, as a tuple would. A t-string without any becomes
      ``-()``; an f-string without any stays.

    Args:
        text: Python source, with line ends of one kind.

    Returns:
        The older text, not yet known to parse; None if the text has nothing newer in it, libcst
        can't parse it either, or libcst might not survive it.
    """
    if not _CANDIDATE.search(text) or dangerous(text):
        return None
    from evalguard.lower.blanking import blanked

    older = blanked(text)
    return None if older == text else older
