"""Every page and suite says what evalguard says, to the line; and the harness itself can fail."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import reduce
from operator import or_
from pathlib import Path

import pytest

from evalguard import knowledge
from evalguard.check import Options, check_texts
from evalguard.facts import Revealed
from evalguard.finding import Confidence
from evalguard.flow import flow
from evalguard.link import link
from evalguard.lower import lower
from evalguard.rules import RULES
from evalguard.source import from_text
from literate import Case, Seen, cases, failures, pages, parse

HERE = Path(__file__).parent
FIXTURES = HERE / "fixtures"


def everything() -> list[Case]:
    return [
        case for page in pages(FIXTURES) for case in cases(page, str(page.relative_to(HERE.parent)))
    ]


def observe(texts: Mapping[str, str]) -> list[Seen]:
    result = check_texts(texts, Options(min_confidence=Confidence.POSSIBLE))
    assert not result.errors, result.errors
    return [
        Seen(
            finding.place.path,
            finding.place.line,
            "hidden" if finding.confidence is Confidence.POSSIBLE else "shown",
            finding.rule,
        )
        for finding in result.findings
    ] + revealed(texts)


def revealed(texts: Mapping[str, str]) -> list[Seen]:
    """What ``reveal_mode`` tells; of several contexts, the join."""
    if not any("reveal_mode(" in text for text in texts.values()):
        return []
    places = defaultdict(list)
    units = [lower(from_text(text, path)) for path, text in texts.items()]
    for fact in flow(link(units, knowledge.load())):
        if isinstance(fact, Revealed):
            places[fact.place.path, fact.place.line].append(fact)
    return [Seen(path, line, "revealed", joined(facts)) for (path, line), facts in places.items()]


def joined(facts: list[Revealed]) -> str:
    return Revealed(
        facts[0].place,
        mode=reduce(or_, (fact.mode for fact in facts)),
        mixed=any(fact.mixed for fact in facts),
        grad=reduce(or_, (fact.grad for fact in facts)),
    ).text


@pytest.mark.parametrize("case", everything(), ids=lambda case: f"{case.page}: {case.title}")
def test_page(case: Case) -> None:
    faults = failures(case, observe)
    assert not faults, "\n" + "\n".join(faults)


def test_marks_name_rules() -> None:
    known = {rule.name for rule in RULES}
    for case in everything():
        assert case.claimed_rules() <= known, case.page


def test_each_rule_has_a_page_and_a_suite() -> None:
    for rule in RULES:
        own = {name for page in pages(FIXTURES) if page.stem == rule.name for name in [page.name]}
        assert own == {f"{rule.name}.md"}, rule.name


PAGE = """# A page

## One

```python
a()  # error: [r]
b()
```

Text between.

```python
c()  # revealed: train | eval, no grad
```

### Two files

`trainer.py`:
```python
d()  # possible: [r]
```

```python file=lib/other.py
# not a heading
e()  # missed: [r] # false alarm: [s]
```

```console
f()  # error: [r]
```
"""


def wrong(*seen: Seen) -> list[str]:
    """The first lines of what fails on PAGE if evalguard says ``seen``."""
    return [
        fault.splitlines()[0]
        for case in parse(PAGE, "p.md")
        for fault in failures(case, lambda texts: [s for s in seen if s.path in texts])
    ]


RIGHT = (
    Seen("main.py", 6, "shown", "r"),
    Seen("main.py", 13, "revealed", "train | eval, no grad"),
    Seen("trainer.py", 20, "hidden", "r"),
    Seen("lib/other.py", 25, "shown", "s"),
)


def without(number: int) -> list[Seen]:
    return [*RIGHT[:number], *RIGHT[number + 1 :]]


def test_pages_are_split_into_cases_and_files() -> None:
    one, two = parse(PAGE, "p.md")
    assert (one.title, list(one.files)) == ("A page / One", ["main.py"])
    assert (two.title, list(two.files)) == (
        "A page / One / Two files",
        ["trainer.py", "lib/other.py"],
    )
    assert one.texts()["main.py"].splitlines()[5].startswith("a()")
    assert one.texts()["main.py"].splitlines()[12].startswith("c()")


def test_a_right_page_passes() -> None:
    assert wrong(*RIGHT) == []


def test_what_is_expected_and_not_reported_fails_with_its_source_line() -> None:
    (case, _) = parse(PAGE, "p.md")
    (fault,) = failures(case, lambda _: [RIGHT[1]])
    assert fault == "p.md:6: expected, not reported: r\n    a()  # error: [r]"


def test_a_possible_finding_is_not_an_error() -> None:
    hidden = Seen("main.py", 6, "hidden", "r")
    assert wrong(*without(0), hidden) == ["p.md:6: expected, only possible: r"]


def test_an_unmarked_line_asserts_silence() -> None:
    alarm = Seen("main.py", 7, "shown", "r")
    assert wrong(*RIGHT, alarm) == ["p.md:7: reported, not expected: r"]
    assert wrong(*RIGHT, alarm._replace(kind="hidden")) == []


def test_another_rule_on_a_marked_line_fails() -> None:
    assert wrong(*RIGHT, Seen("main.py", 6, "shown", "s")) == ["p.md:6: reported, not expected: s"]


def test_a_possible_mark_is_neither_absent_nor_shown() -> None:
    assert wrong(*without(2)) == ["p.md:20: expected as possible, not reported: r"]
    assert wrong(*without(2), RIGHT[2]._replace(kind="shown")) == [
        "p.md:20: reported, not expected: r"
    ]


def test_gaps_fail_once_cured() -> None:
    assert wrong(*RIGHT, Seen("lib/other.py", 25, "shown", "r")) == [
        "p.md:25: a known gap is cured, make the mark `error`: r"
    ]
    assert wrong(*without(3)) == ["p.md:25: a known false alarm is cured, take the mark away: s"]


def test_another_mode_than_revealed_fails() -> None:
    other = RIGHT[1]._replace(text="train")
    assert wrong(*without(1), other) == [
        "p.md:13: revealed, expected: train | eval, no grad; is: train"
    ]
    assert wrong(*without(1)) == ["p.md:13: revealed, expected: train | eval, no grad; is: nothing"]
    assert wrong(*RIGHT, other._replace(line=7)) == [
        "p.md:7: revealed, expected: no mark; is: train"
    ]
