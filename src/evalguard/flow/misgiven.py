"""What a switch is given → how that is no mode, as far as the values are known."""

from __future__ import annotations

from evalguard.events import Call
from evalguard.flow.atoms import Atom, Cls, Fun, Inert, Lit, Value
from evalguard.flow.core import Arguments
from evalguard.flow.showing import show
from evalguard.flow.values import constant

MODE_WORDS = frozenset((
    "train", "training", "eval", "evaluate", "evaluation", "test", "testing", "val", "valid",
    "validation", "inference", "predict",
))  # fmt: skip


def misgiven(effect: str, args: Arguments) -> str:
    """How a call of ``train`` or ``eval`` can't be one of a module's; empty if it can.

    Args:
        effect: Which of the two.
        args: What it is given.

    Returns:
        A word of the fact ``ModeMisgiven``.
    """
    given = args.values()
    if not given or args.open:
        return ""
    if effect == "eval":
        return "unwanted"
    if len(given) > 1 or any(name != "mode" for name, _ in args.keywords):
        return "surplus"
    return "mistaken" if _never_bool(given[0]) else ""


def names_a_mode(effect: str, args: Arguments) -> bool:
    """Whether a switch is given the word for a mode, or a mode where it takes none."""
    known = [constant(value) for value in args.values()]
    if len(known) != 1 or known[0] is None:
        return False
    value = known[0].value
    return value in MODE_WORDS if isinstance(value, str) else effect == "eval" and value is True


def given_text(args: Arguments, site: Call) -> str:
    """What a switch is given: the constant that it is, or as the code writes it."""
    known = constant(args.values()[0])
    if known is not None:
        return repr(known.value)
    written = (*site.args, *[value for _, value in site.keywords])
    return show(written[0]) if written else "..."


def _never_bool(value: Value) -> bool:
    return bool(value.atoms) and all(map(_is_no_bool, value.atoms))


def _is_no_bool(atom: Atom) -> bool:
    if isinstance(atom, Lit):
        return atom.kind != "bool"
    return isinstance(atom, (Fun, Cls, Inert))
