"""Statements with blocks, for generated programs."""

from __future__ import annotations

from truth.scope import Scope
from truth.writer import Program, Table


def when(p: Program, scope: Scope) -> None:
    p.write(f"if {p.condition(scope)}:")
    p.block(scope.block(), p.size())
    if p.chance(0.25):
        p.write(f"elif {p.condition(scope)}:")
        p.block(scope.block(), p.size())
    if p.chance(0.5):
        p.write("else:")
        p.block(scope.block(), p.size())


def loop(p: Program, scope: Scope) -> None:
    heads = ["for _ in range(2):", "for step in range(3):", "for x in xs:", "while True:"]
    heads.append(f"for x in {p.use('batches')}():")
    heads.append("for number, each in enumerate(xs):")
    head = p.dice.choice(heads)
    if head.startswith("while"):
        count = p.fresh("count")
        p.write(f"{count} = 0")
        p.write(f"while {count} < 2:")
        p.write(f"    {count} += 1")
    else:
        p.write(head)
    p.block(scope.block(in_loop=True), p.size())
    if p.chance(0.1):
        p.write("else:")
        p.block(scope.block(), 1)


def loop_over_shelf(p: Program, scope: Scope) -> None:
    if not scope.shelves:
        return
    name = p.dice.choice(sorted(scope.shelves))
    kind, net = scope.shelves[name], p.fresh("net")
    inner = scope.block(in_loop=True)
    inner.modules[net] = ""
    if kind == "dict":
        heads = [f"for {net} in {name}.values():", f"for key, {net} in {name}.items():"]
        p.write(p.dice.choice(heads))
    elif kind == "box":
        p.write(f"for {net} in ({name}.a, {name}.b):")
    else:
        p.write(p.dice.choice([f"for {net} in {name}:", f"for at, {net} in enumerate({name}):"]))
    if scope.doubts(name):
        inner.doubtful.add(net)
    p.block(inner, p.size())


def without_gradients(p: Program, scope: Scope) -> None:
    flag = p.flag(scope)
    if p.chance(0.15):  # what is made there can't be trained, so nothing is
        p.write("with torch.inference_mode():")
        p.write(f"    y = {p.module(scope)}(x).argmax(1)")
        return
    texts = (
        "torch.no_grad()", "torch.no_grad()", "torch.no_grad()", "torch.enable_grad()",
        f"torch.set_grad_enabled({flag})",
    )  # fmt: skip
    p.write(f"with {p.dice.choice(texts)}:")
    p.block(scope.block(sure=False), p.size())


def in_context(p: Program, scope: Scope) -> None:
    net = p.module(scope, 0.05, switched=True)
    if p.chance(0.6):
        text = f"{p.use('evaluating')}({net})"
    else:
        text = f"{p.use('Mode')}({net}, {p.flag(scope)})"
    both = p.chance(0.3)
    p.write(f"with {text}, torch.no_grad():" if both else f"with {text}:")
    p.block(scope.block(sure=False if both else None), p.size())


def tried(p: Program, scope: Scope) -> None:
    p.write("try:")
    risky = p.chance(0.5) and p.coins >= 2
    p.block(scope.block(), p.size())
    if risky:
        p.coins -= 2
        p.write("    if random.random() < 0.5:")
        p.write("        raise ValueError")
        p.block(scope.block(), 1)
        p.write("except ValueError:")
        p.block(scope.block(), 1)
        if p.chance(0.3):
            p.write("else:")
            p.block(scope.block(), 1)
    if not risky or p.chance(0.4):
        p.write("finally:")
        p.block(_home(scope), 1)


def _home(scope: Scope) -> Scope:
    """A block that nothing leaves early: what is on its way out would be swallowed."""
    inner = scope.block()
    inner.gives, inner.in_loop = None, False
    return inner


def toggled(p: Program, scope: Scope) -> None:
    p.write("torch.set_grad_enabled(False)")
    inner = _home(scope)
    inner.sure = False
    p.indent -= 1
    p.block(inner, p.size())
    p.indent += 1
    p.write("torch.set_grad_enabled(True)")


def matched(p: Program, scope: Scope) -> None:
    if not p.coins:
        return
    p.coins -= 1
    name = p.fresh("phase")
    p.write(f"{name} = 'train' if random.random() < 0.5 else 'val'")
    if p.chance(0.5):
        p.write(f"match {name}:")
        p.indent += 1
        p.write("case 'train':")
        p.block(scope.block(), p.size())
        p.write("case _:")
        p.block(scope.block(), p.size())
        p.indent -= 1
        return
    p.write(f"{p.module(scope, switched=True)}.train({name} == 'train')")
    p.write(f"if {name} == 'train':")
    p.block(scope.block(), p.size())
    p.write("else:")
    p.block(scope.block(), p.size())


def phases(p: Program, scope: Scope) -> None:
    net = p.module(scope, 0, switched=True)
    p.write("for phase in ('train', 'val'):")
    p.write(f"    {net}.train(phase == 'train')")
    p.write("    with torch.set_grad_enabled(phase == 'train'):")
    p.indent += 1
    p.block(scope.block(in_loop=True, sure=False), 1)
    p.indent -= 1


COMPOUND: Table = (
    (7, when), (6, loop), (4, loop_over_shelf), (6, without_gradients), (4, in_context),
    (4, tried), (1, toggled), (2, matched), (2, phases),
)  # fmt: skip
