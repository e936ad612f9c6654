"""Reports, letter for letter."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.text import Text

from evalguard.finding import FileError, Result
from evalguard.repair import Action, Repair
from evalguard.report import concise, pages, terminal
from evalguard.report.words import visible
from evalguard.rule import Rule
from evalguard.rules import load
from samples import CLEAN, ERROR, MIXED, finding, lines_of, place

FULL = """\
error[EG101] inference-without-eval (certain): `net` is called for inference in train mode
 --> app/run.py:6:11
  |
3 | net = Net()
  |       ----- built here, in train mode
4 | net.train()
  | ----------- put in train mode here
5 | for x in loader:
6 |     out = net(
  |           ^^^^
7 |         x)
 ::: app/net.py:2:9
  |
2 |     drop = Dropout()  # naïve
  |            --------- drops in train mode
  = help: call `net.eval()` before

note[EG201] eval-without-no-grad (likely): gradients are recorded for nothing
 --> app/run.py:8:5
  |
7 |         x)
8 |     print(out)
  |     ^^^^^

error: app/broken.py:3:7: could not be checked: syntax error: invalid syntax

error: app/lost.py: could not be checked: can't be read: permission denied

Found 2 problems (1 error, 1 note) in 12 files; 2 files could not be checked.
"""


def shown(*lines: str, column: int = 1, end: int = 2, width: int = 120) -> list[str]:
    """The frame of a finding on the first of these lines, without header and place."""
    at = place("a.py", 1, column, end)
    result = Result((finding(at, help=""),), (), 1)
    text = terminal.render(result, lambda *_: lines, width=width, closing=False)
    return text.splitlines()[3:]


def test_full() -> None:
    assert terminal.render(MIXED, lines_of) == FULL


@pytest.mark.parametrize(
    ("safe", "closing"),
    [
        ((True,), "[*] 1 fix with --fix."),
        ((True, True, False), "[*] 2 fixes with --fix, 1 more with --fix --unsafe-fixes."),
        ((False, False), "2 fixes with --fix --unsafe-fixes."),
        ((), ""),
    ],
)
def test_full_tells_what_can_be_fixed(safe: tuple[bool, ...], closing: str) -> None:
    found = tuple(
        replace(ERROR, fix=Repair(Action.EVAL_BEFORE, ERROR.place, each)) for each in safe
    )
    text = terminal.render(Result(found, (), 1), lines_of)
    assert text.rstrip("\n").split("\n")[-1] == (closing or "No problems found in 1 file.")
    assert text.count("= help: call `net.eval()` before [*]\n") == sum(safe)


def test_full_quiet_leaves_the_closing_line_out() -> None:
    assert terminal.render(MIXED, lines_of, closing=False) == FULL[: FULL.index("\nFound")]
    assert terminal.render(CLEAN, lines_of, closing=False) == ""


def test_nothing_found() -> None:
    assert terminal.render(CLEAN, lines_of) == "No problems found in 1 file.\n"


def test_colour_adds_nothing_but_escapes() -> None:
    coloured = terminal.render(MIXED, lines_of, color=True)
    assert "\x1b[1;31merror[EG101]\x1b[0m" in coloured
    assert Text.from_ansi(coloured).plain == FULL


def test_a_gap_is_marked_and_a_gap_of_one_line_is_filled() -> None:
    lines = [f"line{number}" for number in range(1, 21)]
    at = place("a.py", 12, 1, 5)
    near, far = (place("a.py", 9, 1, 5), "near"), (place("a.py", 2, 1, 5), "far")
    text = terminal.render(Result((finding(at, near, far),), (), 1), lambda *_: lines)
    assert text.splitlines()[3:-3] == [
        " 2 | line2",
        "   | ---- far",
        "   | ...",
        " 9 | line9",
        "   | ---- near",
        "10 | line10",
        "11 | line11",
        "12 | line12",
        "   | ^^^^",
        "13 | line13",
    ]


def test_blank_lines_beside_the_place_are_left_out() -> None:
    at = place("a.py", 3, 1, 2)
    for lines in (["", "", "x", "  ", ""], ["y", "", "x"], ["", " ", "x"]):
        text = terminal.render(Result((finding(at),), (), 1), lambda *_, lines=lines: lines)
        assert text.splitlines()[3:-3] == ["3 | x", "  | ^"]


def test_carets_stand_under_what_is_seen() -> None:
    assert shown("\tf(x)", column=2, end=6) == ["1 |     f(x)", "  |     ^^^^"]
    assert shown("日本 = f(x)", column=6, end=10) == ["1 | 日本 = f(x)", "  |        ^^^^"]
    assert shown("s = '\x1b'; f(x)", column=10, end=14)[1] == "  |             ^^^^"


def test_a_place_beyond_the_line_still_has_a_caret() -> None:
    assert shown("x", column=9, end=12) == ["1 | x", "  |  ^"]


def test_long_lines_are_cut_to_show_the_place() -> None:
    line = "a" * 200 + "HERE" + "b" * 200
    source, carets = shown(line, column=201, end=205, width=60)
    assert len(source) <= 60
    assert source.startswith("1 | ...a")
    assert source.endswith("b...")
    assert carets.index("^") == source.index("HERE")
    assert carets.count("^") == 4
    (start, _) = shown(line, width=60)
    assert start == "1 | " + "a" * 53 + "..."
    (last, marks) = shown(line, column=404, end=405, width=60)
    assert last.endswith("bbb")
    assert marks.index("^") == len(last) - 1


def test_evidence_in_a_file_that_can_t_be_read_is_told_by_its_line() -> None:
    story = finding(place("a.py", 1, 1, 2), (place("gone.py", 7, 1, 2), "built here"))
    known = {"a.py": ("x",)}
    text = terminal.render(Result((story,), (), 1), lambda path, _: known.get(path, ()))
    assert " ::: gone.py:7:1\n  | line 7: built here\n" in text


def test_checked_code_can_t_speak_to_the_terminal() -> None:
    nasty = "[bold]x[/bold] \x1b]0;title\x07 :smile: \u202e \ud800"
    story = replace(finding(place(nasty, 1, 1, 2), message=nasty), help=f"{nasty}\nsecond line")
    result = Result((story,), (FileError(nasty, nasty),), 1)
    safe = r"[bold]x[/bold] \x1b]0;title\x07 :smile: \u202e \ud800"
    assert visible(nasty) == safe
    for text in (terminal.render(result, lambda *_: (nasty,)), concise.render(result)):
        assert safe in text
        assert set(text) & set("\x1b\x07\u202e\ud800") == set()
    assert f"= help: {safe} second line\n" in terminal.render(result, lambda *_: (nasty,))


def test_concise() -> None:
    assert concise.render(MIXED) == (
        "app/run.py:6:11: EG101 inference-without-eval (certain): "
        "`net` is called for inference in train mode\n"
        "app/run.py:8:5: EG201 eval-without-no-grad (likely): gradients are recorded for nothing\n"
        "app/broken.py:3:7: could not be checked: syntax error: invalid syntax\n"
        "app/lost.py: could not be checked: can't be read: permission denied\n"
    )
    assert concise.render(CLEAN) == ""


@pytest.mark.parametrize("rule", load(), ids=lambda rule: rule.name)
def test_pages_begin_with_what_a_rule_is(rule: Rule) -> None:
    text = pages.page(rule)
    assert text.startswith(f"# {rule.name} ({rule.code})\n\nSeverity: {rule.severity.word}. Since ")
    assert f"\n\n{rule.summary}\n" in text
    drawn = pages.drawn_page(rule, width=80, color=False)
    assert "Why is this bad?" in drawn
    assert max(map(len, drawn.splitlines())) <= 80


SECTIONS = ["Why is this bad?", "Example", "Use instead", "When to ignore", "Fix safety"]


@pytest.mark.parametrize("rule", load(), ids=lambda rule: rule.name)
def test_pages_have_their_sections_in_order(rule: Rule) -> None:
    titles = [line[3:] for line in rule.page.splitlines() if line.startswith("## ")]
    assert titles in (SECTIONS, [*SECTIONS, "Known limits"])


@pytest.mark.parametrize("rule", load(), ids=lambda rule: rule.name)
def test_the_code_of_a_page_is_not_wrapped_on_a_narrow_terminal(rule: Rule) -> None:
    code = [block.splitlines()[1:] for block in rule.page.split("```")[1::2]]
    lines = {line.strip() for line in pages.drawn_page(rule, width=80, color=False).splitlines()}
    assert [line for block in code for line in block if line.strip() not in lines] == []


def test_code_in_sentences_is_told_apart_without_colour() -> None:
    (rule,) = (rule for rule in load() if rule.name == "grad-mode-leak")
    assert "`backward()` raises" in pages.drawn_page(rule, width=80, color=False)
    assert "`backward()`" not in pages.drawn_page(rule, width=80, color=True)


def test_the_table_names_every_rule_on_a_narrow_terminal() -> None:
    text = pages.table(load(), width=80, color=False)
    for rule in load():
        assert any(
            line.startswith(f"{rule.code}  {rule.name} ") and f" {rule.severity.word} " in line
            for line in text.splitlines()
        )
