"""The build of a wheel: what takes most of a run is compiled by mypyc, where a C compiler is.

``EVALGUARD_COMPILE=0`` leaves all as it is, ``EVALGUARD_COMPILE=1`` fails rather than do that. An
editable install runs the sources, so nothing is compiled for it.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOMS = ("flow", "knowledge", "link", "lower")
# Named tuples are made at each start, for mypyc by `typing`, which is slow: most are in atoms.py.
# What needs libcst is imported in few runs, and what builds the tables does little by itself.
PLAIN = frozenset((
    "flow/atoms.py",
    "knowledge/arguments.py", "knowledge/build.py", "knowledge/entries.py", "knowledge/schema.py",
    "lower/blanking.py", "lower/newer.py",
))  # fmt: skip
COMPILE = """
import sys
from mypyc.build import mypycify
from setuptools import setup
scratch, *files = sys.argv[1:]
options = ["--config-file=", "--follow-imports=silent", "--ignore-missing-imports"]
setup(
    name="evalguard",
    packages=[],
    ext_modules=mypycify(
        [*options, f"--cache-dir={scratch}/types", *files],
        opt_level="1",
        debug_level="0",
        target_dir=f"{scratch}/c",
        group_name="evalguard",
    ),
    script_args=["build_ext", f"--build-lib={scratch}/lib", f"--build-temp={scratch}/temp"],
)
"""


class CompiledBuild(BuildHookInterface):  # type: ignore[type-arg]
    """Puts compiled modules beside their sources in the wheel."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """What the build needs besides."""
        return ["mypy==2.4.1", "setuptools>=77"] if _asked() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and have the wheel hold what comes of it.

        Raises:
            RuntimeError: That went wrong, and ``EVALGUARD_COMPILE=1`` demands it.
        """
        if version == "editable" or not _asked():
            return
        self._scratch = tempfile.mkdtemp()
        made = Path(self._scratch, "lib")
        problem = _compiled(self.root, self._scratch)
        if problem and os.environ.get("EVALGUARD_COMPILE") == "1":
            raise RuntimeError(f"evalguard could not be compiled: {problem}")
        if problem:
            self.app.display_warning(f"evalguard will run as plain Python: {problem}")
            return
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        for path in sorted(made.rglob("*.*")):
            build_data["force_include"][str(path)] = str(path.relative_to(made))

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Clean up."""
        shutil.rmtree(getattr(self, "_scratch", ""), ignore_errors=True)


def _asked() -> bool:
    """Whether to compile: where it is likely to succeed, if nothing else is said."""
    said = os.environ.get("EVALGUARD_COMPILE", "")
    compiler = (sysconfig.get_config_var("CC") or "").split()
    usual = platform.python_implementation() == "CPython" and bool(compiler)
    return said != "0" and (said == "1" or (usual and shutil.which(compiler[0]) is not None))


def _compiled(root: str, scratch: str) -> str:
    """Compile the modules into a folder; what went wrong, if anything did."""
    source = Path(root, "src")
    files = [
        str(path.relative_to(root))
        for room in ROOMS
        for path in sorted((source / "evalguard" / room).glob("*.py"))
        if path.relative_to(source / "evalguard").as_posix() not in PLAIN
    ]
    run = subprocess.run(  # noqa: S603 (this Python, on files of its own)
        [sys.executable, "-c", COMPILE, scratch, *files],
        cwd=root,
        env={**os.environ, "MYPYPATH": str(source)},
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode == 0:
        return ""
    return (run.stdout + run.stderr).strip()[-2000:] or f"exit code {run.returncode}"
