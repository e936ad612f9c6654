"""What is believed where: forward calls as they were seen → one record for each call and chain."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from evalguard.facts import Forward, Origin, Step
from evalguard.finding import FileError
from evalguard.modes import Intent, Sensitivity
from evalguard.places import Place
from evalguard.records import NamedTuple, dataclass, replace

STRONGEST = (Intent.TRAINING, Intent.TARGET, Intent.UNKNOWN, Intent.INFERENCE)


class Switched(NamedTuple):
    """A mode is set here: of what, to which, and how."""

    place: Place
    module: str
    origin: Origin


class Unfollowed(NamedTuple):
    """A call of a function that isn't walked any more, as the budget is spent.

    ``body`` is the function.
    """

    place: Place
    function: str
    body: Place


@dataclass(frozen=True, slots=True)
class Trace:
    """What is believed in some files: at each call of a module, and of each switch.

    ``blocks`` are the functions around them, the innermost of each.
    """

    calls: tuple[Forward, ...] = ()
    switches: tuple[Switched, ...] = ()
    unfollowed: tuple[Unfollowed, ...] = ()
    blocks: tuple[Place, ...] = ()
    errors: tuple[FileError, ...] = ()
    files: tuple[str, ...] = ()

    def wholly(self) -> Callable[[Forward], bool]:
        """Tells of a call whether every call in view that leads to it was followed."""
        through = leading_through(item.body for item in self.unfollowed)
        return lambda call: not through(call)

    def moved(self, move: Callable[[Place], Place]) -> Trace:
        """The same with each place replaced by another."""
        return replace(
            self,
            calls=tuple(_call_moved(call, move) for call in self.calls),
            switches=tuple(
                Switched(move(item.place), item.module, _origin_moved(item.origin, move))
                for item in self.switches
            ),
            unfollowed=tuple(
                item._replace(place=move(item.place), body=move(item.body))
                for item in self.unfollowed
            ),
            blocks=tuple(map(move, self.blocks)),
        )


def leading_through(bodies: Iterable[Place]) -> Callable[[Forward], bool]:
    """Tells of a call whether it stands in some of these functions, or is led to through one."""
    by_path: dict[str, set[Place]] = {}
    for body in bodies:
        by_path.setdefault(body.path, set()).add(body)

    def through(call: Forward) -> bool:
        places = (call.place, *(step.place for step in call.calls))
        return any(body.holds(place) for place in places for body in by_path.get(place.path, ()))

    return through


def _call_moved(call: Forward, move: Callable[[Place], Place]) -> Forward:
    steps = tuple(Step(step.function, move(step.place)) for step in call.calls)
    origins = tuple(_origin_moved(origin, move) for origin in call.origins)
    built = call.module.built
    module = replace(call.module, built=built and _origin_moved(built, move))
    return replace(call, place=move(call.place), module=module, calls=steps, origins=origins)


def _origin_moved(origin: Origin, move: Callable[[Place], Place]) -> Origin:
    return replace(origin, place=move(origin.place)) if origin.place else origin


def joined(passes: Iterable[Forward]) -> tuple[Forward, ...]:
    """One record for each call and chain: what is believed on any of its paths.

    Args:
        passes: The calls as they were seen, each where it stands.

    Returns:
        The records, by place, those of shorter chains first.
    """
    found: dict[tuple[Place, tuple[Step, ...]], Forward] = {}
    for fact in passes:
        key = fact.place, fact.calls
        found[key] = _either(found[key], fact) if key in found else fact
    return tuple(found[key] for key in sorted(found, key=lambda key: (key[0], len(key[1]), key[1])))


def _either(one: Forward, other: Forward) -> Forward:
    module = one.module
    if module.sensitive is not other.module.sensitive:
        module = replace(module, sensitive=Sensitivity.UNKNOWN)
    return replace(
        one,
        module=module,
        mode=one.mode | other.mode,
        mixed=one.mixed or other.mixed,
        assumed=one.assumed or other.assumed,
        origins=tuple(dict.fromkeys(one.origins + other.origins)),
        grad=one.grad | other.grad,
        intent=min(one.intent, other.intent, key=STRONGEST.index),
        unsettled=one.unsettled or other.unsettled,
    )
