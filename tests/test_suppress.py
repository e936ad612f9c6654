"""Comments against findings: where they count, what they name, and how they are written."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalguard import cli
from evalguard.check import Options, check_source, check_texts
from evalguard.finding import Confidence, Finding
from evalguard.places import Place, Span
from evalguard.rules import load
from evalguard.suppress import may_be_told, may_speak
from evalguard.suppress.comments import heard
from evalguard.suppress.writing import with_ignores, without_ignores
from literate import Case, cases, pages
from samples import finding, place

FIXTURES = Path(__file__).parent / "fixtures"
HEAD = """\
import torch
from torch import nn

net = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5))
net.train()
"""
RULE = "no-grad-instead-of-eval"
LOUD = Options(warn_unused_ignores=True)


def told(body: str, options: Options = LOUD) -> list[str]:
    """What is found after HEAD, by line from 1 and rule."""
    result = check_source(HEAD + body, "x.py", options)
    assert not result.errors
    return [f"{item.place.line - 5} {item.rule}" for item in result.findings]


def messages(body: str, options: Options = LOUD) -> list[str]:
    return [item.message for item in check_source(HEAD + body, "x.py", options).findings]


CALL = "with torch.no_grad():\n    print(net(torch.zeros(4)).argmax())"


def test_without_comments_it_is_found() -> None:
    assert told(CALL) == [f"2 {RULE}"]


@pytest.mark.parametrize(
    "comment",
    [
        "# evalguard: ignore",
        "# evalguard: ignore with a reason",
        f"# evalguard: ignore[{RULE}]",
        "# evalguard: ignore[no_grad_instead_of_eval]",
        "# evalguard: ignore[EG102]",
        "# evalguard: ignore[eg102] because",
        "# evalguard: ignore[ EG1 ]",
        "#evalguard:ignore[EG102]",
        "# evalguard : ignore [EG102]",
        "# Evalguard is wrong  # evalguard: ignore[EG102]",
        "# type: ignore[x] # evalguard: ignore[EG102] # noqa: E501",
        "# noqa",
        "# NOQA: EG102",
        "#noqa:EG102",
        "# noqa : E501,EG102",
        "# noqa: E501 EG102 for now",
        "# evalguard: ignore-file",
        "# evalguard: ignore-file[EG102] old code",
    ],
)
def test_what_silences(comment: str) -> None:
    assert told(f"{CALL}  {comment}\n") == []


@pytest.mark.parametrize(
    "comment",
    [
        "# noqa: E501",
        "# noqa: this is fine",
        "# noqabc",
        "# see `# evalguard: ignore`",
        "# evalguard:",
        "# evalguard: it is right to ignore this",
        "# not evalguard: ignore",
        "# ruff: noqa",
    ],
)
def test_what_says_nothing_to_evalguard(comment: str) -> None:
    assert told(f"{CALL}  {comment}\n") == [f"2 {RULE}"]


def test_strings_are_no_comments() -> None:
    assert told(f'{CALL}; x = "# evalguard: ignore"\n') == [f"2 {RULE}"]
    assert told(f'"""\n# evalguard: ignore-file\n"""\n{CALL}\n') == [f"5 {RULE}"]


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("x = [  # {}\n    net(torch.zeros(4)).argmax(),\n    1,\n]\n", True),
        ("x = [\n    net(torch.zeros(4)).argmax(),  # {}\n    1,\n]\n", True),
        ("x = [\n    net(torch.zeros(4)).argmax(),\n    1,  # {}\n]\n", False),
        ("x = [\n    net(torch.zeros(4)).argmax(),\n    1,\n]  # {}\n", True),
        ("x = net(\n    torch.zeros(4)\n).argmax()  # {}\n", True),
        ("x = net(  # {}\n    torch.zeros(4)\n).argmax()\n", True),
        ("x = 1 + \\\n    net(torch.zeros(4)).argmax()  # {}\n", True),
        ("x = net(torch.zeros(4)).argmax() + \\\n    1  # {}\n", True),
        ("x = (net(torch.zeros(4)).argmax(), '''\n''')  # {}\n", True),
        ("# {}\nx = net(torch.zeros(4)).argmax()\n", False),
        ("x = net(torch.zeros(4)).argmax()\n# {}\n", False),
        ("if net(torch.zeros(4)).argmax():  # {}\n    x = 1\n", True),
        ("if net(torch.zeros(4)).argmax():\n    x = 1  # {}\n", False),
        ("for x in (  # {}\n    net(torch.zeros(4)).argmax(),\n):\n    y = 1\n", True),
        ("if True: x = net(torch.zeros(4)).argmax()  # {}\n", True),
        ("y = 1; x = net(torch.zeros(4)).argmax()  # {}\n", True),
    ],
)
def test_the_lines_on_which_a_comment_counts(body: str, lines: bool) -> None:
    body = "".join(
        f"    {line}\n" for line in body.format(f"evalguard: ignore[{RULE}]").splitlines()
    )
    assert (RULE not in "".join(told(f"with torch.no_grad():\n{body}"))) is lines


DECORATED = """\
@torch.no_grad(){}
@staticmethod{}
def train(x):{}
    loss = net(x).sum(){}
    loss.backward()
"""


@pytest.mark.parametrize(("line", "silent"), [(0, True), (1, False), (2, True), (3, False)])
def test_decorators_belong_to_what_they_decorate(line: int, silent: bool) -> None:
    comments = ["  # evalguard: ignore" if index == line else "" for index in range(4)]
    text = DECORATED.format(*comments)
    kept = heard([finding(place("x.py", 1, 1, 10))], {"x.py": text}, load(), ()).kept
    assert (not kept) is silent
    kept = heard([finding(place("x.py", 3, 5, 10))], {"x.py": text}, load(), ()).kept
    assert (not kept) is silent


def test_what_is_of_no_use_is_told_if_asked() -> None:
    idle = f"x = 1  # evalguard: ignore[{RULE}]\n"
    assert told(idle) == ["1 unused-ignore"]
    assert told(idle, Options()) == []
    assert told("x = 1  # evalguard: ignore\n") == ["1 unused-ignore"]
    assert told("# evalguard: ignore-file[EG3]\n") == ["1 unused-ignore"]
    assert told("# noqa: EG301, E501\n") == ["1 unused-ignore"]
    assert told("# noqa: E501\nx = 1  # noqa\n") == []
    assert messages(f"{CALL}  # evalguard: ignore[EG102, frozen-in-train]\n") == [
        "no `frozen-in-train` that is found is ignored here"
    ]


def test_what_rules_that_didn_t_run_might_find_isn_t_called_unused() -> None:
    body = f"x = 1  # evalguard: ignore[{RULE}]\nx = 1  # evalguard: ignore\n"
    assert told(body) == ["1 unused-ignore", "2 unused-ignore"]
    assert told(body, Options(select=("EG2",), warn_unused_ignores=True)) == []
    assert told(body, Options(select=("EG1",), warn_unused_ignores=True)) == ["1 unused-ignore"]


def test_what_is_not_sure_enough_to_be_shown_can_be_ignored() -> None:
    certain = Options(min_confidence=Confidence.CERTAIN, warn_unused_ignores=True)
    body = "import zoo\n\nnet = zoo.net()\nnet.train()\n" + CALL
    assert told(body, Options()) == [f"6 {RULE}"]
    assert told(body, certain) == []
    assert told(f"{body}  # evalguard: ignore[{RULE}]\n", certain) == []


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        ("ignore[frozen-in-trian]", "names an unknown rule: frozen-in-trian; did you mean frozen-"),
        ("ignore[EG102, zzz]", "names an unknown rule: zzz"),
        ("ignroe[EG102]", "unknown word: ignroe; did you mean ignore?"),
        ("ignore-files", "unknown word: ignore-files; did you mean ignore-file?"),
        ("ignore[EG102", "its bracket isn't closed"),
        ("ignore[]", "its brackets are empty"),
        ("ignore EG102", "rules stand in brackets: ignore[EG102]"),
        ("ignore-file EG102 here", "rules stand in brackets: ignore[EG102]"),
    ],
)
def test_what_is_wrong_with_a_comment_is_always_told(comment: str, message: str) -> None:
    result = check_source(f"{HEAD}x = 1  # evalguard: {comment}\n", "x.py")
    (notice,) = result.findings
    assert (notice.code, notice.rule) == ("EG002", "invalid-ignore")
    assert message in notice.message


def test_a_faulty_comment_silences_nothing() -> None:
    for comment in ("ignore[EG102", "ignore EG102", "ignore[]", "ignroe"):
        assert f"2 {RULE}" in told(f"{CALL}  # evalguard: {comment}\n")


def test_comments_can_t_silence_what_is_told_of_comments() -> None:
    assert told("x = 1  # evalguard: ignore[EG3] # noqa\n") == ["1 unused-ignore"]


def test_files_that_can_t_be_checked_are_asked_for_nothing() -> None:
    result = check_source("x = (  # evalguard: ignore[zzz]\n", "x.py", LOUD)
    assert (len(result.errors), result.findings) == (1, ())


def test_places_of_comments() -> None:
    text = "é = 1  # é # evalguard: ignore[EG3, EG1] why # fmt: skip\n"
    one, other = check_source(text, "x.py", LOUD).findings
    shown = [text[at.column - 1 : at.end_column - 1] for at in (one.place.span, other.place.span)]
    assert shown == ["EG3", "EG1"]
    (bare,) = check_source("x = 1  # evalguard: ignore why # fmt: skip\n", "x.py", LOUD).findings
    assert bare.place.span == Span(1, 8, 1, 31)


@pytest.mark.parametrize("word", ["EG001", "unused-ignore", "EG002", "invalid-ignore"])
def test_they_have_pages(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["rule", word]) == 0
    assert "## Why is this bad?" in capsys.readouterr().out


def test_whole_files_may_be_spared_them() -> None:
    spared = Options(warn_unused_ignores=True, per_file_ignores={"x.py": ("EG",)})
    assert told("x = 1  # evalguard: ignore[zzz]\n", spared) == []


# Writing them


def added(text: str, *spans: Span, rule: str = "frozen-in-train") -> str:
    return with_ignores(text, [finding(Place("x.py", span), rule=rule) for span in spans])


ONE = Span(1, 1, 1, 2)
IGNORED = "# evalguard: ignore[frozen-in-train]"


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("f(x)", f"f(x)  {IGNORED}"),
        ("f(x)  \t\n", f"f(x)  {IGNORED}\n"),
        ("f(x)  # TODO\n", f"f(x)  # TODO  {IGNORED}\n"),
        ("f(x)#x\n", f"f(x)#x  {IGNORED}\n"),
        (
            "f(x)  # evalguard: ignore[EG1] why # fmt: skip\n",
            "f(x)  # evalguard: ignore[EG1, frozen-in-train] why # fmt: skip\n",
        ),
        ("f(x)  # evalguard: ignore[EG1\n", f"f(x)  # evalguard: ignore[EG1  {IGNORED}\n"),
        ("f(x)  # noqa: E501\n", f"f(x)  # noqa: E501  {IGNORED}\n"),
        ("f(\n    x\n)\n", f"f(  {IGNORED}\n    x\n)\n"),
        ("f(x) + \\\n    1\ny\n", f"f(x) + \\\n    1  {IGNORED}\ny\n"),
        ("f(x, '''\n#''')\ny\n", f"f(x, '''\n#''')  {IGNORED}\ny\n"),
        ("f(x, f'''\n{y}\n''', z)", f"f(x, f'''\n{{y}}\n''', z)  {IGNORED}"),
        ("f(x, f'''{\ny\n}''', z)", f"f(x, f'''{{\ny\n}}''', z)  {IGNORED}"),
        ("f(x); g('\\\n')\n", f"f(x); g('\\\n')  {IGNORED}\n"),
    ],
)
def test_where_a_comment_is_put(text: str, after: str) -> None:
    assert added(text, ONE) == after


def test_several_findings_share_a_comment() -> None:
    text = "f(x) + \\\n  g(y)\n"
    findings = [
        finding(place("x.py", 1, 1, 2), rule="train-in-eval"),
        finding(place("x.py", 2, 3, 4), rule="frozen-in-train"),
        finding(place("x.py", 2, 3, 4), rule="frozen-in-train"),
    ]
    ignored = "# evalguard: ignore[frozen-in-train, train-in-eval]"
    assert with_ignores(text, findings) == f"f(x) + \\\n  g(y)  {ignored}\n"


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("x = 1  # evalguard: ignore\n", "x = 1\n"),
        ("x = 1  # evalguard: ignore[EG3] why\n", "x = 1\n"),
        ("x = 1  # evalguard: ignore[EG3] why  # fmt: skip\n", "x = 1  # fmt: skip\n"),
        ("x = 1  # a  # evalguard: ignore[EG3]  # b\n", "x = 1  # a  # b\n"),
        ("x = 1  # noqa: EG301\n", "x = 1\n"),
        ("x = 1  # noqa: E501, EG301 why\n", "x = 1  # noqa: E501 why\n"),
        ("x = 1  # noqa: EG301,E501\n", "x = 1  # noqa: E501\n"),
        ("x = 1  # noqa: E501 EG301 W1\n", "x = 1  # noqa: E501 W1\n"),
        ("if x:\n    # evalguard: ignore\n    y\n", "if x:\n    y\n"),
        ("if x:\n    # evalguard: ignore # noqa\n    y\n", "if x:\n    # noqa\n    y\n"),
        ("# evalguard: ignore-file[EG3, EG2]\nx = 1\n", "x = 1\n"),
        ("x = 1  # evalguard: ignore[ EG3 ] # noqa: EG2\n", "x = 1\n"),
        ("x = 1  # evalguard: ignore[zzz, EG3]\n", "x = 1  # evalguard: ignore[zzz]\n"),
        ("x = '# evalguard: ignore'\n", "x = '# evalguard: ignore'\n"),
    ],
)
def test_what_is_of_no_use_is_taken_away(text: str, after: str) -> None:
    assert without_ignores(text, check_source(text, "x.py", LOUD).findings) == after


def test_only_the_idle_word_is_taken_away() -> None:
    for words, left in (
        ("EG3, EG102, EG2", "EG102"),
        ("EG102,EG3", "EG102"),
        ("EG3,EG102", "EG102"),
        (" EG3 , EG102 ", " EG102 "),
    ):
        text = f"{HEAD}{CALL}  # evalguard: ignore[{words}] why\n"
        after = without_ignores(text, check_source(text, "x.py", LOUD).findings)
        assert after == f"{HEAD}{CALL}  # evalguard: ignore[{left}] why\n"


def everything() -> list[Case]:
    return [case for page in pages(FIXTURES) for case in cases(page)]


POSSIBLE = Options(min_confidence=Confidence.POSSIBLE)


@pytest.mark.parametrize("case", everything(), ids=lambda case: f"{case.page}: {case.title}")
def test_what_is_ignored_is_found_no_more(case: Case) -> None:
    """Comments at all findings silence these and nothing else, and come off without a trace."""
    texts = case.texts()
    found = check_texts(texts, POSSIBLE).findings
    if not found:
        return
    silent = {
        path: with_ignores(text, (each for each in found if each.place.path == path))
        for path, text in texts.items()
    }
    assert (
        check_texts(
            silent, Options(min_confidence=Confidence.POSSIBLE, warn_unused_ignores=True)
        ).findings
        == ()
    )
    assert {path: ast.dump(ast.parse(text)) for path, text in silent.items()} == {
        path: ast.dump(ast.parse(text)) for path, text in texts.items()
    }
    idle = heard((), silent, load(), load()).unused
    again = {
        path: without_ignores(text, (each for each in idle if each.place.path == path))
        for path, text in silent.items()
    }
    assert again == texts


PIECES = st.sampled_from(
    [
        "f(a)\n",
        "f(a, '''\n# x\n''', b) + \\\n  c\n",
        "g(f'''\n{a}{\nb}''')\n",
        "@d(\n  a)\n@e\ndef f(\n  x=a,\n): return a\n",
        "if a: b(  # noqa\n  c)\n",
        "x = [\n  a,  # evalguard: ignore[EG3]\n\n  b\n]  # x\n",
        "class A(\n  B): a = '\\\n'; b(c)\n",
        "\n# evalguard: ignore[EG101]\n",
        "for a in b:\n\tc(a)\n\td()\n",
        "x = {\n 'a': f(b)} ; \\\ny = 1\n",
        'f(a)(b"""\r\n""")\n',
        "async def h():\n  await f(a)\n",
        "f(\x0ca)\n",
    ]
)


@given(pieces=st.lists(PIECES, min_size=1, max_size=4), end=st.booleans(), data=st.data())
@settings(max_examples=300, deadline=None)
def test_any_name_can_be_ignored(pieces: list[str], end: bool, data: st.DataObject) -> None:
    text = "".join(pieces).replace("\r\n", "\n")
    text = text if end else text.removesuffix("\n")
    names = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)]
    if not names:
        return
    chosen = data.draw(st.lists(st.sampled_from(names), max_size=4))
    found = [_at(node) for node in chosen]
    after = with_ignores(text, found)
    assert heard(found, {"x.py": after}, load(), ()).kept == ()
    assert ast.dump(ast.parse(after)) == ast.dump(ast.parse(text))
    assert heard(found, {"x.py": after}, load(), ()).invalid == ()
    assert with_ignores(after, ()) == after


def _at(node: ast.Name) -> Finding:
    assert node.end_col_offset is not None
    columns = node.col_offset + 1, node.end_col_offset + 1
    return finding(place("x.py", node.lineno, *columns), rule="frozen-in-train", code="EG105")


def test_the_cheap_look_misses_nothing() -> None:
    assert may_speak("x = 1  # NoQA")
    assert may_speak("x = 1  # noqa: E501, EG301")
    assert may_speak("# evalguard: ignore")
    assert not may_speak("x = 1  # noqa: E501")
    assert not may_speak("x = 1")


def test_what_is_told_where_nothing_is_found() -> None:
    assert may_be_told("x = 1  # noqa: E501, EG301")
    assert may_be_told("# evalguard: ignore")
    assert not may_be_told("x = 1  # noqa")


# The command


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_command_writes_them(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = f"# -*- coding: latin-1 -*-\r\n# \xe9\r\n{HEAD}{CALL}".replace("\n", "\r\n")
    data = text.replace("\r\r", "\r").encode("latin-1")
    (here / "x.py").write_bytes(data)
    (here / "x.py").chmod(0o755)
    (here / "y.py").write_text("x = 1\n")
    assert cli.main(["check"]) == 1
    capsys.readouterr()
    assert cli.main(["check", "--add-ignores"]) == 0
    assert capsys.readouterr() == ("", "evalguard: 1 problem ignored in 1 file\n")
    assert (here / "x.py").read_bytes() == data + f"  # evalguard: ignore[{RULE}]".encode()
    assert (here / "x.py").stat().st_mode & 0o777 == 0o755
    assert sorted(path.name for path in here.iterdir()) == ["x.py", "y.py"]
    assert cli.main(["check", "--warn-unused-ignores"]) == 0


def test_a_mark_of_the_byte_order_stays(here: Path) -> None:
    data = b"\xef\xbb\xbf" + f"{HEAD}{CALL}\r\n# x\n".encode()
    (here / "x.py").write_bytes(data)
    assert cli.main(["check", "--add-ignores", "-q"]) == 0
    after = data.replace(b"\r\n", f"  # evalguard: ignore[{RULE}]\r\n".encode())
    assert (here / "x.py").read_bytes() == after


def test_a_link_stays_a_link(here: Path) -> None:
    (here / "real").mkdir()
    (here / "real" / "x.py").write_text(f"{HEAD}{CALL}\n")
    (here / "x.py").symlink_to(here / "real" / "x.py")
    assert cli.main(["check", "--add-ignores", "-q", "x.py"]) == 0
    assert (here / "x.py").is_symlink()
    assert "ignore[" in (here / "real" / "x.py").read_text()


def test_what_is_wrong_with_comments_is_left(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = f"{HEAD}x = 1  # evalguard: ignore[zzz]\n"
    (here / "x.py").write_text(text)
    assert cli.main(["check", "--add-ignores"]) == 1
    assert "EG002" in capsys.readouterr().out
    assert (here / "x.py").read_text() == text


def test_unused_ones_can_be_asked_for_in_the_configuration(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "x.py").write_text("x = 1  # evalguard: ignore\n")
    assert cli.main(["check"]) == 0
    assert cli.main(["check", "--warn-unused-ignores"]) == 1
    (here / "evalguard.toml").write_text("warn-unused-ignores = true\n")
    capsys.readouterr()
    assert cli.main(["check", "--output-format", "concise"]) == 1
    assert "EG001 unused-ignore" in capsys.readouterr().out
