"""A seed → a program that switches modes and gradients and calls modules.

Programs never fail, each loop runs at least once, and whatever decides is a constant, a mode or a
coin (``random.random() < 0.5``), so that running all ways shows all that can happen.
"""

from __future__ import annotations

from truth.blocks import COMPOUND
from truth.prelude import prelude
from truth.statements import SIMPLE
from truth.wholes import compose
from truth.writer import Program


def written(seed: int, gaps: bool = False) -> str:
    """The program of a seed.

    Args:
        seed: A number.
        gaps: Whether it may have shapes of which it is known that beliefs go wrong.
    """
    program = Program(seed, SIMPLE, COMPOUND, gaps)
    compose(program)
    return prelude(program.used) + "\n\n" + "\n".join(program.lines) + "\n"
