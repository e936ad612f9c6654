"""The front door, with stages that do what a test tells them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from evalguard import judging
from evalguard.check import Options, check_paths, check_source, check_texts
from evalguard.events import Unit
from evalguard.facts import Fact, Forward, Step
from evalguard.finding import Confidence, Evidence, FileError, Result, Severity
from evalguard.lower import lower
from evalguard.rule import Rule, Verdict
from evalguard.rules import judge
from evalguard.select import UnknownRule
from evalguard.source import Source
from samples import place


def verdicts(fact: Fact) -> Iterator[Verdict]:
    """Say of a fact how sure its function's name is."""
    yield Verdict(fact.place, f"in {fact.function}", Confidence[fact.function.upper()])


RULE = Rule("EG999", "test-rule", Severity.WARNING, "0", "A page.", Fact, verdicts)
OTHER = Rule("EG998", "other-rule", Severity.NOTE, "0", "A page.", Forward, verdicts)


def fact(path: str, line: int, function: str = "certain") -> Fact:
    return Fact(place(path, line, 1, 2), function)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Fact]:
    """Facts that the flow stage will tell of any program."""
    facts: list[Fact] = []
    monkeypatch.setattr(judging, "load", lambda: (RULE, OTHER))
    monkeypatch.setattr(judging, "flow", lambda _: tuple(facts))
    return facts


def found(result: Result) -> list[tuple[str, int, str]]:
    return [(item.place.path, item.place.line, item.message) for item in result.findings]


def test_texts_are_one_program(seen: list[Fact], monkeypatch: pytest.MonkeyPatch) -> None:
    linked: list[str] = []

    def link(units: tuple[Unit, ...], _: object, **__: object) -> None:
        linked.extend(unit.path for unit in units)

    monkeypatch.setattr(judging, "link", link)
    seen.append(fact("b.py", 1))
    result = check_texts({"a.py": "x = 1\n", "b.py": "import a\n"})
    assert linked == ["a.py", "b.py"]
    assert found(result) == [("b.py", 1, "in certain")]
    assert (result.files, result.errors) == (2, ())


def test_only_what_is_sure_enough_is_kept(seen: list[Fact]) -> None:
    seen += [fact("a.py", 1, "possible"), fact("a.py", 2, "likely"), fact("a.py", 3, "certain")]
    for least, lines in (
        (Confidence.POSSIBLE, [1, 2, 3]),
        (Confidence.LIKELY, [2, 3]),
        (Confidence.CERTAIN, [3]),
    ):
        result = check_source("", "a.py", Options(min_confidence=least))
        assert [item.place.line for item in result.findings] == lines
    assert len(check_source("", "a.py").findings) == 2


def test_only_the_files_asked_for_are_shown(seen: list[Fact]) -> None:
    seen += [fact("a.py", 1), fact("context.py", 1)]
    assert found(check_source("", "a.py")) == [("a.py", 1, "in certain")]


def test_selection_reaches_the_rules(seen: list[Fact]) -> None:
    seen.append(fact("<string>", 1))
    assert check_source("", options=Options(select=("EG999",))).findings
    assert not check_source("", options=Options(ignore=("test-rule",))).findings
    with pytest.raises(UnknownRule):
        check_source("", options=Options(select=("EG1",)))


def test_a_text_that_can_t_be_checked_is_an_error(seen: list[Fact]) -> None:
    seen.append(fact("good.py", 1))
    result = check_texts({"good.py": "x = 1\n", "null.py": "x\0", "bad.py": "x = (\n"})
    assert result.files == 1
    assert len(result.findings) == 1
    null, bad = result.errors
    assert null == FileError("null.py", "holds a null character", 1, 2)
    assert (bad.path, bad.line) == ("bad.py", 1)
    assert bad.reason.startswith("syntax error: ")


def test_a_stage_that_runs_out_of_stack_is_an_error_of_its_file(
    seen: list[Fact], monkeypatch: pytest.MonkeyPatch
) -> None:
    def deep(source: Source) -> Unit:
        if source.path == "deep.py":
            raise RecursionError
        return lower(source)

    monkeypatch.setattr(judging, "lower", deep)
    seen.append(fact("a.py", 1))
    result = check_texts({"deep.py": "", "a.py": ""})
    assert result.errors == (FileError("deep.py", "nested too deeply to be checked"),)
    assert len(result.findings) == 1


def test_files_are_read_in_order_and_watched(seen: list[Fact], tmp_path: Path) -> None:
    watched: list[str] = []

    def progress(paths: Sequence[str]) -> Iterator[str]:
        for path in paths:
            watched.append(path)
            yield path

    names = [str(tmp_path / name) for name in ("a.py", "b.py", "c.py")]
    for name in names:
        Path(name).write_text("import torch\n")
    Path(names[1]).write_bytes(b"\xff")
    seen.append(fact(names[2], 1))
    result = check_paths([str(tmp_path)], progress=progress)
    assert watched == names
    assert [error.path for error in result.errors] == [names[1]]
    assert found(result) == [(names[2], 1, "in certain")]
    assert result.files == 2


def test_of_findings_at_one_place_the_surest_is_kept() -> None:
    facts = [fact("a.py", 3, name) for name in ("likely", "certain", "possible")]
    (kept,) = judge(facts, (RULE,))
    assert kept.confidence is Confidence.CERTAIN
    assert judge(reversed(facts), (RULE,)) == (kept,)


def test_of_equally_sure_findings_the_same_is_kept_whatever_the_order() -> None:
    at = place("a.py", 3, 1, 2)

    def story(fact: Fact) -> Iterator[Verdict]:
        yield Verdict(at, "m", Confidence.CERTAIN, (Evidence(fact.place, fact.function),))

    rule = replace(RULE, check=story)
    facts = [fact("a.py", 1, "one"), fact("a.py", 2, "two"), fact("a.py", 2, "three")]
    (kept,) = judge(facts, (rule,))
    assert judge(reversed(facts), (rule,)) == (kept,)


def told_by(*callers: tuple[int, str]) -> list[str]:
    """What a finding tells that is made for several callers: line of the call, how sure."""
    at = place("a.py", 90, 1, 2)

    def story(fact: Fact) -> Iterator[Verdict]:
        evidence = (
            Evidence(place("b.py", 1, 1, 2), "built"),
            Evidence(fact.calls[-1].place, "called"),
        )
        yield Verdict(at, "m", Confidence[fact.function.upper()], evidence)

    facts = [Fact(at, sure, (Step("f", place("a.py", line, 1, 2)),)) for line, sure in callers]
    (kept,) = judge(facts, (replace(RULE, check=story),))
    return [f"{item.place.line} {item.message}" for item in kept.evidence]


def test_a_finding_tells_of_its_other_callers() -> None:
    told = told_by((10, "likely"), (20, "certain"), (30, "possible"), (20, "certain"))
    assert told == ["1 built", "20 called", "10 for another caller: called"]


def test_a_finding_tells_of_a_few_callers_only() -> None:
    told = told_by(*[(line, "certain") for line in range(10, 20)])
    assert told[2:] == [f"{line} for another caller: called" for line in (18, 17, 16)]


def test_findings_are_in_the_order_of_their_places() -> None:
    facts = [Forward(place("b.py", 1, 1, 2), "certain"), fact("a.py", 10), fact("a.py", 9)]
    findings = judge(facts, (RULE, OTHER))
    assert [(item.place.path, item.place.line, item.code) for item in findings] == [
        ("a.py", 9, "EG999"),
        ("a.py", 10, "EG999"),
        ("b.py", 1, "EG998"),
        ("b.py", 1, "EG999"),
    ]


def test_a_rule_is_asked_about_its_own_kind_of_fact_only() -> None:
    assert judge([fact("a.py", 1)], (OTHER,)) == ()
