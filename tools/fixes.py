"""Folders of projects → how many findings of each rule get a fix, and what the fixes look like.

python -m tools.fixes FOLDER... [--diffs FOLDER] [--out FILE]: tries every fix, safe or not, in each
folder below those given, and writes nothing there. A fix counts as applied if the files still
parse, its finding is gone and nothing new is found; as refused if not. A finding may have a repair
that can't be made with certainty where it stands; then it is neither.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from evalguard.check import check_paths
from evalguard.finding import Finding, Result
from evalguard.fix.mending import Mended, mend
from evalguard.fix.writing import Files
from evalguard.source import Source
from tools import scans
from tools.runs import ROOT

COLUMNS = ("found", "repairs", "applied", "refused")


class Desk:
    """A project whose files are never written."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._files = Files()
        self.checks = 0

    def check(self, drafts: Mapping[str, str]) -> Result:
        """What is found if these files hold these texts."""

        def reader(path: str) -> Source:
            draft = drafts.get(path)
            return self._files.read(path) if draft is None else self._files.draft(path, draft)

        self.checks += 1
        return check_paths([self._folder], reader=reader)

    def text(self, path: str) -> str | None:
        """What a file holds."""
        return self._files.text(path)


def measure(folder: Path, diffs: Path | None) -> dict[str, object]:
    """Mend one project, in thought.

    Args:
        folder: The project.
        diffs: Where to write what would change, if anywhere.

    Returns:
        Counts by rule, and what went wrong.
    """
    os.chdir(folder)
    desk, start = Desk("."), time.monotonic()
    before = desk.check({})
    mended = mend(desk, before, lambda _: True, unsafe=True)
    again = mend(desk, mended.result, lambda finding: _left(finding, mended), unsafe=True)
    faults = [path for path, text in mended.drafts.items() if not _parses(text)]
    faults += [f"changes again: {path}" for path in again.drafts]
    if diffs is not None and mended.drafts:
        (diffs / f"{folder.name}.diff").write_text(_diff(desk, mended), encoding="utf-8")
    return {
        "counts": {
            "found": Counter(item.rule for item in before.findings),
            "repairs": Counter(item.rule for item in before.findings if item.fix),
            "applied": Counter(item.rule for item in mended.fixed),
            "refused": Counter(item.rule for item in mended.failed),
        },
        "fates": [_fate(item, mended) for item in before.findings],
        "refused": [f"{item.place.path}:{item.place.line} {item.rule}" for item in mended.failed],
        "checks": desk.checks,
        "seconds": round(time.monotonic() - start, 1),
        "faults": faults,
    }


def _fate(finding: Finding, mended: Mended) -> dict[str, object]:
    """What became of a finding."""
    if finding in mended.fixed:
        fate = "applied"
    elif finding in mended.failed:
        fate = "refused"
    else:
        fate = "no repair" if finding.fix is None else "not certain"
    place = finding.place
    return {"path": place.path, "line": place.line, "rule": finding.rule, "fate": fate}


def _left(finding: Finding, mended: Mended) -> bool:
    return finding not in mended.failed


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


def _diff(desk: Desk, mended: Mended) -> str:
    return "".join(
        line if line.endswith("\n") else f"{line}\n"
        for path, text in sorted(mended.drafts.items())
        for line in difflib.unified_diff(
            (desk.text(path) or "").splitlines(keepends=True),
            text.splitlines(keepends=True),
            path,
            path,
        )
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.fixes", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--diffs", type=Path, help="write what would change into this folder")
    parser.add_argument("--out", type=Path, help="write what became of each finding into this file")
    parser.add_argument("--seconds", type=float, default=600, help="what one project may take")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.diffs is not None:
        options.diffs.mkdir(parents=True, exist_ok=True)
        options.diffs = options.diffs.resolve()
    if options.one:
        sys.stdout.write(json.dumps(measure(options.folders[0].resolve(), options.diffs)))
        return 0
    told = [_run(folder, options) for folder in scans.repositories(options.folders)]
    _show(told)
    if options.out is not None:
        options.out.write_text("".join(map(_pointers, told)), encoding="utf-8")
    return 0


def _pointers(told: Mapping[str, Any]) -> str:
    """One line of JSON for each finding of a project."""
    lines = ({"repo": told["repo"], **fate} for fate in told.get("fates", ()))
    return "".join(f"{json.dumps(line)}\n" for line in lines)


def _run(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    diffs = ["--diffs", str(options.diffs)] if options.diffs else []
    command = [sys.executable, "-m", "tools.fixes", "--one", str(folder.resolve()), *diffs]
    try:
        done = subprocess.run(  # noqa: S603 (a module of ours; the folder is one argument)
            command, cwd=ROOT, capture_output=True, text=True, timeout=options.seconds, check=True
        )
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
        _line(f"{folder.name}: failed: {str(error.stderr or 'not done in time').splitlines()[-1]}")
        return {"repo": folder.name, "counts": {}}
    told: dict[str, Any] = {"repo": folder.name, **json.loads(done.stdout)}
    _line(f"{folder.name}: {told['seconds']} s, {told['checks']} checks; {_words(told)}")
    return told


def _words(told: Mapping[str, object]) -> str:
    refused, faults = told["refused"], told["faults"]
    return f"refused {refused}" + (f"; FAULTS {faults}" if faults else "")


def _show(told: Iterable[Mapping[str, object]]) -> None:
    totals: dict[str, Counter[str]] = {name: Counter() for name in COLUMNS}
    for each in told:
        counts = each["counts"]
        assert isinstance(counts, dict)
        for name, by_rule in counts.items():
            totals[name].update(by_rule)
    rows = [(rule, *(totals[name][rule] for name in COLUMNS)) for rule in sorted(totals["found"])]
    rows.append(("all", *(sum(totals[name].values()) for name in COLUMNS)))
    for row in (("rule", *COLUMNS), *rows):
        _line(f"{row[0]:<26}" + "".join(f"{cell:>9}" for cell in row[1:]))


def _line(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
