"""What the command's exit codes mean."""

from __future__ import annotations

CLEAN, FOUND, COULD_NOT_RUN, INTERRUPTED = 0, 1, 2, 130
