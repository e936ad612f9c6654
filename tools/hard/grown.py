"""A size → a program of about that many parts, of a shape that may cost more than its size."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping

Files = Mapping[str, str]
HEAD = "import torch\nfrom torch import nn\n"
NET = "net = nn.Sequential(nn.Linear(2, 2), nn.Dropout())\n"


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _alone(text: str) -> Files:
    return {"main.py": HEAD + text}


def _plain(size: int) -> Files:
    return _alone(_lines(f"x{i} = {i}" for i in range(size)))


def _switches(size: int) -> Files:
    return _alone(NET + _lines("net.eval()\nnet(x)" for _ in range(size)))


def _modules(size: int) -> Files:
    return _alone(_lines(f"n{i} = nn.Dropout()\nn{i}.eval()" for i in range(size)))


def _functions(size: int) -> Files:
    """Each calls the next."""
    calls = (f"def f{i}(m):\n    m.eval()\n    f{i + 1}(m)" for i in range(size))
    return _alone(_lines(calls) + NET + f"def f{size}(m): m(x)\nf0(net)\n")


def _all_call_all(size: int) -> Files:
    """Ten functions in each group call all of the next group."""
    calls = (
        f"def f{i}(m):\n    m.train()\n"
        + "".join(f"    f{(i // 10 + 1) * 10 + j}(m)\n" for j in range(10))
        for i in range(size)
    )
    return _alone("".join(calls) + NET + "f0(net)\n")


def _ring(size: int) -> Files:
    calls = (
        f"def f{i}(m):\n    f{(i + 1) % size}(m)\n    f{(i * 7 + 3) % size}(m)\n    m.train()"
        for i in range(size)
    )
    return _alone(_lines(calls) + NET + "f0(net)\n")


def _one_called(size: int) -> Files:
    """One function, with many callers."""
    calls = (f"def f{i}(m):\n    m.eval()\n    g(m, {i})" for i in range(size))
    return _alone("def g(m, x): return m(x)\n" + _lines(calls) + NET)


def _closures(size: int) -> Files:
    """Nested as deeply as Python lets it, many times."""
    deep = 15
    one = "".join(f"{'    ' * d}def g{d}(m):\n" for d in range(deep)) + "    " * deep + "m.eval()\n"
    ends = "".join(f"{'    ' * d}return g{d}\n" for d in range(deep - 1, 0, -1))
    return _alone((one + ends) * (size // deep + 1))


def _branches(size: int) -> Files:
    return _alone(
        NET + _lines(f"if a{i}:\n    net.eval()\nelse:\n    net.train()" for i in range(size))
    )


def _branch_variables(size: int) -> Files:
    text = (
        f"if a{i}:\n    n{i} = nn.Dropout()\nelse:\n    n{i} = nn.Linear(1, 1)" for i in range(size)
    )
    return _alone(_lines(text) + _lines(f"n{i}(x)" for i in range(size)))


def _elifs(size: int) -> Files:
    groups = (
        "if a == 0:\n    net.eval()\n"
        + "".join(f"elif a == {i}:\n    net.train()\n" for i in range(1, 80))
        for _ in range(size // 80 + 1)
    )
    return _alone(NET + "".join(groups))


def _match(size: int) -> Files:
    arms = (f"    case {i}:\n        net.eval()" for i in range(size))
    return _alone(NET + "match a:\n" + _lines(arms) + "net(x)\n")


def _match_strings(size: int) -> Files:
    arms = (f"    case 'n{i}':\n        net = nn.Dropout({i})" for i in range(size))
    return _alone(
        "def f(a):\n  match a:\n"
        + _lines(f"  {arm}" for arm in "\n".join(arms).split("\n"))
        + "  net(x)\n"
    )


def _tries(size: int) -> Files:
    text = "try:\n    net.eval()\n    f()\nexcept A:\n    net.train()\nfinally:\n    g(net)"
    return _alone(NET + _lines(text for _ in range(size)))


def _loops(size: int) -> Files:
    return _alone(
        NET
        + _lines("for x in y:\n    net.train()\n    net(x)\n    net.eval()" for _ in range(size))
    )


def _nested_loops(size: int) -> Files:
    deep = 12
    one = (
        "".join(f"{'    ' * d}for i{d} in x:\n" for d in range(deep))
        + "    " * deep
        + "net.eval()\n"
    )
    return _alone(NET + one * (size // deep + 1))


def _withs(size: int) -> Files:
    return _alone(NET + _lines("with torch.no_grad():\n    net(x)" for _ in range(size)))


def _classes(size: int) -> Files:
    """Each inherits from the one before."""
    text = (f"class A{i}(A{i - 1}):\n    def f{i}(self): self.eval()" for i in range(1, size))
    return _alone("class A0(nn.Module): pass\n" + _lines(text) + f"A{size - 1}().f1()\n")


def _wide_class(size: int) -> Files:
    """A class of many parts."""
    parts = (f"        self.l{i} = nn.Linear({i}, 1)" for i in range(size))
    head = "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    uses = (f"        x = self.l{i}(x)" for i in range(size))
    forward = "    def forward(self, x):\n" + _lines(uses) + "        return x\n"
    return _alone(head + _lines(parts) + forward + "net = Net()\nnet.eval()\nnet(x)\n")


def _methods(size: int) -> Files:
    """Each calls the next one of its object."""
    text = (
        f"    def m{i}(self, x):\n        self.eval()\n        return self.m{i + 1}(x)"
        for i in range(size)
    )
    return _alone("class Net(nn.Module):\n" + _lines(text) + "Net().m0(1)\n")


def _many_classes(size: int) -> Files:
    text = (
        f"class N{i}(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.d = nn.Dropout()\n    def forward(self, x):\n        return self.d(x)\n"
        f"N{i}().eval()(x)\n"
        for i in range(size)
    )
    return _alone("".join(text))


def _nested_modules(size: int) -> Files:
    """Each holds the one before."""
    text = (f"n{i} = nn.Sequential(n{i - 1})" for i in range(1, size))
    return _alone("n0 = nn.Dropout()\n" + _lines(text) + f"n{size - 1}.eval()\nn0(x)\n")


def _nested_classes(size: int) -> Files:
    """Each makes the one before in its constructor."""
    text = (
        f"class N{i}(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        f"        self.a = N{i - 1}()\n        self.b = N{i - 1}()"
        for i in range(1, size)
    )
    return _alone(
        "class N0(nn.Dropout): pass\n" + _lines(text) + f"n = N{size - 1}()\nn.eval()\nn(x)\n"
    )


def _attributes(size: int) -> Files:
    chain = ".".join(f"a{i}" for i in range(80))
    return _alone(_lines(f"x.{chain}.eval()" for _ in range(size // 80 + 1)))


def _stored(size: int) -> Files:
    """Objects of which each holds the next."""
    return _alone("x = y\n" + _lines(f"x.a{i} = nn.Dropout()\nx.a{i}.eval()" for i in range(size)))


def _aliases(size: int) -> Files:
    return _alone(
        NET
        + "n0 = net\n"
        + _lines(f"n{i} = n{i - 1}" for i in range(1, size))
        + f"n{size - 1}.eval()\n"
    )


def _lambdas(size: int) -> Files:
    pairs = (f"    'k{i}': lambda m: m.eval(),\n" for i in range(size))
    return _alone(NET + "d = {\n" + "".join(pairs) + "}\nd[k](net)\n")


def _constructors(size: int) -> Files:
    pairs = (f"    'k{i}': nn.Dropout,\n" for i in range(size))
    return _alone("d = {\n" + "".join(pairs) + "}\nn = d[k]()\nn.eval()\nn(x)\n")


def _comprehensions(size: int) -> Files:
    one = "[" * 12 + "m.eval()" + "".join(f" for m in x{i}]" for i in range(12))
    return _alone(_lines(one for _ in range(size // 12 + 1)))


def _decorators(size: int) -> Files:
    made = _lines(f"def d{i}(f): return f" for i in range(10))
    return _alone(
        made + _lines(f"@d{i % 10}" for i in range(size)) + "def f(m): m.eval()\nf(net)\n"
    )


def _arguments(size: int) -> Files:
    names = ", ".join(f"a{i}" for i in range(size))
    given = ", ".join("net" for _ in range(size))
    return _alone(f"{NET}def f({names}):\n    a0.eval()\nf({given})\n")


def _list(size: int) -> Files:
    return _alone(f"x = [{', '.join('nn.Dropout()' for _ in range(size))}]\nfor m in x: m.eval()\n")


def _numbers(size: int) -> Files:
    return _alone(f"x = [{', '.join(map(str, range(size)))}]\n")


def _one_line(size: int) -> Files:
    """Statements on one line, which isn't ASCII."""
    return _alone("x = 'é'; " + "; ".join("net.eval()" for _ in range(size)) + "\n")


def _string(size: int) -> Files:
    return _alone(
        f"x = '{'a' * size * 10}'\ny = '''{'b' * 9}\n{'c # evalguard: ignore' * size}'''\n"
    )


def _implicit_strings(size: int) -> Files:
    return _alone("x = (" + "\n".join("'a'" for _ in range(size)) + ")\n")


def _digits(size: int) -> Files:
    return _alone(f"x = 0x{'f' * size * 10}\n")


def _comments(size: int) -> Files:
    return _alone(NET + _lines("net(x)  # evalguard: ignore[EG101, EG102]" for _ in range(size)))


def _one_comment(size: int) -> Files:
    return _alone(f"net(x)  # evalguard: ignore[{'EG101, ' * size}\nx = 1  {'# noqa ' * size}\n")


def _one_comment_of_blanks(size: int) -> Files:
    return _alone(
        f"x = 1  # noqa{' ' * size * 5}: {'EG1 , ' * size}x\n#{' ' * size * 5}evalguard\n"
        f"#{'# evalguard : ignore' * size}\n"
    )


def _magics(size: int) -> Files:
    return _alone(
        "# %%\n" + _lines("!ls {x}\n%time net(x)\nx, y, z = !ls\nnet?" for _ in range(size))
    )


def _odd_magic(size: int) -> Files:
    return _alone(
        f"# %%\n{'a.b, ' * size}\n%\n{'# %%' * size}\n{'%timeit -n 1 ' * size}\n"
        f"x{' ' * size}?\n{'%' * size}\n"
    )


def _imports(size: int) -> Files:
    return _alone(_lines(f"from a{i} import b{i} as c{i}\nc{i}.eval()" for i in range(size)))


def _deletes(size: int) -> Files:
    return _alone(_lines(f"x{i} = nn.Dropout()\ndel x{i}" for i in range(size)))


def _globals(size: int) -> Files:
    text = (
        f"def f{i}():\n    global g{i}\n    g{i} = nn.Dropout()\n    g{i - 1}.eval()"
        for i in range(1, size)
    )
    return _alone(_lines(text))


def _generators(size: int) -> Files:
    text = (f"def g{i}(m):\n    yield from g{i + 1}(m)\n    m.eval()" for i in range(size))
    return _alone(_lines(text) + NET + "for x in g0(net): net(x)\n")


def _returned(size: int) -> Files:
    """Functions that return functions."""
    text = (
        f"def g{i}(m):\n    def h(x):\n        return g{i + 1}(m)(x)\n    return h"
        for i in range(size)
    )
    return _alone(_lines(text) + NET + "g0(net)(x)\n")


def _many_returns(size: int) -> Files:
    text = (f"    if a == {i}:\n        return nn.Dropout()" for i in range(size))
    return _alone("def make(a):\n" + _lines(text) + "n = make(b)\nn.eval()\nn(x)\n")


def _handed_on(size: int) -> Files:
    """Every function is handed functions."""
    text = (f"def g{i}(f, m):\n    f(m)\n    g{i + 1}(lambda m: f(m), m)" for i in range(size))
    return _alone(_lines(text) + NET + "g0(lambda m: m.eval(), net)\n")


def _subclasses(size: int) -> Files:
    """Many classes of one base, whose method calls a hook of theirs."""
    base = (
        "class B(nn.Module):\n    def run(self, x):\n"
        "        self.eval()\n        return self.hook(x)\n"
    )
    text = (f"class C{i}(B):\n    def hook(self, x):\n        return self(x)" for i in range(size))
    return _alone(base + _lines(text) + "def f(b: B): b.run(1)\n")


def _same_method(size: int) -> Files:
    """Many classes with a method of one name, called on what isn't known."""
    text = (f"class C{i}:\n    def run(self, m):\n        m.eval()" for i in range(size))
    return _alone(_lines(text) + NET + _lines("x.run(net)" for _ in range(size)))


def _flags(size: int) -> Files:
    """Every condition may go with every other."""
    return _alone(
        NET
        + "def f("
        + ", ".join(f"a{i}" for i in range(size))
        + "):\n"
        + _lines(f"    if a{i}: net.eval()\n    if not a{i}: net.train()" for i in range(size))
    )


def _files(size: int) -> Files:
    """Each imports the next one, in a circle."""
    return {
        f"m{i}.py": HEAD
        + f"from m{(i + 1) % size} import f as g\ndef f(m):\n    m.eval()\n    g(m)\n"
        for i in range(size)
    }


def _stars(size: int) -> Files:
    return {
        f"m{i}.py": HEAD
        + f"from m{(i + 1) % size} import *\nn{i} = nn.Dropout()\nn{i // 2}.eval()\n"
        for i in range(size)
    }


def _packages(size: int) -> Files:
    """Every file imports ten others."""
    return {
        f"m{i}.py": HEAD
        + "".join(f"from m{(i * 7 + j) % size} import N{(i * 7 + j) % size}\n" for j in range(10))
        + f"class N{i}(nn.Module):\n    def run(self): N{(i * 7 + 1) % size}().eval().run()\n"
        for i in range(size)
    }


def _bases_in_files(size: int) -> Files:
    return {
        f"m{i}.py": (
            f"from m{i - 1} import N{i - 1}\nclass N{i}(N{i - 1}):\n"
            if i
            else f"{HEAD}class N0(nn.Module):\n"
        )
        + f"    def f{i}(self): self.f{i - 1}()\n"
        for i in range(size)
    }


def _cells(size: int) -> Files:
    cells = [
        {
            "cell_type": "code",
            "metadata": {},
            "outputs": [],
            "source": ["net.eval()\n", "%ls\n", "net(x)"],
        }
        for _ in range(size)
    ]
    return {"main.ipynb": json.dumps({"cells": cells, "metadata": {}, "nbformat": 4}, indent=1)}


def _outputs(size: int) -> Files:
    outputs = [{"output_type": "stream", "text": ["a" * 100] * 100} for _ in range(size)]
    cell = {"cell_type": "code", "metadata": {}, "outputs": outputs, "source": "net.eval()"}
    return {"main.ipynb": json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4})}


def _blank_notebook(size: int) -> Files:
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "source": ["\n"] * size}
    return {"main.ipynb": json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4}, indent=1)}


def _broken(size: int) -> Files:
    """A file that only a newer Python could read, or none."""
    return _alone(_lines(f"x{i} = f'{{a[\"b\"]}}'" for i in range(size)) + "type X[T = list[T]\n")


def _brackets(size: int) -> Files:
    return _alone("x = " + "(" * size + "\n")


def _braces(size: int) -> Files:
    return _alone('x = f"' + "{" * size + "\ntype X = 1\n")


def _continued(size: int) -> Files:
    return _alone("x = 1" + " \\\n" * size + "\n" + "from a import \\\n" * size)


def _no_line(size: int) -> Files:
    return _alone("import " * size + "\n" + "from " * size + "import x\n")


SHAPES: Mapping[str, Callable[[int], Files]] = {
    name.removeprefix("_").replace("_", "-"): shape
    for name, shape in list(globals().items())
    if callable(shape) and getattr(shape, "__annotations__", {}).get("size") == "int"
}
