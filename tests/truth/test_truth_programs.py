"""Programs written by hand: what evalguard believes of each call is what torch does there."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", minversion="2.9")
if sys.version_info < (3, 11):
    pytest.skip("frames tell no columns", allow_module_level=True)

from literate import Case
from truth.programs import faults, judged, programs, texts_of


@pytest.mark.parametrize("case", programs(), ids=lambda case: f"{case.page}: {case.title}")
def test_programs(case: Case, tmp_path: Path) -> None:
    found = judged(texts_of(case), tmp_path.resolve(), list(case.files)[-1])
    assert found, "no module is called"
    assert not (faulty := list(faults(case, found))), "\n".join(faulty)
