"""A static checker that follows PyTorch's train/eval mode and autograd state through a program.

The public names; they are imported when first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalguard._version import __version__

if TYPE_CHECKING:
    from evalguard.check import Options, check_paths, check_source
    from evalguard.finding import Finding, Result

__all__ = ["Finding", "Options", "Result", "__version__", "check_paths", "check_source"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    home = "evalguard.finding" if name in {"Finding", "Result"} else "evalguard.check"
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted(__all__)
