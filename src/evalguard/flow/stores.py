"""A method → the attributes that it sets on its object, by its text alone."""

from __future__ import annotations

from evalguard.events import Function


def stored(function: Function) -> tuple[str, ...]:
    """The attributes that a method sets on its object."""
    if not function.params:
        return ()
    me = f"{function.params[0].name}."
    return tuple(
        [
            text[len(me) : -1]
            for text in function.mentions
            if text[-1] == "=" and text.startswith(me) and text.count(".") == 1
        ]
    )
