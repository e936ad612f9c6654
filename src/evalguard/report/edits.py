"""What a report needs to know of the edits that would mend a finding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evalguard.finding import Finding, Result
from evalguard.places import Place
from evalguard.records import NamedTuple


class PlacedEdit(NamedTuple):
    """A piece of text that takes another's place; an insertion has an empty span."""

    place: Place
    text: str


Edits = Mapping[Finding, Sequence[PlacedEdit]]
NO_EDITS: Edits = {}


def none_known(_: Result) -> Edits:
    """Know of no edits."""
    return NO_EDITS


def edits_in_file(finding: Finding, edits: Edits) -> Sequence[PlacedEdit]:
    """The edits of a finding, by the lines of its file; none in a notebook, whose file is JSON."""
    return () if finding.place.cell else edits.get(finding, ())
