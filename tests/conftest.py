"""What holds for all tests: results are kept where nobody else looks."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep results, of commands in processes of their own as well, in a folder of this run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "EVALGUARD_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield
