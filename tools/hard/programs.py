"""A ``Random`` → a small program in the words that evalguard listens to, right or not."""

from __future__ import annotations

from random import Random

NAMES = ("net", "m", "x", "self", "model", "f", "g", "A", "B", "loader", "flag", "out")
LIBRARY = (
    "torch.nn.Dropout()", "torch.nn.Linear(2, 2)", "torch.nn.Sequential(net, m)",
    "torch.no_grad()", "torch.nn.BatchNorm1d(3)", "torch.load('f')", "torch.compile(net)",
    "copy.deepcopy(net)", "torch.nn.ModuleList([net, m])",
    "torch.optim.SGD(net.parameters(), 1)", "functools.partial(f, net)",
    "torch.set_grad_enabled(flag)", "torch.inference_mode()", "torch.nn.DataParallel(net)",
    "super().train(flag)", "type(net)", "getattr(net, 'eval')", "[*net.modules()]", "dict(a=net)",
    "zip(net, m)", "map(f, [net])", "globals()['net']", "net.training", "len(loader)", "{}", "[]",
)  # fmt: skip
SWITCHES = ("eval()", "train()", "train(flag)", "train(False)", "requires_grad_(False)", "eval")


class Grammar:
    """Writes one program; what it has written bounds what it still writes."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._left = rng.choice((6, 15, 40, 120))

    def program(self) -> str:
        """A whole file."""
        head = "import torch, copy, functools\nfrom torch import nn\n"
        return head + "".join(self._statement(0) for _ in range(self._rng.randrange(1, 12)))

    def _pick(self, *ways: str) -> str:
        return self._rng.choice(ways)

    def _block(self, depth: int) -> str:
        if depth > 8 or self._left <= 0:
            return "    " * depth + self._pick("pass", "return", "raise x", "yield x", "...") + "\n"
        return "".join(self._statement(depth) for _ in range(self._rng.randrange(1, 5)))

    def _statement(self, depth: int) -> str:
        self._left -= 1
        pad = "    " * depth
        if depth < 8 and self._left > 0 and self._rng.random() < 0.45:
            head = self._head()
            tail = self._tail(head, depth)
            return f"{self._decorators(head, pad)}{pad}{head}:\n{self._block(depth + 1)}{tail}"
        return f"{pad}{self._simple()}\n"

    def _decorators(self, head: str, pad: str) -> str:
        if not head.startswith(("def", "class", "async def")) or self._rng.random() < 0.7:
            return ""
        return f"{pad}@{self._pick('torch.no_grad()', 'property', 'staticmethod', self._name())}\n"

    def _head(self) -> str:
        name, value = self._name(), self._value(2)
        return self._pick(
            f"def {name}({self._parameters()})",
            f"async def {name}(self, *{self._name()})",
            f"class {name}({self._pick('nn.Module', self._name(), 'A, B', '')})",
            f"for {self._target()} in {value}", f"while {value}", f"if {value}", "if flag",
            f"with {value} as {self._target()}", "with torch.no_grad()", "try",
        )  # fmt: skip

    def _tail(self, head: str, depth: int) -> str:
        pad = "    " * depth
        if head == "try":
            kind = self._pick("finally", "except", f"except {self._name()} as e")
            return f"{pad}{kind}:\n{self._block(depth + 1)}"
        if head.startswith(("if", "for", "while")) and self._rng.random() < 0.4:
            return f"{pad}else:\n{self._block(depth + 1)}"
        return ""

    def _parameters(self) -> str:
        return ", ".join(dict.fromkeys(self._name() for _ in range(self._rng.randrange(4))))

    def _simple(self) -> str:
        return self._pick(
            f"{self._target()} = {self._value(3)}", f"{self._target()} = {self._value(3)}",
            f"{self._name()}.{self._pick(*SWITCHES)}", f"{self._name()}.{self._pick(*SWITCHES)}",
            self._value(4), f"return {self._value(2)}", "break", "continue", "loss.backward()",
            f"del {self._target()}", f"global {self._name()}",
            f"{self._name()} += {self._value(2)}",
            f"assert {self._value(2)}", f"raise {self._name()}", f"yield {self._value(2)}",
            f"from {self._name()} import *",
            f"import {self._name()}.{self._name()} as {self._name()}",
            f"{self._name()}: {self._name()} = {self._value(2)}", "optimizer.step()",
        )  # fmt: skip

    def _name(self) -> str:
        return self._pick(*NAMES)

    def _target(self) -> str:
        name = self._name()
        return self._pick(
            name,
            name,
            name,
            f"self.{name}",
            f"{name}.net",
            f"{name}[0]",
            f"{name}, *{self._name()}",
        )

    def _value(self, depth: int) -> str:
        name = self._name()
        if depth <= 0:
            return name
        inner = self._value(depth - 1)
        return self._pick(
            name, name, self._pick(*LIBRARY), self._pick(*LIBRARY),
            f"{inner}({self._value(depth - 1)})",
            f"{name}({inner})", f"{name}({inner})", f"{inner}.{name}",
            f"{inner}.{self._pick(*SWITCHES)}",
            f"{name}.item()", f"[{inner} for {name} in {self._name()}]", f"{{'a': {inner}}}['a']",
            f"({inner} if flag else {name})", f"(lambda {name}: {inner})", f"({name} := {inner})",
            f"({inner}, *{name})", f"{name}(*{inner}, **{name})", f"not {inner}",
            f"{inner} and {name}",
            f"{inner}[{name}]", f"f'{{{name}}}'", f"{name} == {inner}", f"{name}.__call__({inner})",
            f"(await {inner})", f"super().{name}({inner})",
        )  # fmt: skip
