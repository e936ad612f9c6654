"""Findings at a place → code actions: to mend, to ignore, to mend all.

An action names what it does; the edit, which takes a check or two, is made when it is chosen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any

from lsprotocol.types import (
    CodeAction,
    CodeActionKind,
    OptionalVersionedTextDocumentIdentifier,
    Range,
    TextDocumentEdit,
    WorkspaceEdit,
)

from evalguard.finding import Finding
from evalguard.server.telling import Look, diagnostic
from evalguard.suppress.notices import CODES, UNUSED

FIX_ALL = "source.fixAll.evalguard"
KINDS = (CodeActionKind.QuickFix.value, FIX_ALL)


class Act(Enum):
    """What an action does."""

    MEND = "mend"
    MEND_ALL = "mend all"
    IGNORE = "ignore"
    UNCOMMENT = "take the comment away"


def actions(look: Look, where: Range, only: Sequence[str] | None) -> list[CodeAction]:
    """Tell what can be done about what is found at a place.

    Args:
        look: What is found in the text.
        where: The place.
        only: The kinds of actions that are asked for; None for all.

    Returns:
        Actions without edits.
    """
    found: list[CodeAction] = []
    if _is_asked(KINDS[0], only):
        for number, finding in look.at(where):
            found += _about(look, number, finding)
    if _is_asked(FIX_ALL, only) and any(map(_is_mended_safely, look.findings)):
        title = "evalguard: make all safe fixes"
        found.append(CodeAction(title, kind=FIX_ALL, data=_data(look, Act.MEND_ALL)))
    return found


def change(look: Look, data: Mapping[str, Any], versioned: bool) -> WorkspaceEdit:
    """Make the edit of an action.

    Args:
        look: What is found in the text, in the version that the action is for.
        data: The action's.
        versioned: Whether the client understands to which version an edit belongs.

    Raises:
        NotMended: It can't be made.
    """
    edits = look.measure.edits(_changed(look, Act(data["act"]), data["number"]))
    if not versioned:
        return WorkspaceEdit(changes={look.uri: edits})
    document = OptionalVersionedTextDocumentIdentifier(look.uri, look.version)
    return WorkspaceEdit(document_changes=[TextDocumentEdit(document, [*edits])])


def _changed(look: Look, act: Act, number: int) -> str:
    """The text as it is to be."""
    if act is Act.MEND_ALL:
        return look.bench.all_mended()
    finding = look.findings[number]
    if act is Act.MEND:
        return look.bench.mended(finding)
    if act is Act.IGNORE:
        return look.bench.ignored(finding)
    return look.bench.without_comment(finding)


def _about(look: Look, number: int, finding: Finding) -> Iterator[CodeAction]:
    if finding.code == UNUSED.code:
        yield _quick(look, number, Act.UNCOMMENT, "Take away the idle comment", preferred=True)
    if finding.fix and look.bench.can_mend(finding):
        safe = finding.fix.safe
        doubt = "" if safe else " (may change behaviour)"
        yield _quick(look, number, Act.MEND, f"Fix {finding.rule}{doubt}", preferred=safe)
    if finding.code not in CODES:
        yield _quick(look, number, Act.IGNORE, f"Ignore {finding.rule} here")


def _quick(
    look: Look, number: int, act: Act, title: str, preferred: bool | None = None
) -> CodeAction:
    return CodeAction(
        title,
        kind=CodeActionKind.QuickFix,
        diagnostics=[diagnostic(look, look.findings[number])],
        is_preferred=preferred or None,
        data=_data(look, act, number),
    )


def _data(look: Look, act: Act, number: int = 0) -> dict[str, Any]:
    return {"uri": look.uri, "version": look.version, "act": act.value, "number": number}


def _is_asked(kind: str, only: Iterable[str] | None) -> bool:
    """Whether a kind of actions, or one that it belongs to, is asked for."""
    return only is None or any(f"{kind}.".startswith(f"{asked}.") for asked in only)


def _is_mended_safely(finding: Finding) -> bool:
    return finding.code == UNUSED.code or bool(finding.fix and finding.fix.safe)
