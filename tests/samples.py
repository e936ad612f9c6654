"""Findings and results made by hand, for tests of what comes after the rules."""

from __future__ import annotations

from evalguard.finding import Confidence, Evidence, FileError, Finding, Result, Severity
from evalguard.places import Place, Span


def place(path: str, line: int, column: int, end_column: int, end_line: int = 0) -> Place:
    return Place(path, Span(line, column, end_line or line, end_column))


def finding(
    at: Place,
    *evidence: tuple[Place, str],
    code: str = "EG101",
    rule: str = "inference-without-eval",
    severity: Severity = Severity.ERROR,
    confidence: Confidence = Confidence.CERTAIN,
    message: str = "`net` is called for inference in train mode",
    help: str = "call `net.eval()` before",  # noqa: A002 (as the field is named)
) -> Finding:
    return Finding(
        code=code,
        rule=rule,
        severity=severity,
        confidence=confidence,
        message=message,
        place=at,
        evidence=tuple(Evidence(where, what) for where, what in evidence),
        help=help,
    )


def note(at: Place) -> Finding:
    return finding(
        at,
        code="EG201",
        rule="eval-without-no-grad",
        severity=Severity.NOTE,
        confidence=Confidence.LIKELY,
        message="gradients are recorded for nothing",
        help="",
    )


PROGRAM = {
    "app/run.py": (
        "from app.net import Net",
        "",
        "net = Net()",
        "net.train()",
        "for x in loader:",
        "    out = net(",
        "        x)",
        "    print(out)",
    ),
    "app/net.py": ("class Net(Module):", "\tdrop = Dropout()  # naïve"),
}

ERROR = finding(
    place("app/run.py", 6, 11, 11, end_line=7),
    (place("app/net.py", 2, 9, 18), "drops in train mode"),
    (place("app/run.py", 3, 7, 12), "built here, in train mode"),
    (place("app/run.py", 4, 1, 12), "put in train mode here"),
)
NOTE = note(place("app/run.py", 8, 5, 10))
BROKEN = FileError("app/broken.py", "syntax error: invalid syntax", 3, 7)
LOST = FileError("app/lost.py", "can't be read: permission denied")
MIXED = Result((ERROR, NOTE), (BROKEN, LOST), 12)
CLEAN = Result((), (), 1)


def lines_of(path: str, _: int | None = None) -> tuple[str, ...]:
    return PROGRAM.get(path, ())


NET = """\
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout()

    def forward(self, x):
        return self.drop(x)
"""
HELPER = """\
import torch


def predict(net, x):
    with torch.no_grad():
        return net(x)
"""
