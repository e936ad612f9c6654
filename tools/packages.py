"""Whole packages from PyPI, and Python's own library → whether evalguard gets through all of them.

``python -m tools.packages folder`` downloads the wheels of ``PINNED`` packages, unpacks them into
the folder without running anything of them, checks each in a process of its own, and prints a
table; the standard library of the running Python, with its test suite where that is installed,
comes first. A traceback, a hang or a process that dies is a failure, and the command exits with 1.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
import sysconfig
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.runs import Limits, Run, run

PINNED = (
    "attrs==26.1.0", "babel==2.18.0", "cattrs==26.2.1", "click==8.5.1", "coverage==7.17.3",
    "distlib==0.4.4", "executing==2.3.0", "fsspec==2026.9.0", "hypothesis==6.170.15",
    "ipython==9.18.1", "jedi==0.20.1", "jinja2==3.1.6", "jsonschema==4.26.0", "libcst==1.9.0",
    "markdown==3.11.3", "mkdocs==1.6.1", "mpmath==1.3.0", "mypy==2.4.1", "nbformat==5.11.1",
    "networkx==3.6.1", "parso==0.8.7", "pexpect==4.9.0", "pip==23.2.1", "prompt-toolkit==3.0.53",
    "psutil==7.2.2", "pydantic==2.14.3", "pygls==2.1.1", "pygments==2.21.0", "pytest==9.2.0",
    "requests==2.34.2", "rich==15.0.0", "setuptools==84.2.1", "sympy==1.14.0", "traitlets==5.16.1",
    "urllib3==2.8.0", "virtualenv==21.15.8", "watchdog==7.1.0", "wcwidth==0.9.4",
    "catalyst==22.4", "kornia==0.9.0", "lightly==1.6.0", "monai==1.6.1", "open-clip-torch==3.3.0",
    "pytorch-ignite==0.5.5", "pytorch-metric-learning==2.9.0",
    "segmentation-models-pytorch==0.6.0", "skorch==1.4.0", "speechbrain==1.1.2",
    "stable-baselines3==2.9.2", "timm==1.0.31", "torch-geometric==2.8.1", "torchmetrics==1.9.0",
    "ultralytics==8.4.190", "yolov5==7.0.14",
)  # fmt: skip
SECONDS = 600.0


def unpacked(pin: str, folder: Path) -> Path:
    """Download a wheel and unpack it, unless it was before; where it is."""
    place = folder / pin.replace("==", "-")
    if not place.exists():
        wheels = folder / "wheels"
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--only-binary", ":all:", "--dest", str(wheels / pin), pin]
        subprocess.run(command, check=False)  # noqa: S603 (pinned names of ours)
        for wheel in (wheels / pin).glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(place)
    return place


def folders(folder: Path, pins: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """What to check, by name."""
    yield f"Python {platform.python_version()}, Lib", Path(sysconfig.get_path("stdlib"))
    for pin in pins:
        yield pin, unpacked(pin, folder)


def row(name: str, found: Run) -> str:
    """A line of the table."""
    kinds = Counter(spot.message.partition(":")[0] for spot in found.unreadable)
    errors = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))
    seen = f"{len(found.unreadable)}{f' ({errors})' if errors else ''}"
    return f"| {name} | {found.files:,} | {seen} | {found.seconds:.0f} | {found.failure} |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m tools.packages")
    parser.add_argument("folder", type=Path, help="where wheels are unpacked")
    parser.add_argument("pins", nargs="*", metavar="NAME==VERSION", help="others than those pinned")
    given = parser.parse_args(arguments)
    _print("| package | files checked | files that can't be | seconds | failure |")
    _print("|---|---:|---|---:|---|")
    runs = []
    for name, place in folders(given.folder, given.pins or PINNED):
        runs.append(run(place, Limits(SECONDS)))
        _print(row(name, runs[-1]))
    failed = sum(bool(found.failure) for found in runs)
    files, broken = (sum(found.files for found in runs), sum(len(r.unreadable) for r in runs))
    _print(
        f"\n{len(runs)} packages, {files:,} files checked, {broken:,} that can't be,"
        f" {failed} failures."
    )
    return 1 if failed else 0


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
