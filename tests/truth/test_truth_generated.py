"""Generated programs: nothing that evalguard believes of their calls is refuted by running them."""

from __future__ import annotations

import sys

import pytest

pytest.importorskip("torch", minversion="2.9")
if sys.version_info < (3, 11):
    pytest.skip("frames tell no columns", allow_module_level=True)

from truth.law import Outcome
from truth.tally import Tally, generated, share

EACH = 100
EXACT = 95.0


@pytest.mark.parametrize("start", range(0, 2 * EACH, EACH))
def test_nothing_is_refuted_and_nearly_all_is_known(start: int) -> None:
    tally = Tally()
    for case in generated(range(start, start + EACH)):
        tally.add(case)
        refuted = case.told(Outcome.REFUTED)
        assert not refuted, "\n".join([case.text, *refuted])
    for counts in (tally.sites, tally.within, tally.inert):
        assert share(counts, Outcome.EXACT) >= EXACT, tally.table()
