"""Files in syntax newer than the running Python: what is read instead, and what is left alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import evalguard.lower
from evalguard.check import check_source
from evalguard.lower import blanking
from evalguard.lower.gauge import dangerous
from evalguard.lower.newer import downgraded

CASES = {
    "type parameters of a function": (
        "def f[T: int = str, *Ts, **P](x: T) -> T: pass\n",
        "def f                        (x: T) -> T: pass\n",
    ),
    "type parameters of a class": (
        "class A [T: (int, str)] (B[T]): pass\nclass C[T]: pass\n",
        "class A                 (B[T]): pass\nclass C   : pass\n",
    ),
    "type parameters of a method": (
        "class A:\n    @b\n    async def f[T](self): pass\n",
        "class A:\n    @b\n    async def f   (self): pass\n",
    ),
    "type parameters on several lines": (
        "def f[\n\n    T,  # the type\n    *Ts,\n](x): pass\n",
        "def f(\n\n                  \n        \n  x): pass\n",
    ),
    "type parameters on several lines before a continued line": (
        "def f[T,\nU] \\\n (x): pass\n",
        "def f(  \n   \\\n  x): pass\n",
    ),
    "type parameters of classes on several lines": (
        "class A[\n    T\n](B): pass\nclass C[\n    T\n]: pass\n",
        "class A(\n     \n  B): pass\nclass C(\n     \n): pass\n",
    ),
    "a type alias": (
        "type X = dict[str, f(1)]\n",
        "0;   X = dict[str, f(1)]\n",
    ),
    "a type alias with parameters": (
        "type X[T: int] = list[T]; y = 1\n",
        "0;   X         = list[T]; y = 1\n",
    ),
    "a type alias on several lines": (
        "if a:\n    type \\\n    X = (\n        int | str\n    ); y = 1\n",
        "if a:\n    0;   \\\n    X = (\n        int | str\n    ); y = 1\n",
    ),
    "a type alias with parameters on several lines": (
        'type X[\n    T,\n] = f"{a["b"]}"; y = 1\n',
        "(      \n      \n              ); y = 1\n",
    ),
    "type as a name": ("type = f[*a]\n", "type = f[ a]\n"),
    "a group of exceptions": (
        "try: a()\nexcept* B as e: c()\nexcept *(D, E): f()\n",
        "try: a()\nexcept  B as e: c()\nexcept  (D, E): f()\n",
    ),
    "a continued group of exceptions": (
        "try: a()\nexcept \\\n * B: c()\n",
        "try: a()\nexcept \\\n   B: c()\n",
    ),
    "exceptions without brackets": (
        "try: a()\nexcept B, c.D: e()\nexcept F, G, : h()\nexcept (I, J): k()\n",
        "try: a()\nexcept B| c.D: e()\nexcept F| G  : h()\nexcept (I, J): k()\n",
    ),
    "a group of exceptions without brackets": (
        "try: a()\nexcept* B, C: d()\n",
        "try: a()\nexcept  B| C: d()\n",
    ),
    "stars in subscripts": ("a[*b, c[*d()]]\n", "a[ b, c[ d()]]\n"),
    "a star in an annotation": ("def f(*a: *T, b: T): pass\n", "def f(*a:  T, b: T): pass\n"),
    "other stars": ("f([*a], *a, b[*c], **d)\ne = *a,\n", "f([*a], *a, b[ c], **d)\ne = *a,\n"),
    "the same quotes": (
        'x = f"a {f(x)["k"]!r:>10} b {y}"\n',
        'x = (-  (f(x)["k"],          y))\n',
    ),
    "one expression": ('x = f"{f(y)}"\n', "x = (-(f(y)))\n"),
    "a method of a string": (
        'x = f"{", ".join(y)} a".strip(f(z))\n',
        'x = (-(", ".join(y))  ).strip(f(z))\n',
    ),
    "a backslash": (
        "x = f\"{'\\n'.join(y)}\\n\"\n",
        "x = (-('\\n'.join(y))  )\n",
    ),
    "lines and comments in a field": (
        "x = f'{  # first\n    f(y)  # second\n}{\nz}'\n",
        "x = (-          \n   (f(y),         \n  \nz))\n",
    ),
    "lines in triple quotes": (
        'x = f"""a\n{y["""b"""]}\n\\\nc {\n# d\nf(z)!r:\n{w}}"""\n',
        'x = (-   \n(y["""b"""],\n \n   \n   \nf(z),  \n w)   )\n',
    ),
    "a continued line in a string": (
        'x = f"{a["b"]}\\\n"\n',
        'x = (-(a["b"]) \n)\n',
    ),
    "a string in a string in a string": (
        'x = f"{f"{f"{f(1)}{y}"}" + "a"}"\n',
        'x = (-((-((-(f(1), y)))) + "a"))\n',
    ),
    "a format in a format": (
        'x = f"{a:{"b":>{f(c)}}.{d!s}}{e}"\n',
        'x = (-(a, "b",  f(c),   d,    e))\n',
    ),
    "fields that say what they are": ('f"{x=}{y = !r:>5}{z!=w}"\n', "(-(x,  y,         z!=w))\n"),
    "braces that are no fields": ('f"{{a}} {x} {{{y}}}"\n', "(-      (x,    y)  )\n"),
    "expressions that begin with a brace": ('f"{ {1: 2}["a"] }"\n', '(- ({1: 2}["a"]) )\n'),
    "tuples": (
        'f"{a, b}{c,}{(d,)}{*e, "f"}"\n',
        '(-(a, b, c,  (d,), *e, "f"))\n',
    ),
    "a tuple that ends in a comment": (
        'f"{a,  # b\n}{c}"\n',
        "(-(a,     \n  c))\n",
    ),
    "expressions of loose binding": (
        'f"{a if b else c}{(lambda: d)}{not e}{(yield "f")}{(g := "h")}"\n',
        '(-(a if b else c, (lambda: d), not e, (yield "f"), (g := "h")))\n',
    ),
    "a walrus that is none": ('f"{x:=5}{"y"}"\n', '(-(x,    "y"))\n'),
    "a yield": ('f"{yield "a"}"\n', '(-(yield "a"))\n'),
    "two yields, which older syntax has too": ('f"{yield}{yield}"\n', None),
    "strings side by side": (
        'x = ("a {b}"\n     rf"{c["d"]}" u"e"\n     F\'{f}\')\n',
        'x = ((-     \n        (c["d"],      \n        f)))\n',
    ),
    "strings side by side without a field": (
        'x = f"a" "b"  # {c}\nf"{d}"\n',
        'x = f"a" "b"  # {c}\n(-(d))\n',
    ),
    "plain strings": ("x = \"f'{a}'\" '''f\"{b}\"'''\n", None),
    "templates": ('x = t"a {y} b"\n', "x = (-  (y)  )\n"),
    "templates without fields": (
        'x = t"", T"ab", rt"""a\nb"""\n',
        "x = -(), -(  ), -(    \n   )\n",
    ),
    "after keywords": (
        'x = a if"b"f"{c}" in"d"f"{e}" else"f"f"{g}"\n',
        "x = a if(-   (c)) in(-   (e)) else(-   (g))\n",
    ),
    "letters of several bytes": (
        'x = f"é{y["ß"]}€😀{z}é"; w = "é"\n',
        'x = (-  (y["ß"],        z)  ); w = "é"\n',
    ),
    "first letters of several bytes": (
        'x = "é" f"{y["ß"]}"\n',
        'x = (-     (y["ß"]))\n',
    ),
    "a first line of tabs": ('if a:\n\tx = f"\t{y["a"]}"\n', 'if a:\n\tx = (- (y["a"]))\n'),
    "blanks that libcst forgets": (
        'f"{a!r }{b!s :>5}"; f"{c["d"]}"\nif e:\n    pass\n\n\x0c  # f\n\x0ctype X = g(1)\n',
        '(-(a,    b)      ); (-(c["d"]))\nif e:\n    pass\n\n\x0c  # f\n\x0c0;   X = g(1)\n',
    ),
    "no last end of line": ('x = f"{y["a"]}"', 'x = (-(y["a"]))'),
    "blanks at the end": ('x = f"{y["a"]}"\n\n   \n\t', 'x = (-(y["a"]))\n\n   \n\t'),
    "a page break": ('x = f"{y}"\n\x0c\nz = 1\n', "x = (-(y))\n\x0c\nz = 1\n"),
}


def widths(text: str) -> list[int]:
    return [len(line.encode()) for line in text.split("\n")]


def names(tree: ast.AST) -> Iterator[tuple[int, int, str]]:
    """Each name that a tree mentions as a value, with its place."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.lineno, node.col_offset, node.id


@pytest.mark.parametrize(("newer", "older"), CASES.values(), ids=CASES)
def test_newer_becomes_older(newer: str, older: str | None) -> None:
    assert downgraded(newer) == older


@pytest.mark.parametrize("newer", [newer for newer, older in CASES.values() if older], ids=repr)
def test_older_parses_and_all_names_stay_in_their_places(newer: str) -> None:
    older = downgraded(newer)
    assert older is not None
    assert widths(older) == widths(newer)
    lines = [line.encode() for line in newer.split("\n")]
    for line, column, name in names(ast.parse(older)):
        assert lines[line - 1][column:].startswith(name.encode())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x = 1\n",
        'print "Python 2"\n',
        'try:\n    pass\nexcept A, e:\n    print "Python 2", e\n',
        "def f(:\n",
        'f"{a["\n',
        'f"{a!}"\n',
        "def f[T(x): pass\n",
        "type X[T] =\n",
        'x = f"\ud800{y}"\n',
        'x = rt"{y}" t"{z}"\n',  # libcst's own parser refuses a raw one here
    ],
)
def test_what_is_not_newer_or_not_python_is_left(text: str) -> None:
    assert downgraded(text) is None


NAMES = st.sampled_from(["a", "bb", "model", "é", "名"])
BLANKS = st.sampled_from(["", " ", "\n", "  # c\n  "])
LITERALS = st.sampled_from(["", "t ", "é", "{{", "}}", "\\n", "# ", "'", ": ", "€"])


def call(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds("{}({})".format, NAMES, inner)


def field(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    flags = st.sampled_from(["", "!r", "=", "=!s"])
    fixed = st.sampled_from(["", ":>10", ":,", ":%Y-%m", ":#x"])
    formats = fixed | st.builds(":{{{}}}.{{{}}}".format, NAMES, inner)
    return st.builds("{{{}{}{}{}{}}}".format, BLANKS, inner, BLANKS, flags, formats)


def string(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    quotes = st.sampled_from(['"', '"""'])
    prefixes = st.sampled_from(["f", "F", "rf", "fR"])
    parts = st.lists(LITERALS | field(inner), max_size=4).map("".join)
    one = st.builds(lambda f, q, text: f"{f}{q}{text}{q}", prefixes, quotes, parts)
    return one | st.builds("({} 'x' {})".format, one, one)


def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    forms = st.sampled_from(["({}, {})", "[{}, {}]", "({} if {} else 1)", "({} + {})", "{}[{}]"])
    return call(inner) | string(inner) | st.builds(str.format, forms, inner, inner)


EXPRESSIONS = st.recursive(NAMES, larger, max_leaves=12)
HEADS = st.sampled_from(
    [
        "x = {}\n",
        "return {}\n",
        "def f[T, *Ts](x={}): pass\n",
        "class A[\n  T,\n]({}): pass\n",
        "class A[T]: x = {}\n",
        "with {} as x: pass\n",
        "print({})  # é\n",
        "if {}:\n    pass\nelif a: pass\n",
        "try: {}\nexcept a: pass\n",
        "@model({})\nasync def f[T](): pass\n",
    ]
)
PROGRAMS = st.lists(st.builds(str.format, HEADS, EXPRESSIONS), min_size=1, max_size=4).map("".join)


def places(tree: ast.AST) -> set[tuple[int, int, str]]:
    """The places of names and calls."""
    calls = {(n.lineno, n.col_offset, "()") for n in ast.walk(tree) if isinstance(n, ast.Call)}
    return {*names(tree), *calls}


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(PROGRAMS)
@example('x = f"""{a(\nbb)\n}{é}"""\n')
def test_no_place_moves(text: str) -> None:
    text = f"def f[T](): pass\n{text}"
    older = downgraded(text)
    assert older is not None
    assert widths(older) == widths(text)
    tree = ast.parse(older)
    if sys.version_info >= (3, 12):
        assert places(tree) == places(ast.parse(text))


@given(st.text(alphabet="f\"'{}[]()\\\n :=*,;#a1é!\x0c", max_size=60))
def test_any_text_keeps_its_widths(text: str) -> None:
    older = downgraded(f'type A = f"{{1}}"\n{text}')
    assert older is None or widths(older)[1:] == widths(text)


BUG = '''\
import torch
from torch import nn

from data import test_loader, train_loader

type Pair[T] = tuple[T, T]


class Net[T: nn.Module](nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(784, 128), nn.Dropout(0.2), nn.Linear(128, 10))

    def forward[S](self, x: S) -> S:
        return self.layers(x)


def train[
    M: nn.Module,
](model: M, optimizer):
    for batch in train_loader:
        optimizer.zero_grad()
        loss = model(batch["x"]).sum()
        loss.backward()
        optimizer.step()
        print(f"é {batch["name"]}: {loss.item():>{10}}")


def main():
    model = Net()
    optimizer = torch.optim.Adam(model.parameters())
    train(model, optimizer)
    with torch.no_grad():
        for batch in test_loader:
            print(f"""é {batch["name"]}
                {", ".join(str(x) for x in model(batch["x"]).argmax(1))}""")


main()
'''


def test_a_bug_in_newer_syntax_is_found_in_its_place() -> None:
    result = check_source(BUG)
    assert result.errors == ()
    assert [(item.rule, item.place.span.start) for item in result.findings] == [
        ("no-grad-instead-of-eval", (36, 44))
    ]
    assert BUG.split("\n")[35][43:].startswith('model(batch["x"])')


def test_the_bug_is_gone_with_eval() -> None:
    fixed = BUG.replace("    with torch.no_grad", "    model.eval()\n    with torch.no_grad")
    assert check_source(fixed).findings == ()


def test_strings_mean_the_same_when_blanked(monkeypatch: pytest.MonkeyPatch) -> None:
    text = BUG.replace("type Pair[T]", "Pair").replace("[T: nn.Module]", "").replace("[S]", "")
    text = text.replace("[\n    M: nn.Module,\n]", "")
    text = text.replace('["name"]', "['name']").replace('{", "', "{', '")
    text = text.replace('["x"]).argmax', "['x']).argmax")
    before = check_source(text).findings
    older = downgraded(text)
    assert older is not None
    monkeypatch.setattr(evalguard.lower, "parse", lambda _: ast.parse(older))
    after = check_source(text).findings
    assert [(item.rule, item.place.line) for item in before] == [
        (item.rule, item.place.line) for item in after
    ]
    assert len(after) == 1


def test_broken_newer_syntax_is_reported_as_the_running_python_sees_it() -> None:
    (error,) = check_source('x = f"{a["b"]}"\ny = = 1\n').errors
    assert error.reason.startswith("syntax error")


def nested(before: str, after: str, depth: int) -> str:
    return before * depth + "a" + after * depth


DANGERS = {
    "a large text": "x = 1\n" * 350_000,
    "branches": "if a: pass\n" + "elif b: pass\n" * 10_000,
    "brackets": nested("(", ")", 150),
    "brackets on many lines": "x = [(1, 2),\n" + nested("[\n", "]\n", 101) + "]\n",
    "calls in calls": nested("f(", ")", 150),
    "operators": "a + " * 400 + "1",
    "operators on many lines": "(a" + "\n    + a" * 400 + ")",
    "operators in words": "a and not " * 200 + "1",
    "signs": "-" * 400 + "1",
    "lambdas": "lambda: " * 200 + "1",
    "choices": "a if b else " * 200 + "1",
    "attributes": "a" + ".b" * 400,
    "calls in a chain": "a" + ".b(1, 2)" * 250,
    "calls of calls": "a" + " ()" * 400,
    "subscripts of subscripts": "a" + "[0]" * 400,
    "strings side by side": "(" + "'a'\n" * 400 + ")",
    "operators in a field": 'f"{' + "a + " * 400 + '1}"',
    "operators in a field of a format": 'f"{y:#{' + "a + " * 400 + '1}}"',
    "operators after a difficult string": """f"it's {a:'>5} \\{b}" + """ + "a + " * 400 + "1",
    "strings in strings": nested('f"{', '}"', 120),
    "chains in brackets": nested("f(a.b.c.d, ", ")", 20) + nested("(a+a+a+a+", ")", 80),
    "patterns in patterns": "match x:\n    case " + nested("[", "]", 12) + ": pass",
    "patterns of dicts": "match x:\n    case " + nested("{1: ", "}", 12) + ": pass",
    "targets to delete": "if x: del " + nested("([", "])", 12),
}


@pytest.mark.parametrize("text", DANGERS.values(), ids=DANGERS)
def test_dangers_are_kept_from_libcst(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(blanking, "blanked", asked.append)
    assert downgraded(f"type X = int\n{text}\n") is None
    assert not asked


HARMLESS = {
    "a table": "x = [\n" + "    (-1.5, a.b + 2, f(3)),\n" * 5000 + "]\n",
    "a mapping": "x = {\n" + '    "a": {"b": [c | d, not e]},\n' * 5000 + "}\n",
    "many statements": "x = a.b(c)[0] + 1; y = -x\n" * 5000,
    "words of prose": 'x = """' + "is not (a) and\n" * 5000 + '"""\n',
    "quotes in prose": "x = '''it's (('''\n" * 500,
    "prose in fields": "f'''" + "is not (a) and {b:>5}, {{ {c}\n" * 100 + "'''\n",
    "comments": "x = 1  # is ((not a) and\n" * 5000,
    "smileys": """x = f":( {y:(>5} it's" ':(' ":((" b'[' rf'\\{z:#x}['\n""" * 500,
    "a quote in a format": """f"{x:'>10}"\n""" * 500,
    "many branches": "if a: pass\nelif b: pass\n" * 900,
    "indents": "".join(f"{' ' * depth}if a:\n" for depth in range(90)) + " " * 90 + "pass\n",
    "case as a name": "case = [[[[[[1]]]]]]\n",
}


@pytest.mark.parametrize("text", HARMLESS.values(), ids=HARMLESS)
def test_usual_text_is_no_danger(text: str) -> None:
    assert not dangerous(text)


def test_what_overflows_the_stack_is_left() -> None:
    branches = "elif b: pass\n" * 990
    assert downgraded(f"type X = int\nif a: pass\n{branches}") is None


@pytest.mark.parametrize(
    ("text", "loaded"),
    [("x = 1\n", "False False"), ("type X = int\n", "True False")],
)
def test_libcst_is_imported_only_when_needed(text: str, loaded: str) -> None:
    program = f"""
import sys
from evalguard.lower.newer import downgraded
downgraded({text!r})
slow = {{"libcst.matchers", "libcst.codemod"}} & sys.modules.keys()
print("libcst" in sys.modules, bool(slow))
"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == loaded
