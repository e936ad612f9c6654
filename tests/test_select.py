"""Which rules the words of --select and --ignore stand for."""

from __future__ import annotations

import pytest

from evalguard.rules import load
from evalguard.select import UnknownRule, choose, find

EVERY = [rule.code for rule in load()]
EG1 = [code for code in EVERY if code.startswith("EG1")]


def codes(select: str = "", ignore: str = "") -> list[str]:
    return [rule.code for rule in choose(load(), select.split(), ignore.split())]


def test_codes_are_in_order_and_unique() -> None:
    assert sorted(set(EVERY)) == EVERY
    assert [rule.name for rule in load()] == list(dict.fromkeys(rule.name for rule in load()))


@pytest.mark.parametrize(
    ("select", "ignore", "chosen"),
    [
        ("", "", EVERY),
        ("EG", "", EVERY),
        ("EG1", "", EG1),
        ("eg101", "", ["EG101"]),
        ("inference-without-eval", "", ["EG101"]),
        ("Inference_Without_Eval", "", ["EG101"]),
        ("EG401 EG101", "", ["EG101", "EG401"]),
        ("", "EG1", [code for code in EVERY if code not in EG1]),
        ("EG1", "EG101", EG1[1:]),
        ("EG101", "EG1", ["EG101"]),
        ("inference-without-eval", "EG", ["EG101"]),
        ("EG101", "inference-without-eval", []),
        ("EG1", "EG1", []),
        ("", "EG", []),
    ],
)
def test_the_longest_word_decides(select: str, ignore: str, chosen: list[str]) -> None:
    assert codes(select, ignore) == chosen


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("inference-without-evil", "; did you mean inference-without-eval"),
        ("EG191", "; did you mean EG1"),
        ("E", ""),
        ("eval", ""),
        ("EG1011", "; did you mean EG10"),
        ("xyzzy", ""),
    ],
)
def test_unknown_words_are_told_with_what_they_may_have_meant(word: str, hint: str) -> None:
    for select, ignore in ((word, ""), ("EG1", word)):
        with pytest.raises(UnknownRule) as caught:
            codes(select, ignore)
        assert str(caught.value).startswith(f"unknown rule: {word}{hint}")
        assert bool(caught.value.similar) == bool(hint)


def test_find_takes_names_and_whole_codes() -> None:
    assert find(load(), "eg101") is find(load(), "inference_without_eval") is load()[0]
    for word in ("EG1", "EG", ""):
        with pytest.raises(UnknownRule):
            find(load(), word)
