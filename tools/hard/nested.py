"""A depth → a short program that is nested so deeply, in ways that could multiply at each level."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tools.hard.grown import HEAD, NET

PAD = "    "


def _at(depth: int, text: str) -> str:
    """Lines, indented."""
    return "".join(f"{PAD * depth}{line}\n" for line in text.split("\n"))


def _loops(depth: int) -> str:
    """Each loop's state hangs on a flag of its own, and on the round before."""
    heads = "".join(
        _at(
            d + 1,
            f"for i{d} in x:\n    net.train() if a{d} else net.eval()\n    m{d} = nn.Dropout()",
        )
        for d in range(depth)
    )
    ends = "".join(_at(d + 1, f"net.train()\nm{d} = m{d - 1}\nnet(x)") for d in range(depth, 0, -1))
    flags = ", ".join(f"a{d}" for d in range(depth))
    return f"def f(net, x, {flags}):\n{heads}{_at(depth + 1, 'net(x)')}{ends}f(net)\n"


def _file_loops(depth: int) -> str:
    """Values move outwards by one loop in each round, and modes change."""
    heads = "".join(_at(d, f"while x{d}:\n    n{d} = n{d + 1}") for d in range(depth))
    ends = "".join(_at(d, f"net.train()\nn{d} = nn.Dropout()") for d in range(depth - 1, 0, -1))
    return heads + _at(depth, "net.eval()") + ends


def _finals(depth: int) -> str:
    """``finally`` in ``finally``, each reached in two ways."""
    heads = "".join(
        _at(d + 1, f"try:\n    if a{d}: return 1\n    net.eval()\nfinally:\n    net.train()")
        for d in range(depth)
    )
    flags = ", ".join(f"a{d}" for d in range(depth))
    return f"def f(net, {flags}):\n{heads}{_at(depth + 1, 'net(x)')}"


def _tries(depth: int) -> str:
    heads = "".join(_at(d, "try:\n    net.eval()") for d in range(depth))
    ends = "".join(
        _at(d, "except A:\n    net.train()\nelse:\n    net(x)\nfinally:\n    net.train()")
        for d in range(depth - 1, -1, -1)
    )
    return heads + _at(depth, "raise A") + ends


def _conditions(depth: int) -> str:
    heads = "".join(
        _at(d + 1, f"if a{d}:\n    net.eval()\nelse:\n    net.train()\nif a{d}:")
        for d in range(depth)
    )
    flags = ", ".join(f"a{d}" for d in range(depth))
    return f"def f(net, {flags}):\n{heads}{_at(depth + 1, 'net(x)')}f(net)\n"


def _stars(depth: int) -> str:
    """A tuple that is twice as long in each line."""
    lines = "x = (*x, *x)\n" * depth
    return f"def f(*a): return f(*a, *a)\nx = (net,)\n{lines}f(*x)\nfor m in x: m.eval()\n"


def _lists(depth: int) -> str:
    lines = "".join(f"x{d + 1} = [x{d}, x{d}, *x{d}]\n" for d in range(depth))
    return f"x0 = [net]\n{lines}[m.eval() for m in x{depth}]\nprint(x{depth})\n"


def _modules(depth: int) -> str:
    lines = "".join(f"x{d + 1} = nn.Sequential(x{d}, x{d})\n" for d in range(depth))
    return f"x0 = net\n{lines}x{depth}.eval()\nx{depth}(1)\nx0(1)\n"


def _calls(depth: int) -> str:
    """Each function calls the next one thrice."""
    lines = "".join(
        f"def f{d}(m):\n    if m: f{d + 1}(m); f{d + 1}(m)\n    for i in m: f{d + 1}(m)\n"
        for d in range(depth)
    )
    return f"{lines}def f{depth}(m): m(1)\nf0(net)\n"


def _closures(depth: int) -> str:
    heads = "".join(_at(d, f"def g{d}(f{d}):\n    f{d}(net); f{d}(net)") for d in range(depth))
    ends = "".join(_at(d, f"g{d}(lambda m: g{d}(m))\ng{d}(g{d})") for d in range(depth - 1, 0, -1))
    return f"{heads}{_at(depth, 'net.eval()')}{ends}g0(g0)\n"


def _generators(depth: int) -> str:
    lines = "".join(
        f"def g{d}(m):\n    for x in g{d + 1}(m): yield x; yield m.eval()\n"
        f"    for x in g{d + 1}(m): yield x\n"
        for d in range(depth)
    )
    return f"{lines}def g{depth}(m): yield m\nfor q in g0(net): q(1)\n"


def _managers(depth: int) -> str:
    lines = "".join(
        f"@contextlib.contextmanager\ndef c{d}(m):\n    with c{d + 1}(m), c{d + 1}(m):\n"
        "        try:\n            yield m\n        finally:\n            m.train()\n"
        for d in range(depth)
    )
    last = f"@contextlib.contextmanager\ndef c{depth}(m):\n    yield m\n"
    return f"import contextlib\n{lines}{last}with c0(net): net(x)\n"


def _comprehensions(depth: int) -> str:
    clauses = "".join(f" for a{d} in [net, net.train()]" for d in range(depth))
    inner = "".join(f" for a{d} in [net, net] if net.train()]" for d in range(depth))
    return f"z = [net.eval(){clauses}]\ny = {'[' * depth}net.eval(){inner}\n"


def _properties(depth: int) -> str:
    lines = "".join(
        f"    @property\n    def p{d}(self): return (self.p{d + 1}, self.p{d + 1})\n"
        for d in range(depth)
    )
    last = f"    @property\n    def p{depth}(self): return self.eval()\n"
    return f"class A(nn.Module):\n{lines}{last}A().p0\n"


def _diamonds(depth: int) -> str:
    lines = "".join(
        f"class A{d + 1}(A{d}, B{d}):\n    def f(self): super().f(); self.g()\n"
        f"class B{d + 1}(A{d}, B{d}):\n    def g(self): super().f(); super().g()\n"
        for d in range(depth)
    )
    return f"class A0(nn.Module): pass\nclass B0(nn.Module): pass\n{lines}A{depth}().f()\n"


def _constructors(depth: int) -> str:
    lines = "".join(
        f"class A{d + 1}(A{d}):\n    def __init__(self):\n        super().__init__()\n"
        f"        super().__init__()\n        self.x = A{d}()\n"
        for d in range(depth)
    )
    return f"class A0(nn.Dropout): pass\n{lines}A{depth}().eval()(1)\n"


def _patterns(depth: int) -> str:
    return f"match x:\n  case {'[' * depth}a{']' * depth}: net.eval()\n"


SHAPES: Mapping[str, Callable[[int], str]] = {
    name.removeprefix("_").replace("_", "-"): shape
    for name, shape in list(globals().items())
    if callable(shape) and [*getattr(shape, "__annotations__", {})] == ["depth", "return"]
}


def program(shape: str, depth: int) -> str:
    """A whole program of a shape."""
    return f"{HEAD}{NET}{SHAPES[shape](depth)}"
