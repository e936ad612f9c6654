"""What rich can draw → text, with or without colours."""

from __future__ import annotations

import io
from collections.abc import Iterable

from rich.console import Console, RenderableType
from rich.text import Text


def styled(pieces: Iterable[tuple[str, str]], *, width: int) -> str:
    """Draw text in colours.

    Args:
        pieces: Stretches of it, each with its style.
        width: Columns of the terminal.
    """
    return drawn(Text.assemble(*pieces), width=width, color=True)


def drawn(content: RenderableType, *, width: int, color: bool) -> str:
    """Draw with rich into a string; text is neither wrapped nor read as markup."""
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
        _environ={},
    )
    with console.capture() as captured:
        console.print(content, soft_wrap=isinstance(content, Text), end="")
    return captured.get()
