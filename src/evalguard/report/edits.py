"""What a report needs to know of the edits that would mend a finding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from evalguard.finding import Finding
from evalguard.places import Span


class Edit(Protocol):
    """A piece of text that takes another's place; an insertion has an empty span."""

    @property
    def span(self) -> Span:
        """Where."""

    @property
    def text(self) -> str:
        """The new text."""


Edits = Mapping[Finding, Sequence[Edit]]
NO_EDITS: Edits = {}


def edits_in_file(finding: Finding, edits: Edits) -> Sequence[Edit]:
    """The edits of a finding, by the lines of its file; none in a notebook, whose file is JSON."""
    return () if finding.place.cell else edits.get(finding, ())
