"""A call of a module → why it is in its mode, and what it is for, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evalguard.facts import Forward, Origin
from evalguard.modes import Grad, Intent, Mode
from evalguard.places import Place
from evalguard.report.words import located

MODES = {Mode.TRAIN: "train", Mode.EVAL: "eval", Mode.TRAIN | Mode.EVAL: "train|eval"}
GRADS = {Grad.ON: "on", Grad.OFF: "off", Grad.ON | Grad.OFF: "on|off"}
UNKNOWN = "?"
GRAD_NOTES = {
    Grad.ON: "",
    Grad.OFF: "; no gradients",
    Grad.ON | Grad.OFF: "; with and without gradients",
}
MOST_STEPS = 3

Sheet = tuple[str, int | None]


def sheet_of(place: Place) -> Sheet:
    """The file of a place, and the cell of a notebook."""
    return place.path, place.cell and place.cell.number


def mode_word(mode: Mode, mixed: bool = False) -> str:
    """A mode as a gutter tells it."""
    return "mixed" if mixed and Mode.UNSEEN not in mode else MODES.get(mode, UNKNOWN)


def story(call: Forward) -> str:
    """One call in words."""
    grad = GRAD_NOTES.get(call.grad, "; gradients not known")
    intent = "" if call.intent is Intent.UNKNOWN else f"; for {_purpose(call.intent)}"
    unsettled = ", as far as it was followed" if call.unsettled else ""
    return f"{call.module.text}: {_belief(call)}{grad}{intent}{unsettled}"


def _purpose(intent: Intent) -> str:
    return "a target" if intent is Intent.TARGET else intent.value


def _belief(call: Forward) -> str:
    if Mode.UNSEEN in call.mode and not call.origins:
        return "mode not known: nothing in view sets it"
    causes = [*_causes(call)]
    if Mode.UNSEEN in call.mode and not any(Mode.UNSEEN in item.mode for item in call.origins):
        causes.append("not known, by what can't be seen")
    origins = ", or ".join(causes)
    mixed = ", its parts differ" if call.mixed else ""
    assumed = ", unless a caller out of view switches it" if call.assumed else ""
    return f"{origins or mode_word(call.mode)}{mixed}{assumed}"


def _causes(call: Forward) -> Iterator[str]:
    """What may have set the mode of a call; alike causes are told by the first of them."""
    found: dict[tuple[Mode, bool], list[Origin]] = {}
    for origin in call.origins:
        found.setdefault((origin.mode, origin.how == "built"), []).append(origin)
    built = call.module.built
    for (mode, as_built), leaves in found.items():
        whole = as_built and built is not None and built.mode == mode
        origins = [built] if whole and built else leaves
        more = f" and {len(origins) - 1} more" if len(origins) > 1 else ""
        yield f"{_cause(origins[0], call.place)}{more}"


def _cause(origin: Origin, near: Place) -> str:
    mode = MODES.get(origin.mode, "mode not known")
    if origin.how == "built":
        return f"{mode} as built {_at(origin.place, near)}"
    by = {"loaded": "as loaded by", "flag": "by a flag,"}.get(origin.how, "by")
    return f"{mode} {by} {origin.text} {_at(origin.place, near)}".rstrip()


def _at(place: Place | None, near: Place) -> str:
    return f"at {_where(place, near)}" if place else ""


def _where(place: Place, near: Place) -> str:
    if sheet_of(place) == sheet_of(near):
        return f"line {place.shown.line}"
    return located(place.path, *place.shown.start, place.cell)


def callers(groups: Sequence[Sequence[Forward]]) -> list[str]:
    """For each of several groups of calls, by which calls they came: as many as tell them apart."""
    for depth in range(1, MOST_STEPS + 1):
        told = [_called(calls, depth) for calls in groups]
        if len({*told}) == len(told):
            break
    return told


def _called(calls: Sequence[Forward], depth: int) -> str:
    chains = dict.fromkeys(tuple(reversed(call.calls))[:depth] for call in calls if call.calls)
    if not chains:
        return ""
    first = ", from ".join(_where(step.place, calls[0].place) for step in next(iter(chains)))
    more = f", and {len(chains) - 1} more" if len(chains) > 1 else ""
    return f" (called at {first}{more})"
