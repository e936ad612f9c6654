"""Text and findings → ``Fix``es: the ways in which each can be mended, as edits of the text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from evalguard.finding import Finding
from evalguard.fix import expressions, gradients, members, switches
from evalguard.fix.tree import Tree, read_tree
from evalguard.records import NamedTuple
from evalguard.repair import Action, Edit, Repair

_WAYS: Mapping[Action, Callable[[Tree, Repair], Iterator[tuple[Edit, ...]]]] = {
    Action.ADD_CALL: expressions.add_call,
    Action.DROP_ARGUMENT: expressions.drop_argument,
    Action.SWITCH_WHOLE: expressions.switch_whole,
    Action.FLAG_BY_MODE: expressions.flag_by_mode,
    Action.SCALE_BY_MODE: expressions.scale_by_mode,
    Action.RETURN_SELF: expressions.return_self,
    Action.EVAL_BEFORE: switches.eval_before,
    Action.TRAIN_BEFORE: switches.train_before,
    Action.TRAIN_EACH_ROUND: switches.train_each_round,
    Action.NO_GRAD_AROUND: gradients.no_grad_around,
    Action.NO_GRAD_THROUGHOUT: gradients.no_grad_throughout,
    Action.NO_GRAD_BELOW: gradients.no_grad_below,
    Action.MAKE_ONCE: members.make_once,
    Action.REGISTER: members.register,
}
_FLOWING = frozenset((
    Action.EVAL_BEFORE, Action.TRAIN_BEFORE, Action.TRAIN_EACH_ROUND, Action.NO_GRAD_AROUND,
    Action.NO_GRAD_THROUGHOUT, Action.NO_GRAD_BELOW,
))  # fmt: skip


class Fix(NamedTuple):
    """How one finding can be mended: the ways to do it, the best first.

    No two fixes whose ``lines`` meet are made at the same time, as one may cure what the other is
    for.
    """

    finding: Finding
    ways: tuple[tuple[Edit, ...], ...]
    lines: frozenset[int]


def plan(text: str, findings: Iterable[Finding]) -> tuple[Fix, ...]:
    """Find out how findings can be mended.

    Args:
        text: The file that they are in, with line ends of one kind.
        findings: What was found in it.

    Returns:
        A fix for each finding that has a repair, and whose repair can be made with certainty.
    """
    wanted = [finding for finding in findings if finding.fix is not None]
    tree = read_tree(text) if wanted else None
    if tree is None:
        return ()
    many = _crowded(tree, wanted)
    fixes = (_fix(tree, finding, _repair(finding, tree, many)) for finding in wanted)
    return tuple(fix for fix in fixes if fix is not None)


def _crowded(tree: Tree, findings: Iterable[Finding]) -> frozenset[object]:
    """The functions in which gradients are recorded for nothing more than once."""
    places = {
        item.place for item in findings if item.fix and item.fix.action is Action.NO_GRAD_AROUND
    }
    functions = Counter(tree.function_at(place.span) for place in places)
    return frozenset(function for function, number in functions.items() if number > 1)


def _repair(finding: Finding, tree: Tree, many: frozenset[object]) -> Repair:
    repair = finding.fix
    assert repair is not None
    if repair.action is Action.NO_GRAD_AROUND and tree.function_at(repair.place.span) in many:
        return repair._replace(action=Action.NO_GRAD_THROUGHOUT)
    return repair


def _fix(tree: Tree, finding: Finding, repair: Repair) -> Fix | None:
    ways = tuple(dict.fromkeys(_WAYS[repair.action](tree, repair)))
    return Fix(finding, ways, frozenset(_lines(tree, repair, ways))) if any(ways) else None


def _lines(tree: Tree, repair: Repair, ways: Iterable[tuple[Edit, ...]]) -> Iterator[int]:
    """The lines that edits touch; where a mode or gradients flow on, those of the function."""
    for edit in (edit for way in ways for edit in way):
        yield from range(edit.span.line, edit.span.end_line + 1)
    if repair.action in _FLOWING:
        around = tree.function_at(repair.place.span)
        span = tree.span(around) if around is not None else tree.whole()
        yield from range(span.line, span.end_line + 1)
