"""Folder of a project → JSON on stdout: what evalguard says of it, told to ``tools.runs``.

It is a process of its own, which works from this project's root and never from the folder:
Python would find modules of the code that is only to be read.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from evalguard.check import Options, check_paths
from evalguard.finding import Confidence, FileError, Finding
from evalguard.places import Place
from tools.runs import Seen, Spot


def observe(folder: Path) -> dict[str, Any]:
    """Check a folder in this process.

    Args:
        folder: The root of a project.

    Returns:
        What ``tools.runs`` makes a ``Run`` of, fit for JSON; paths are relative to the folder.
    """
    result = check_paths([str(folder)], Options(min_confidence=Confidence.POSSIBLE))
    return {
        "seen": [asdict(_seen(finding, folder)) for finding in result.findings],
        "files": result.files,
        "unreadable": [_unreadable(error, folder) for error in result.errors],
    }


def _seen(finding: Finding, folder: Path) -> Seen:
    return Seen(
        rule=finding.rule,
        confidence=finding.confidence.word,
        severity=finding.severity.word,
        spot=_spot(finding.place, finding.message, folder),
        text=_line_of(folder / finding.place.path, finding.place.file_line),
        evidence=tuple(_spot(each.place, each.message, folder) for each in finding.evidence),
    )


def _spot(place: Place, message: str, folder: Path) -> Spot:
    return Spot(os.path.relpath(place.path, folder), place.file_line, message)


def _unreadable(error: FileError, folder: Path) -> Spot:
    return Spot(os.path.relpath(error.path, folder), error.line, error.reason)


def _line_of(path: Path, line: int) -> str:
    """Return a line of a file without its indentation, or nothing if there is no such line."""
    lines = path.read_text("utf-8", "replace").splitlines()
    return lines[line - 1].strip() if 0 < line <= len(lines) else ""


def main() -> None:
    """Check the folder that the command line names, in as many bytes as it says."""
    folder, size = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_AS, (int(size), int(size)))
    sys.stdout.write(json.dumps(observe(Path(folder))))


if __name__ == "__main__":
    main()
