"""``Trace`` → JSON for other programs: the contract of ``docs/trace.md``."""

from __future__ import annotations

import json
from typing import Any

from evalguard.facts import Forward, Origin, Step
from evalguard.finding import FileError
from evalguard.modes import Grad, Mode
from evalguard.places import Place
from evalguard.records import replace
from evalguard.trace import Switched, Trace, Unfollowed

SCHEMA = 1
MODES = {Mode.TRAIN: "train", Mode.EVAL: "eval", Mode.TRAIN | Mode.EVAL: "both"}


def render(trace: Trace) -> str:
    """Write one JSON object, in ASCII."""
    whole = trace.wholly()
    document = {
        "schema": SCHEMA,
        "calls": [_call(call, whole(call)) for call in trace.calls],
        "switches": [_switch(item) for item in trace.switches],
        "unfollowed": [_unfollowed(item) for item in trace.unfollowed],
        "errors": [_error(error) for error in trace.errors],
    }
    return json.dumps(document, indent=2) + "\n"


def _call(call: Forward, whole: bool) -> dict[str, Any]:
    return {
        **_span(call.place),
        "function": call.function,
        "module": call.module.text,
        "type": call.module.type,
        "modes": modes(call.mode),
        "mixed": call.mixed,
        "assumed": call.assumed,
        "sensitive": call.module.known.value,
        "grad": grads(call.grad),
        "intent": call.intent.value,
        "followed": not call.unsettled,
        "whole": whole,
        "origins": [_origin(origin) for origin in call.origins],
        "calls": [_step(step) for step in call.calls],
    }


def modes(mode: Mode) -> list[str]:
    """The modes that a call may meet; none if anything is possible."""
    known = {Mode.TRAIN: "train", Mode.EVAL: "eval"}
    return [] if Mode.UNSEEN in mode else [word for one, word in known.items() if one in mode]


def grads(grad: Grad) -> list[str]:
    """Whether gradients are recorded; none if that isn't known."""
    known = {Grad.ON: "on", Grad.OFF: "off"}
    return [] if Grad.UNSEEN in grad else [word for one, word in known.items() if one in grad]


def _span(place: Place) -> dict[str, Any]:
    return {"file": place.path, "cell": place.cell and place.cell.number, **place.shown.as_dict()}


def _start(place: Place | None) -> dict[str, Any]:
    if place is None:
        return {"file": None, "cell": None, "line": None, "column": None}
    cell = place.cell and place.cell.number
    line, column = place.shown.start
    return {"file": place.path, "cell": cell, "line": line, "column": column}


def _origin(origin: Origin) -> dict[str, Any]:
    mode = MODES.get(origin.mode, "unknown")
    return {"mode": mode, "how": origin.how, "text": origin.text, **_start(origin.place)}


def _step(step: Step) -> dict[str, Any]:
    return {**_start(step.place), "function": step.function}


def _switch(item: Switched) -> dict[str, Any]:
    origin = replace(item.origin, place=item.place)
    return {**_span(item.place), "module": item.module, **_origin(origin)}


def _unfollowed(item: Unfollowed) -> dict[str, Any]:
    return {**_span(item.place), "function": item.function}


def _error(error: FileError) -> dict[str, Any]:
    return {
        "file": error.path,
        "cell": error.cell and error.cell.number,
        "line": error.line or None,
        "column": error.column or None,
        "message": error.reason,
    }
