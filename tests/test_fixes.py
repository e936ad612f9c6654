"""Fixes: what becomes of programs, and the laws that all of them keep."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalguard.check import Options, check_texts
from evalguard.finding import Confidence, Finding, Result
from evalguard.fix.mending import Mended, mend
from evalguard.fix.planning import plan
from literate import Case, cases, pages

FIXTURES = Path(__file__).parent / "fixtures"
UNSAFE = "(unsafe)"
SWITCH = re.compile(r"\w+\.(train|eval)\(\)|with torch\.no_grad\(\):")


class Desk:
    """Programs that are on no disk."""

    def __init__(self, texts: Mapping[str, str], options: Options = Options()) -> None:  # noqa: B008 (frozen)
        self.texts = texts
        self.options = options

    def check(self, drafts: Mapping[str, str]) -> Result:
        return check_texts({**self.texts, **drafts}, self.options)

    def text(self, path: str) -> str | None:
        return self.texts.get(path)


def every(_: Finding) -> bool:
    return True


def mended(texts: Mapping[str, str], unsafe: bool = True) -> tuple[Result, Mended]:
    desk = Desk(texts)
    before = desk.check({})
    return before, mend(desk, before, every, unsafe)


# What becomes of programs.


class Change(NamedTuple):
    title: str
    before: str
    after: str


def _changes(page: Path) -> list[Change]:
    """A case's first fence, and its second if there is one."""
    found = []
    trail: list[str] = []
    for section in page.read_text(encoding="utf-8").split("\n#")[1:]:
        head, _, rest = section.partition("\n")
        level = len(head) - len(head.lstrip("#"))
        trail = [*trail[: level - 1], head.strip("# ")]
        fences = [part.partition("\n```")[0] for part in rest.split("```python\n")[1:]]
        if fences:
            found.append(Change(" / ".join(trail), f"{fences[0]}\n", f"{fences[-1]}\n"))
    return found


CHANGES = [
    change for page in sorted((FIXTURES / "fixes").glob("*.md")) for change in _changes(page)
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.title)
def test_what_becomes_of_a_program(change: Change) -> None:
    unsafe = UNSAFE in change.title
    _, outcome = mended({"main.py": change.before}, unsafe)
    assert outcome.drafts.get("main.py", change.before) == change.after


def test_there_are_programs_to_change() -> None:
    assert len(CHANGES) > 30
    assert sum(change.before == change.after for change in CHANGES) > 10


# Laws.


def _programs() -> list[Case]:
    rules = [
        page for page in pages(FIXTURES) if page.suffix == ".py" or page.parent.name == "rules"
    ]
    return [case for page in rules for case in cases(page)]


def _plain(case: Case) -> dict[str, str]:
    """A case's files without the marks of what is reported."""
    return {
        path: "".join(f"{line.partition('  # ')[0]}\n" for line in lines)
        for path, lines in case.files.items()
    }


def _assert_laws(texts: Mapping[str, str], before: Result, outcome: Mended) -> None:
    doubted = check_texts(texts, Options(min_confidence=Confidence.POSSIBLE)).findings
    for path, text in outcome.drafts.items():
        ast.parse(text)
        old, new = (Counter(map(str.strip, each.split("\n"))) for each in (texts[path], text))
        spans = [item.place.span for item in doubted if item.place.path == path]
        assert {line for line in old - new if not SWITCH.fullmatch(line)} <= {
            texts[path].split("\n")[number - 1].strip()
            for span in spans
            for number in range(span.line, span.end_line + 1)
        }
    now = check_texts({**texts, **outcome.drafts})
    assert now.errors == before.errors
    assert _rules(now) <= _rules(before) - Counter(item.rule for item in outcome.fixed)
    again = mend(Desk({**texts, **outcome.drafts}), now, every, unsafe=True)
    assert again.drafts == {}


def _rules(result: Result) -> Counter[str]:
    return Counter(finding.rule for finding in result.findings)


@pytest.mark.parametrize("case", _programs(), ids=lambda case: f"{case.page}: {case.title}")
def test_laws(case: Case) -> None:
    texts = _plain(case)
    before, outcome = mended(texts)
    if outcome.drafts:
        _assert_laws(texts, before, outcome)


CALLS = (
    "F.dropout({x})",
    "F.dropout({x}, 0.2)",
    "F.dropout(\n{i}    {x},\n{i}    0.2,  # rate\n{i})",
    "F.dropout({x}, p=0.3, training=True)",
    "nn.Dropout(0.1)({x})",
    "F.relu({x})",
    "self.body({x})",
)


@st.composite
def programs(draw: st.DrawFn) -> str:
    """A network and its training, with faults here and there, in someone's own style."""
    indent = draw(st.sampled_from(["    ", "  ", "\t"]))
    steps = draw(st.lists(st.sampled_from(CALLS), min_size=1, max_size=4))
    notes = draw(st.lists(st.sampled_from(["", "  # note", "  # naïve ☃"]), min_size=4, max_size=4))
    lines = [f"x = {step.format(x='x', i=indent * 2)}" for step in steps]
    body = "\n".join(f"{indent * 2}{line}" for line in lines)
    switch = draw(
        st.sampled_from(["net.eval", "net.training = False", "net.eval()", "net.train()"])
    )
    override = draw(
        st.sampled_from(
            ["", f"{indent}def train(self, mode=True):\n{indent * 2}super().train(mode)\n\n"]
        )
    )
    held = draw(st.sampled_from(["nn.Dropout(0.5)", "[nn.Dropout(0.5), nn.Linear(8, 8)]"]))
    return (
        f"import torch{notes[0]}\nimport torch.nn.functional as F\nfrom torch import nn\n\n\n"
        f"class Net(nn.Module):\n{indent}def __init__(self):\n{indent * 2}super().__init__()\n"
        f"{indent * 2}self.body = nn.Linear(8, 8){notes[1]}\n{indent * 2}self.held = {held}\n\n"
        f"{override}{indent}def forward(self, x):\n{body}{notes[2]}\n{indent * 2}return x\n\n\n"
        f"net = Net()\nnet.load_state_dict(torch.load('net.pt'))\n{switch}{notes[3]}\n"
        f"for x in torch.load('x.pt'):\n{indent}print(net(x).argmax(1).tolist())\n"
    )


@settings(max_examples=10, deadline=None, derandomize=True, database=None)
@given(programs())
def test_laws_of_generated_programs(text: str) -> None:
    texts = {"main.py": text}
    before, outcome = mended(texts)
    _assert_laws(texts, before, outcome)


# How fixes are taken.


def test_a_fix_that_brings_another_finding_is_not_taken() -> None:
    class Stubborn(Desk):
        def check(self, drafts: Mapping[str, str]) -> Result:
            text = drafts.get("main.py", self.texts["main.py"])
            return super().check({"main.py": text.replace("net.eval()", "net.eval")})

    desk = Stubborn({"main.py": PLAIN})
    before = desk.check({})
    outcome = mend(desk, before, every, unsafe=True)
    assert outcome.drafts == {}
    assert outcome.failed == before.findings
    assert outcome.fixed == ()


PLAIN = """\
from torch import nn

net = nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.5))
net.eval
"""


def test_one_bad_fix_does_not_keep_the_others() -> None:
    bad = PLAIN.replace("net.eval", "net.eval  # bad")

    class Partly(Desk):
        def check(self, drafts: Mapping[str, str]) -> Result:
            texts = {**self.texts, **drafts}
            texts = {path: text.replace("()  # bad", "  # bad") for path, text in texts.items()}
            return check_texts(texts)

    desk = Partly({"a.py": PLAIN, "b.py": bad, "c.py": PLAIN})
    outcome = mend(desk, desk.check({}), every, unsafe=True)
    assert sorted(outcome.drafts) == ["a.py", "c.py"]
    assert [finding.place.path for finding in outcome.failed] == ["b.py"]


def test_only_what_is_wanted_is_mended() -> None:
    text = PLAIN + "net.training = False\n"
    desk = Desk({"main.py": text})
    before = desk.check({})
    outcome = mend(desk, before, lambda finding: finding.rule == "attr-without-call", unsafe=True)
    assert outcome.drafts == {"main.py": text.replace("net.eval\n", "net.eval()\n")}


@pytest.mark.parametrize("line", [f"x = {'-' * 400}1\n", "for*x in [[1]]: pass\n"])
def test_what_libcst_might_not_survive_or_does_not_read_has_no_fix(line: str) -> None:
    text = PLAIN + line
    findings = check_texts({"main.py": text}).findings
    assert [finding.rule for finding in findings] == ["attr-without-call"]
    assert plan(text, findings) == ()
