"""Pinned packages of PyPI → a folder of Python files, and the environments of the other tools.

Only wheels are taken, as an sdist would run its own code; of each only the Python files are
unpacked, none outside its folder. Nothing of them is ever imported.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from benchmarks import tools

PACKAGES = (
    "accelerate==1.15.0",
    "botorch==0.18.1",
    "captum==0.9.0",
    "catalyst==22.4",
    "diffusers==0.42.1",
    "fastai==2.8.12",
    "flair==0.15.1",
    "gpytorch==1.15.2",
    "kornia==0.9.0",
    "lightly==1.6.0",
    "monai==1.6.1",
    "open_clip_torch==3.3.0",
    "peft==0.21.2",
    "pytorch-ignite==0.5.5",
    "pytorch-lightning==2.6.6",
    "pytorch-metric-learning==2.9.0",
    "segmentation_models_pytorch==0.6.0",
    "sentence-transformers==6.2.0",
    "skorch==1.4.0",
    "speechbrain==1.1.2",
    "stable_baselines3==2.9.2",
    "timm==1.0.31",
    "torch_geometric==2.8.1",
    "torchmetrics==1.9.0",
    "transformers==5.23.0",
    "trl==1.16.0",
    "ultralytics==8.4.190",
    "yolov5==7.0.14",
)
LARGEST = 20_000_000


class UnsafeName(Exception):
    """A file of an archive that would lie outside its folder."""


def run(command: Sequence[str]) -> None:
    """Run one of our commands."""
    subprocess.run(command, check=True)  # noqa: S603 (ours)


def fetched(package: str, folder: Path) -> Path:
    """Download a wheel and unpack its Python files, unless that was done before."""
    name = package.replace("==", "-")
    home = folder / name
    if not home.exists():
        wheels = folder / ".wheels" / name
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        run([*pip, "--only-binary=:all:", "--dest", str(wheels), package])
        draft = folder / f".{name}"
        for wheel in sorted(wheels.glob("*.whl")):
            unpack(wheel, draft)
        draft.rename(home)
    return home


def unpack(archive: Path, folder: Path) -> None:
    """Write the Python files of an archive below a folder.

    Raises:
        UnsafeName: One would lie elsewhere; nothing of the archive is written.
    """
    with zipfile.ZipFile(archive) as opened:
        members = list(_python(opened))
        for info, path in members:
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with opened.open(info) as source:
                target.write_bytes(source.read(LARGEST))


def _python(opened: zipfile.ZipFile) -> Iterator[tuple[zipfile.ZipInfo, PurePosixPath]]:
    for info in opened.infolist():
        path = PurePosixPath(info.filename)
        if path.suffix != ".py" or info.is_dir():
            continue
        if (
            path.is_absolute()
            or ".." in path.parts
            or "\\" in info.filename
            or ":" in path.parts[0]
        ):
            raise UnsafeName(info.filename)
        yield info, path


def main(arguments: Sequence[str] | None = None) -> int:
    """Fetch what isn't there yet."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fetch", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR", help="where packages go")
    parser.add_argument("--tools", type=Path, metavar="DIR", help="where the other tools go")
    parser.add_argument(
        "--packages", nargs="+", default=PACKAGES, metavar="NAME==VERSION", help="others than usual"
    )
    parser.add_argument(
        "--install", action="store_true", help="install evalguard too, compiled if it can be"
    )
    options = parser.parse_args(arguments)
    for package in options.packages:
        print(fetched(package, options.folder), flush=True)
    if options.tools:
        tools.make(options.tools, run, options.install)
    return 0


if __name__ == "__main__":
    sys.exit(main())
