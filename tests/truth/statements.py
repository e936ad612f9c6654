"""Statements of one line or a few, for generated programs."""

from __future__ import annotations

from truth.scope import Callee, Scope
from truth.writer import Program, Table


def switch(p: Program, scope: Scope) -> None:
    net = p.module(scope, 0.25, switched=True)
    ways = [".eval()", ".train()", ".eval()", ".train()", ".train(False)", ".train(mode=True)"]
    p.write(net + p.dice.choice(ways))


def switch_by_flag(p: Program, scope: Scope) -> None:
    p.write(f"{p.module(scope, switched=True)}.train({p.flag(scope)})")


def switch_children(p: Program, scope: Scope) -> None:
    net, way = (
        p.module(scope, switched=True),
        p.dice.choice(["children", "modules"] if p.gaps else ["modules"]),
    )
    if p.chance(0.5):
        p.write(f"for part in {net}.{way}():")
        p.write(f"    part.{p.dice.choice(['eval', 'train'])}()")
    else:
        p.write(f"{net}.apply(lambda part: part.{p.dice.choice(['eval', 'train'])}())")


def call(p: Program, scope: Scope) -> None:
    p.write(f"y = {p.module(scope)}({p.dice.choice(['x', 'x', 'xs[0]', 'x * 2'])})")


def call_twice(p: Program, scope: Scope) -> None:
    p.write(f"y = {p.module(scope)}({p.module(scope)}(x))")


def call_all(p: Program, scope: Scope) -> None:
    net = p.module(scope)
    ways = (
        f"ys = [{net}(each) for each in xs]",
        f"ys = list(map({net}, xs))",
        f"total = sum({net}(each).sum().item() for each in xs)",
        f"ys = {{number: {net}(each) for number, each in enumerate(xs)}}",
        f"y = functools.reduce(lambda so_far, each: so_far + {net}(each), xs, x)",
    )
    p.write(p.dice.choice(ways))


def learn(p: Program, scope: Scope) -> None:
    net = p.module(scope, 0.05)
    if scope.sure and not p.used & {"Frozen"}:
        p.write(f"loss = {net}(x).pow(2).mean()")
        p.write("if loss.requires_grad:")
        p.write("    loss.backward()")
    else:
        p.write(f"{p.use('learn')}({net}(x).sum())")


def alias(p: Program, scope: Scope) -> None:
    net = p.module(scope, 0.2)
    p.bind(scope, net, scope.modules.get(net, ""), scope.doubts(net))


def make(p: Program, scope: Scope) -> None:
    p.bind(scope, *p.made())


def wrap(p: Program, scope: Scope) -> None:
    if not scope.in_loop:
        p.bind(scope, *p.wrapped(scope))


def either(p: Program, scope: Scope) -> None:
    p.bind(scope, f"{p.module(scope)} if {p.condition(scope)} else {p.module(scope)}", "", True)


def swap(p: Program, scope: Scope) -> None:
    own = sorted(name for name in scope.own if name in scope.modules)
    if len(own) > 1:
        one, other = p.dice.sample(own, 2)
        p.write(f"{one}, {other} = {other}, {one}")
        scope.modules[one], scope.modules[other] = scope.modules[other], scope.modules[one]
        if scope.depth:
            scope.modules[one] = scope.modules[other] = ""
        if scope.depth > min(scope.born[one], scope.born[other]) or scope.doubtful & {one, other}:
            scope.doubtful |= {one, other}


def set_flag(p: Program, scope: Scope) -> None:
    name, text = p.fresh("flag"), p.condition(scope)
    p.write(f"{name} = {text}")
    scope.flags.append(name)


def shelve(p: Program, scope: Scope) -> None:
    one, other, name = p.module(scope), p.module(scope), p.fresh("nets")
    kind = p.dice.choice(["list", "tuple", "dict", "box", "modules", "grown"])
    texts = {
        "list": f"[{one}, {other}]",
        "tuple": f"({one}, {other})",
        "dict": f"{{'a': {one}, 'b': {other}}}",
        "box": f"SimpleNamespace(a={one}, b={other})",
        "modules": f"nn.ModuleList([{one}, {other}])",
        "grown": "[]",
    }
    p.write(f"{name} = {texts[kind]}")
    if kind == "grown":
        p.write(f"{name}.append({one})")
        p.write(f"{name}.append({other})")
    scope.shelves[name] = kind
    keys = {"dict": ("['a']", "['b']"), "box": (".a", ".b")}.get(kind, ("[0]", "[1]"))
    for key, net in zip(keys, (one, other), strict=True):
        scope.modules[name + key] = scope.modules.get(net, "")
        if scope.doubts(net):
            scope.doubtful |= {name, name + key}


def unpack(p: Program, scope: Scope) -> None:
    shelves = sorted(name for name, kind in scope.shelves.items() if kind in ("list", "tuple"))
    if shelves:
        one, other = p.fresh("net"), p.fresh("net")
        p.write(f"{one}, {other} = {p.dice.choice(shelves)}")
        scope.modules.update({one: "", other: ""})
        scope.own |= {one, other}
        scope.born |= {one: scope.depth, other: scope.depth}
        scope.doubtful |= {one, other}


def save_and_restore(p: Program, scope: Scope) -> None:
    net, was = p.module(scope, switched=True), p.fresh("was")
    p.write(f"{was} = {net}.training")
    p.write(f"{net}.{p.dice.choice(['eval', 'eval', 'train'])}()")
    p.write(f"y = {p.module(scope)}(x)")
    p.write(f"{net}.train({was})")


def invoke(p: Program, scope: Scope) -> None:
    if not p.callees:
        return
    callee = p.dice.choice(p.callees)
    text = f"{callee.name}({', '.join(arguments(p, scope, callee))})"
    if callee.gives == "module":
        p.bind(scope, text, "", callee.doubtful)
    elif callee.gives == "closure" and not scope.in_loop:
        p.write(f"run = {text}")
        p.write("y = run(x)")
    elif callee.gives == "generator":
        p.write(f"for y in {text}:")
        if p.gaps:
            p.statement_of(scope.block(in_loop=True))
        else:
            p.write("    total = y.sum()")
    else:
        p.write(f"y = {text}" if callee.gives == "tensor" else text)


def arguments(p: Program, scope: Scope, callee: Callee) -> list[str]:
    out = []
    for kind in callee.parameters:
        if kind == "module":
            out.append(p.module(scope, 0.05, switched=True))
        else:
            out.append({"count": "2", "more": "True"}.get(kind) or p.flag(scope))
    return out


def closure(p: Program, scope: Scope) -> None:
    net, name = p.module(scope, switched=True), p.fresh("run")
    if p.chance(0.4):
        p.write(f"{name} = lambda given: {net}(given)")
    elif p.chance(0.4):
        p.write(f"{name} = functools.partial({net}, x)")
        p.write(f"y = {name}()")
        return
    else:
        p.write(f"def {name}(given):")
        p.indent += 1
        if p.chance(0.5):
            p.write(f"{net}.{p.dice.choice(['eval', 'train'])}()")
        p.write(f"return {net}(given)")
        p.indent -= 1
    if p.chance(0.4):
        switch(p, scope)
    p.write(f"y = {name}(x)")


def hold(p: Program, scope: Scope) -> None:
    name, net = p.fresh("holder"), p.module(scope, switched=True)
    p.write(f"{name} = {p.use('Holder')}({net})")
    if p.chance(0.6):
        p.write(f"{name}.{p.dice.choice(['eval', 'train'])}()")
    p.write(f"y = {name}(x)")
    scope.modules[f"{name}.net"] = scope.modules.get(net, "")


def predict(p: Program, scope: Scope) -> None:
    each = scope.modules.items()
    children = [text for text, kind in each if kind == "Child" and not scope.doubts(text)]
    if children:
        net = p.dice.choice(children)
        p.write(p.dice.choice([f"y = {net}.predict(x)", f"{net}.freeze()"]))


def leave(p: Program, scope: Scope) -> None:
    """An early exit, if there is something to leave."""
    if p.coins < 2 or (scope.gives in (None, "generator") and not scope.in_loop):
        return
    p.coins -= 2
    p.write("if random.random() < 0.5:")
    words = ["break", "continue"] if scope.in_loop else []
    if scope.gives is not None and scope.gives != "generator":
        words.append(given_back(p, scope))
    p.write(f"    {p.dice.choice(words)}")


def given_back(p: Program, scope: Scope) -> str:
    """The statement with which a function returns what it gives."""
    net = p.module(scope, 0)
    texts = {
        "module": f"return {net}",
        "tensor": f"return {net}(x)",
        "closure": f"return lambda given: {net}(given)",
    }
    return texts.get(scope.gives or "", "return")


SIMPLE: Table = (
    (10, switch), (4, switch_by_flag), (2, switch_children), (12, call), (2, call_twice),
    (4, call_all), (6, learn), (4, alias), (3, make), (5, wrap), (2, either), (1, swap),
    (3, set_flag), (3, shelve), (1, unpack), (3, save_and_restore), (8, invoke), (3, closure),
    (3, hold), (2, predict), (3, leave),
)  # fmt: skip
