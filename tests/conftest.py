"""What holds for all tests: results are kept where nobody else looks, and interrupts are heard."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep results, of commands in processes of their own as well, in a folder of this run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "EVALGUARD_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def interrupts() -> None:
    """Commands inherit that interrupts are ignored, as they are by what a script has put behind."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
