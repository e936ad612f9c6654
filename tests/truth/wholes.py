"""Functions, classes and the main part of generated programs."""

from __future__ import annotations

from truth.prelude import MADE
from truth.scope import Callee, Scope
from truth.statements import given_back
from truth.writer import Program


def compose(p: Program) -> None:
    """A few functions, perhaps a class, and what uses them."""
    for _ in range(p.dice.randint(0, 3)):
        p.dice.choices([function, recursive, generator, factory], [6, 1, 1, 2])[0](p)
    name = trainer(p) if p.chance(0.35) else ""
    kind = p.dice.choice([0, 1, 2])
    heads = ("if __name__ == '__main__':", "def main():")
    if kind < 2:
        p.write(heads[kind])
        p.indent += 1
    main(p, name, kind == 1)
    if kind < 2:
        p.indent -= 1
    if kind == 1:
        p.write("")
        p.write("")
        p.write("main()")


def main(p: Program, name: str, function: bool) -> None:
    """The statements that everything starts from."""
    scope = Scope(sure=True, gives="none" if function else None)
    for _ in range(p.dice.randint(1, 2)):
        p.bind(scope, *p.made())
    if function:
        p.write("x = torch.randn(4, 8)")
    if name:
        p.write(f"trainer = {name}({p.module(scope, 0)})")
        scope.modules["trainer.net"] = ""
        scope.modules["trainer.twin"] = ""
    for _ in range(p.dice.randint(4, 9)):
        p.statement(scope)
    p.write(f"y = {p.module(scope)}(x)")


def function(p: Program) -> None:
    """A function of one or two modules, perhaps decorated."""
    name, gives = p.fresh("step"), p.dice.choice(["none", "none", "tensor", "module", "closure"])
    parameters = ["module"] * p.dice.randint(1, 2) + ["flag"] * p.chance(0.4)
    names = [f"arg{number}" for number, _ in enumerate(parameters)]
    if p.chance(0.25):
        ways = ["@torch.no_grad()", "@torch.no_grad()", "@in_eval", "@torch.enable_grad()"]
        decorator = p.dice.choice(ways)
        p.write(decorator)
        if decorator == "@in_eval":
            p.use("in_eval")
    inner = Scope().function(gives)
    inner.depth = 1
    for each, kind in zip(names, parameters, strict=True):
        if kind == "module":
            inner.modules[each] = ""
            inner.own.add(each)
            inner.born[each] = inner.depth
        else:
            inner.flags.append(each)
    p.write(f"def {name}({', '.join(names)}, x=x):")
    p.block(inner, p.size() + 1)
    p.write(f"    {given_back(p, inner)}")
    doubtful = exits(p, name) > 1 or bool(inner.doubtful)
    p.callees.append(Callee(name, tuple(parameters), gives, doubtful))
    end(p)


def exits(p: Program, name: str) -> int:
    """How many ``return`` a function has that was just written."""
    start = max(at for at, line in enumerate(p.lines) if line.startswith(f"def {name}("))
    return sum(line.strip().startswith("return") for line in p.lines[start:])


def recursive(p: Program) -> None:
    """A function that calls itself: once, or until it has done so often enough."""
    name = p.fresh("again")
    inner = Scope({"net": ""}).function("none")
    p.write(f"def {name}(net, {'count' if p.gaps else 'more'}, x=x):")
    p.block(inner, p.size())
    p.write("    if count > 0:" if p.gaps else "    if more:")
    p.write(f"        {name}(net, {'count - 1' if p.gaps else 'False'})")
    if p.chance(0.5):
        p.block(inner, 1)
    end(p)
    p.callees.append(Callee(name, ("module", "count" if p.gaps else "more"), "none"))


def generator(p: Program) -> None:
    """A function that calls a module for whoever asks."""
    name = p.fresh("each")
    p.write(f"def {name}(net, x=x):")
    if p.chance(0.5):
        p.write("    net.eval()")
    p.write("    for given in xs:")
    p.write("        yield net(given)")
    if p.chance(0.5):
        p.write("    net.train()")
    end(p)
    p.callees.append(Callee(name, ("module",), "generator"))


def factory(p: Program) -> None:
    """A function that makes a module, perhaps in eval mode."""
    name = p.fresh("make")
    inner = Scope().function("module")
    p.write(f"def {name}(flag, x=x):")
    p.indent += 1
    inner.flags.append("flag")
    p.bind(inner, *p.made())
    p.indent -= 1
    p.block(inner, p.size())
    p.write(f"    {given_back(p, inner)}")
    doubtful = exits(p, name) > 1 or bool(inner.doubtful)
    p.callees.append(Callee(name, ("flag",), "module", doubtful))
    end(p)


def trainer(p: Program) -> str:
    """A class that holds a module and a copy of it, and methods on both."""
    name = p.fresh("Trainer")
    p.write(f"class {name}:")
    p.indent += 1
    p.write("def __init__(self, net):")
    p.write("    self.net = net")
    p.write(f"    self.twin = {p.dice.choice(['copy.deepcopy(net)', 'net', MADE['Pair']])}")
    if p.chance(0.5):
        p.write(f"    self.twin.{p.dice.choice(['eval', 'train'])}()")
    methods = [method(p, number) for number in range(p.dice.randint(1, 3))]
    p.indent -= 1
    end(p)
    p.callees += [Callee(f"trainer.{each}", (), "none") for each in methods]
    return name


def method(p: Program, number: int) -> str:
    """A method on the held modules; later ones may call earlier ones."""
    name = p.fresh("run")
    p.write("")
    if p.chance(0.2):
        p.write("@torch.no_grad()")
    inner = Scope({"self.net": "", "self.twin": ""}).function("none")
    p.write(f"def {name}(self, x=x):")
    p.block(inner, p.size())
    if number and p.chance(0.6):
        p.write(f"    self.{p.lines and previous(p)}()")
        p.block(inner, 1)
    return name


def previous(p: Program) -> str:
    """The name of the method written before."""
    heads = [line.strip() for line in p.lines if line.strip().startswith("def run")]
    methods = [head for head in heads if "(self" in head]
    return methods[-2].removeprefix("def ").partition("(")[0]


def end(p: Program) -> None:
    """Blank lines behind a definition."""
    p.write("")
    p.write("")
