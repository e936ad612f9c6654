"""Beliefs and what happened → what is exact, wide, unknown or refuted, site by site.

The law: what happened at a site must be among what is believed of it, of its mode-sensitive layers'
modes and of gradients. ``mixed`` says that some parts are in train mode and others in eval. A
module that is said to have no such layers has none, and of one that has none the mode doesn't
matter. A backward pass reaches what is said to be for training, and nothing that is for inference;
what needs no gradients by itself aside. A belief that is empty, or holds only as far as no caller
out of view switches, says nothing. A belief is told of a chain of calls, and held to what happened
in that chain.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from typing import NamedTuple

from truth.sites import Belief, Chain, Happened, Site

BOTH = frozenset(("train", "eval"))


class Outcome(Enum):
    """How a belief stands beside the truth."""

    EXACT = "exact"
    WIDE = "wide"  # it holds more than what happened
    UNKNOWN = "unknown"
    REFUTED = "refuted"


class Verdict(NamedTuple):
    """What comes out for one site; ``why`` tells belief and truth.

    ``within``: it only ran inside of another module's pass. ``inert``: no layer beneath is
    mode-sensitive.
    """

    site: Site
    outcome: Outcome
    why: str
    within: bool = False
    inert: bool = False

    @property
    def apart(self) -> bool:
        """Whether it only matters that it isn't refuted."""
        return self.within or self.inert


def verdicts(believed: Iterable[Belief], happened: Iterable[Happened]) -> list[Verdict]:
    """Hold beliefs against what happened.

    Returns:
        A verdict for each site that ran, in order.
    """
    all_beliefs = list(believed)
    by_site = _by_end(all_beliefs)
    ran: dict[Site, list[Happened]] = defaultdict(list)
    for call in happened:
        ran[call.site].append(call)
    return [
        _verdict(site, by_site.get(_end(site)) or _inside(site, all_beliefs, ran), ran[site])
        for site in sorted(ran)
    ]


def _inside(site: Site, believed: list[Belief], ran: Mapping[Site, object]) -> list[Belief]:
    """What is believed of calls inside a call: ``map(net, xs)`` runs when a list is made of it."""
    return [
        belief
        for belief in believed
        if belief.site.path == site.path
        and site[1:3] <= belief.site[1:3]
        and belief.site[3:] <= site[3:]
        and belief.site not in ran
    ]


def _end(site: Site) -> tuple[str, int, int]:
    """What tells calls apart: where they end. A method's call may begin at the method's name."""
    return site.path, site.end_line, site.end_column


def _by_end(believed: Iterable[Belief]) -> Mapping[tuple[str, int, int], list[Belief]]:
    out: dict[tuple[str, int, int], list[Belief]] = defaultdict(list)
    for belief in believed:
        out[_end(belief.site)].append(belief)
    return out


def _verdict(site: Site, beliefs: list[Belief], calls: list[Happened]) -> Verdict:
    outcome, why = _judged(beliefs, calls)
    within, inert = all(call.within for call in calls), _sensitive(calls) == {False}
    return Verdict(site, outcome, why, within, inert)


def _judged(beliefs: list[Belief], calls: list[Happened]) -> tuple[Outcome, str]:
    ran: dict[Chain, list[Happened]] = defaultdict(list)
    for call in calls:
        ran[call.chain].append(call)
    told = [belief for belief in beliefs if belief.chain in ran]
    for chain, some in ran.items():
        mine = [belief for belief in told if belief.chain == chain]
        if mine and (fault := _refuted(_joined(mine), _telling(some))):
            return Outcome.REFUTED, f"{fault}, called by {_shown(chain)}"
    if not beliefs:
        return Outcome.UNKNOWN, "nothing is believed"
    whole = ran.keys() <= {belief.chain for belief in told}
    joined, calls = _joined(told if whole else beliefs), _telling(calls)
    if fault := _refuted(joined, calls):
        return Outcome.UNKNOWN, f"{fault}, and not each chain that ran is told of"
    return _outcome(joined, calls), _told(joined, calls)


def _telling(calls: list[Happened]) -> list[Happened]:
    """The calls in which the mode mattered, if there are any."""
    return [call for call in calls if call.sensitive is not False] or calls


def _joined(beliefs: list[Belief]) -> Belief:
    """What is believed of a site over several paths and chains; unknown if any of them is."""
    first = beliefs[0]
    telling = [belief for belief in beliefs if belief.sensitive != "no"] or beliefs
    modes = [belief.modes for belief in telling]
    grads = [belief.grad for belief in telling]
    words = {belief.sensitive for belief in beliefs}
    intents = {belief.intent for belief in telling}
    return Belief(
        first.site,
        first.chain,
        frozenset[str]().union(*modes) if all(modes) else frozenset(),
        any(belief.mixed for belief in telling),
        any(belief.assumed for belief in telling),
        words.pop() if len(words) == 1 else "unknown",
        frozenset[str]().union(*grads) if all(grads) else frozenset(),
        intents.pop() if len(intents) == 1 else "unknown",
    )


def _refuted(belief: Belief, calls: list[Happened]) -> str:
    """What the calls say against a belief; empty if nothing."""
    return next(_faults(belief, calls), "")


def _faults(belief: Belief, calls: list[Happened]) -> Iterator[str]:
    modes, grads, sensitive = _modes(calls), _grads(calls), _sensitive(calls)
    if belief.sensitive == "no" and True in sensitive:
        yield "no mode-sensitive layer is believed, but there is one"
    if belief.sensitive == "yes" and sensitive == {False}:
        yield "a mode-sensitive layer is believed, but there is none"
    moot = sensitive == {False}
    if belief.modes and not belief.assumed and not moot and not modes <= _among(belief):
        yield _told(belief, calls)
    if belief.grad and not grads <= belief.grad:
        yield _told(belief, calls)
    if not belief.assumed:
        yield from _unmeant(belief.intent, calls)


def _unmeant(intent: str, calls: list[Happened]) -> Iterator[str]:
    """What gradients say against the purpose that a call is believed to have."""
    trained = any(call.trained for call in calls)
    if intent == "inference" and trained:
        yield "believed: for inference; ran: a backward pass reached it"
    if intent == "training" and not trained and all(call.graph for call in calls):
        yield "believed: for training; ran: no backward pass reached it"


def _outcome(belief: Belief, calls: list[Happened]) -> Outcome:
    if _sensitive(calls) == {False}:
        return Outcome.EXACT if belief.grad == _grads(calls) else _short(bool(belief.grad))
    if not belief.modes or not belief.grad or belief.assumed:
        return Outcome.UNKNOWN
    mixed = any(len(call.modes) > 1 for call in calls)
    modes = _among(belief) == _modes(calls)
    exact = modes and belief.mixed == mixed and belief.grad == _grads(calls)
    return Outcome.EXACT if exact else Outcome.WIDE


def _among(belief: Belief) -> frozenset[str]:
    """The modes that a belief leaves room for."""
    return BOTH if belief.mixed else belief.modes


def _short(known: bool) -> Outcome:
    return Outcome.WIDE if known else Outcome.UNKNOWN


def _modes(calls: list[Happened]) -> frozenset[str]:
    return frozenset[str]().union(*(call.modes for call in calls))


def _grads(calls: list[Happened]) -> frozenset[str]:
    return frozenset("on" if call.recording else "off" for call in calls)


def _sensitive(calls: list[Happened]) -> set[bool | None]:
    return {call.sensitive for call in calls}


def _told(belief: Belief, calls: list[Happened]) -> str:
    """Belief and truth in words."""
    mixed = any(len(call.modes) > 1 for call in calls)
    believed = _words(belief.modes, belief.mixed, belief.grad) + ", assumed" * belief.assumed
    return f"believed: {believed}; ran: {_words(_modes(calls), mixed, _grads(calls))}"


def _words(modes: frozenset[str], mixed: bool, grads: frozenset[str]) -> str:
    mode = " | ".join(sorted(modes, reverse=True)) or "unknown"
    grad = " | ".join(sorted(grads, reverse=True)) or "unknown"
    return f"{mode}{' (mixed)' * mixed}, gradients {grad}"


def _shown(chain: Chain) -> str:
    return " → ".join(f"{via.function} at {via.path}:{via.line}" for via in chain) or "the file"
