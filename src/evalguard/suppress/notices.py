"""The two findings that are about comments, not about the program: their pages.

They are declared as rules are, so that reports and ``evalguard rule`` know them; no fact is asked.
"""

from __future__ import annotations

from collections.abc import Iterator

from evalguard.facts import Fact
from evalguard.finding import Severity
from evalguard.rule import Rule, Verdict

UNUSED_PAGE = """\
A comment that ignores findings, and there are none.

## Why is this bad?
The defect is mended, or the rule no longer finds it. What the comment goes on to hide is the next
one.

## Example
```python
total = 1  # evalguard: ignore[frozen-in-train]
```

## Use instead
```python
total = 1
```

It is told with `--warn-unused-ignores`. A word is only judged if all rules that it stands for ran.
"""

INVALID_PAGE = """\
A comment that is meant to ignore findings, and can't.

## Why is this bad?
It names a rule that doesn't exist, its brackets are empty or not closed, or the rules stand
outside of them. What it is about is reported all the same.

## Example
```python
out = net(x)  # evalguard: ignore[frozen-in-trian]
```

## Use instead
```python
out = net(x)  # evalguard: ignore[frozen-in-train] the backbone was never trained
```
"""


def _never(_fact: Fact) -> Iterator[Verdict]:
    return iter(())


UNUSED = Rule("EG001", "unused-ignore", Severity.WARNING, "0.1.0", UNUSED_PAGE, Fact, _never)
INVALID = Rule("EG002", "invalid-ignore", Severity.WARNING, "0.1.0", INVALID_PAGE, Fact, _never)
NOTICES = (UNUSED, INVALID)
CODES = frozenset(notice.code for notice in NOTICES)
