"""The command that measures evalguard on real code: known bugs and traps, or whole projects.

The code isn't part of this project, only pointers to it are: a repository, a commit, a line.
Whoever runs this gets the checkouts first, as folders named ``owner+name@commit`` (12 digits).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TextIO

from tools import readings, scans
from tools.runs import Limits, Run, Seen, run_all
from tools.verdicts import Hit, Outcome, Pointer, Verdict, outcome, read_pointers


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks for; return 0."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], None] = options.command
    command(options)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.real", description=__doc__)
    commands = parser.add_subparsers(required=True)
    bugs = commands.add_parser("bugs", help="which known bugs are found, which traps are silent")
    bugs.add_argument("pointers", type=Path, help="JSON lines, one for each bug or trap")
    bugs.add_argument("checkouts", type=Path, help="folder of checkouts")
    bugs.add_argument("--traps", action="store_true", help="the pointers are traps")
    bugs.add_argument("--only", action="append", metavar="ID", help="just this one (repeatable)")
    bugs.add_argument("--verbose", action="store_true", help="tell the findings' messages")
    bugs.add_argument("--json", action="store_true", help="print JSON instead of a table")
    bugs.set_defaults(command=_bugs)
    scan = commands.add_parser("scan", help="check every folder below those given")
    scan.add_argument("folders", type=Path, nargs="+")
    scan.add_argument("--out", type=Path, required=True, help="JSON lines, one for each finding")
    scan.add_argument("--single", action="store_true", help="the folders given are the projects")
    scan.set_defaults(command=_scan)
    diff = commands.add_parser("diff", help="which findings came and went between two scans")
    diff.add_argument("old", type=Path)
    diff.add_argument("new", type=Path)
    diff.add_argument("--all", action="store_true", help="also findings not shown by default")
    diff.set_defaults(command=_diff)
    read = commands.add_parser("table", help="the verdicts of a reading, by rule")
    read.add_argument("reading", type=Path, help="JSON lines, one for each finding that was read")
    read.set_defaults(command=lambda options: _line(readings.table(options.reading)))
    for running in (bugs, scan):
        _add_limits(running)
    return parser


def _add_limits(parser: argparse.ArgumentParser) -> None:
    seconds, gigabytes = Limits()
    parser.add_argument("--seconds", type=float, default=seconds, help="for each project")
    parser.add_argument("--gigabytes", type=float, default=gigabytes, help="for each project")
    parser.add_argument("--jobs", type=int, default=1, help="projects at a time")


def _runs(folders: Sequence[Path], options: argparse.Namespace) -> Iterable[Run]:
    """Check folders, telling on stderr how it goes."""
    limits = Limits(options.seconds, options.gigabytes)
    for number, run in enumerate(run_all(folders, limits, options.jobs), 1):
        state = run.failure or f"{len(run.seen)} findings"
        _line(f"[{number}/{len(folders)}] {run.name}: {run.seconds:.1f} s, {state}", sys.stderr)
        yield run


def _line(text: str = "", stream: TextIO | None = None) -> None:
    print(text, file=stream or sys.stdout, flush=True)


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    cells = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        _line("  ".join(padded).rstrip())


def _bugs(options: argparse.Namespace) -> None:
    wanted = [
        pointer
        for pointer in read_pointers(options.pointers)
        if not options.only or pointer.id in options.only
    ]
    names = {name for each in wanted for name in (each.checkout, each.fixed_checkout) if name}
    folders = [options.checkouts / name for name in sorted(names)]
    runs = {run.name: run for run in _runs(folders, options)}
    outcomes = [outcome(pointer, runs) for pointer in wanted]
    if options.json:
        _line(json.dumps([_told(each) for each in outcomes], indent=1))
    elif options.traps:
        _show_traps(outcomes)
    else:
        _show_bugs(outcomes)
    if options.verbose and not options.json:
        _show_stories(outcomes)


FOUND = {"shown": "yes", "hidden": "possible", "nothing": "NO", "failed": "failed"}
SILENT = {"shown": "NO", "hidden": "possible", "nothing": "yes", "failed": "failed"}


def _show_bugs(outcomes: Sequence[Outcome]) -> None:
    head = ("id", "kind", "found", "by", "fixed silent", "by", "elsewhere", "s")
    _table(head, (_bug_row(each) for each in outcomes))
    fixes = [each.fixed for each in outcomes if each.fixed]
    both = [each for each in outcomes if each.fixed and _is_told_apart(each.code, each.fixed)]
    _line()
    _line(f"found         {_totals((each.code for each in outcomes), FOUND)}")
    _line(f"fixed silent  {_totals(fixes, SILENT)}")
    _line(f"told apart    {len(both)} of {len(fixes)} (found, and silent once fixed)")


def _show_traps(outcomes: Sequence[Outcome]) -> None:
    _table(
        ("id", "looks like", "silent", "by", "elsewhere", "s"),
        (
            (
                each.pointer.id,
                each.pointer.kind,
                SILENT[each.code.word],
                _by(each.code),
                _elsewhere(each.code),
                f"{each.seconds:.1f}",
            )
            for each in outcomes
        ),
    )
    _line()
    _line(f"silent  {_totals((each.code for each in outcomes), SILENT)}")


def _bug_row(told: Outcome) -> Sequence[str]:
    pointer, code, fixed = told.pointer, told.code, told.fixed
    return (
        pointer.id,
        pointer.kind,
        FOUND[code.word],
        _by(code),
        SILENT[fixed.word] if fixed else "",
        _by(fixed) if fixed else "",
        _elsewhere(fixed) if fixed else "",
        f"{told.seconds:.1f}",
    )


def _by(verdict: Verdict) -> str:
    """Name the hit that decides; ``~`` says that only its evidence is there."""
    if verdict.run.failure:
        return verdict.run.failure
    if not verdict.hits:
        return ""
    hit = min(verdict.hits, key=lambda hit: (not hit.seen.visible, not hit.direct))
    more = f" (+{len(verdict.hits) - 1})" if len(verdict.hits) > 1 else ""
    return f"{'' if hit.direct else '~'}{_where(hit.seen)}{more}"


def _where(seen: Seen) -> str:
    return f"{seen.rule} {Path(seen.spot.path).name}:{seen.spot.line}"


def _elsewhere(verdict: Verdict) -> str:
    """Count what else is shown in the same file, by rule."""
    rules = Counter(seen.rule for seen in verdict.elsewhere)
    return ", ".join(f"{number} {rule}" for rule, number in sorted(rules.items()))


def _totals(verdicts: Iterable[Verdict], words: dict[str, str]) -> str:
    counted = Counter(words[verdict.word] for verdict in verdicts)
    others = ", ".join(f"{word} {number}" for word, number in sorted(counted.items()))
    return f"{counted['yes']} of {counted.total()} ({others})"


def _is_told_apart(code: Verdict, fixed: Verdict) -> bool:
    return code.word == "shown" and fixed.word in {"hidden", "nothing"}


def _show_stories(outcomes: Iterable[Outcome]) -> None:
    for each in outcomes:
        for title, verdict in (("code", each.code), ("fixed", each.fixed)):
            if verdict and (verdict.hits or verdict.elsewhere):
                _line(f"\n{each.pointer.id} ({title})")
                _show_findings((hit.seen for hit in verdict.hits), "")
                _show_findings(verdict.elsewhere, "elsewhere: ")


def _show_findings(findings: Iterable[Seen], mark: str) -> None:
    for seen in findings:
        path, line, message = seen.spot
        _line(f"  {mark}{path}:{line} {seen.rule} ({seen.confidence}): {message}")
        for spot in seen.evidence:
            _line(f"      {spot.path}:{spot.line} {spot.message}")


def _told(each: Outcome) -> dict[str, Any]:
    pointer: Pointer = each.pointer
    return {
        "id": pointer.id,
        "kind": pointer.kind,
        "code": _told_verdict(each.code),
        "fixed": _told_verdict(each.fixed) if each.fixed else None,
    }


def _told_verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "checkout": verdict.run.name,
        "verdict": verdict.word,
        "hits": [_told_hit(hit) for hit in verdict.hits],
        "elsewhere": [_told_seen(seen) for seen in verdict.elsewhere],
        "seconds": verdict.run.seconds,
        "failure": verdict.run.failure,
    }


def _told_hit(hit: Hit) -> dict[str, Any]:
    return {**_told_seen(hit.seen), "direct": hit.direct, "at": hit.spot._asdict()}


def _told_seen(seen: Seen) -> dict[str, Any]:
    return {"rule": seen.rule, "confidence": seen.confidence, **seen.spot._asdict()}


def _scan(options: argparse.Namespace) -> None:
    folders = scans.repositories(options.folders, single=options.single)
    runs = []
    with options.out.open("w") as findings, scans.runs_path(options.out).open("w") as record:
        for run in _runs(folders, options):
            _write(findings, scans.finding_lines(run))
            _write(record, [scans.run_line(run)])
            runs.append(run)
    _show_runs(runs)


def _write(stream: TextIO, lines: Iterable[scans.Line]) -> None:
    stream.writelines(json.dumps(line) + "\n" for line in lines)
    stream.flush()


def _show_runs(runs: Sequence[Run]) -> None:
    head = ("repository", "s", "files", "unreadable", "shown", "hidden", "failure")
    lines = [scans.run_line(run) for run in runs]
    for line in lines:
        line["unreadable"] = len(line["unreadable"])
    order = ("repo", "seconds", "files", "unreadable", "shown", "hidden", "failure")
    _table(head, ([line[name] for name in order] for line in lines))
    _line()
    rows = scans.counts(seen for run in runs for seen in run.seen)
    total = ("all", sum(shown for _, shown, _ in rows), sum(hidden for *_, hidden in rows))
    _table(("rule", "shown", "hidden"), [*rows, total])
    _line()
    failed = sum(bool(run.failure) for run in runs)
    _line(f"{len(runs)} projects, {failed} failed, {sum(run.seconds for run in runs):.1f} s")


def _diff(options: argparse.Namespace) -> None:
    told = scans.difference(options.old, options.new)
    changes = [each for each in told.changes if options.all or _is_shown(each)]
    for each in changes:
        line = each.line
        was = f"{each.was} → " if each.was else ""
        where = f"{line['repo']} {line['path']}:{line['line']}"
        _line(f"{each.sign} {where} {line['rule']} ({was}{line['confidence']}): {line['message']}")
    signs = Counter(each.sign for each in changes)
    _line(f"{signs['+']} came, {signs['-']} went, {signs['~']} changed confidence")
    if told.unmatched:
        _line(f"not compared, scanned in one only: {', '.join(told.unmatched)}")


def _is_shown(change: scans.Change) -> bool:
    return {change.line["confidence"], change.was} & {"likely", "certain"} != set()


if __name__ == "__main__":
    sys.exit(main())
