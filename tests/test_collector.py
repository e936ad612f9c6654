"""The collector rests during a check, and only then."""

from __future__ import annotations

import gc
from contextlib import suppress
from pathlib import Path

import pytest

from evalguard.check import check_paths
from evalguard.collector import at_rest


@pytest.mark.parametrize("enabled", [True, False])
def test_it_is_afterwards_as_it_was(enabled: bool) -> None:
    was = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        with suppress(KeyError), at_rest():
            assert not gc.isenabled()
            raise KeyError
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if was else gc.disable)()


def test_a_check_leaves_next_to_nothing_to_collect(tmp_path: Path) -> None:
    lines = [
        f"def f{i}(x):\n    return f{i + 1}(x) if x else [x for x in range({i})]"
        for i in range(300)
    ]
    path = tmp_path / "long.py"
    path.write_text("import torch\n" + "\n".join(lines), encoding="utf-8")
    check_paths([str(path)])
    gc.collect()
    gc.disable()
    try:
        check_paths([str(path)])
        assert gc.collect() == 0
    finally:
        gc.enable()
