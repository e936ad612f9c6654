"""``Program`` → facts: abstract interpretation of modes and gradients."""

from evalguard.flow.analysis import flow

__all__ = ["flow"]
