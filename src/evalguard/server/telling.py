"""What is found in an open text → diagnostics, and the rule's page for one that is pointed at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from lsprotocol.types import (
    Diagnostic,
    DiagnosticRelatedInformation,
    DiagnosticSeverity,
    DiagnosticTag,
    Location,
    Range,
)

from evalguard.finding import FileError, Finding, Severity
from evalguard.places import Place
from evalguard.records import NamedTuple
from evalguard.report.markdown import page
from evalguard.report.words import in_cell, visible
from evalguard.rules import load
from evalguard.server.bench import Bench
from evalguard.server.measure import Measure, meet
from evalguard.suppress.notices import NOTICES, UNUSED

SOURCE = "evalguard"
SEVERITIES = {
    Severity.ERROR: DiagnosticSeverity.Error,
    Severity.WARNING: DiagnosticSeverity.Warning,
    Severity.NOTE: DiagnosticSeverity.Information,
}

Locate = Callable[[Place], Location]


class Look(NamedTuple):
    """What was found in one version of a document; ``locate`` tells places in any file."""

    uri: str
    version: int | None
    bench: Bench
    measure: Measure
    locate: Locate

    @property
    def findings(self) -> Sequence[Finding]:
        """In the order of their places."""
        return self.bench.result.findings

    def at(self, where: Range) -> Iterator[tuple[int, Finding]]:
        """The findings that a range meets, with their numbers."""
        for number, finding in enumerate(self.findings):
            if meet(self.measure.range(finding.place), where):
                yield number, finding


def diagnostics(look: Look) -> list[Diagnostic]:
    """Tell what is found, and what can't be checked."""
    found = [diagnostic(look, finding) for finding in look.findings]
    return found + [_fault(look, error) for error in look.bench.result.errors]


def diagnostic(look: Look, finding: Finding) -> Diagnostic:
    """Tell a finding."""
    advice = f"\nhelp: {visible(finding.help)}" if finding.help else ""
    text = f"{in_cell(finding.place.cell)}{visible(finding.message)} ({finding.confidence.word})"
    return Diagnostic(
        range=look.measure.range(finding.place),
        message=text + advice,
        severity=SEVERITIES[finding.severity],
        code=finding.code,
        source=SOURCE,
        tags=[DiagnosticTag.Unnecessary] if finding.code == UNUSED.code else None,
        related_information=[
            DiagnosticRelatedInformation(
                look.locate(item.place), in_cell(item.place.cell) + visible(item.message)
            )
            for item in finding.evidence
        ],
    )


def fault(reason: str, where: Range) -> Diagnostic:
    """Tell why a text can't be checked: no defect, and others may tell it, too."""
    text = f"could not be checked: {visible(reason)}"
    return Diagnostic(where, text, severity=DiagnosticSeverity.Information, source=SOURCE)


def _fault(look: Look, error: FileError) -> Diagnostic:
    return fault(in_cell(error.cell) + error.reason, look.measure.line(error.file_line))


def pages(look: Look, where: Range) -> str:
    """The pages of what is found at a place, as Markdown; empty if that is nothing."""
    names = dict.fromkeys(finding.rule for _, finding in look.at(where))
    known = {rule.name: rule for rule in (*load(), *NOTICES)}
    return "\n---\n\n".join(page(known[name]) for name in names)
