"""The version, where the build and the command both find it."""

from __future__ import annotations

__version__ = "0.1.0"
