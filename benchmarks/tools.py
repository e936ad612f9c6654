"""Other tools, each in an environment of its own → the commands that run them, and evalguard.

flake8 loads every plugin that is installed beside it, TorchFix and evalguard among them, so no two
tools share an environment. ``python -m benchmarks.fetch`` makes these.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.clock import Command

ROOT = Path(__file__).resolve().parents[1]
PINNED = {
    "evalguard": ("click==8.5.1", "libcst==1.9.0", "rich==15.0.0"),
    "flake8": ("flake8==7.5.0",),
    "ruff": ("ruff==0.17.6",),
    "torchfix": ("TorchFix==0.7.0",),
}


class Tools:
    """The environments below a folder; without one, what is in the running environment."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def python(self, tool: str) -> str:
        """The Python that has a tool."""
        if self._folder is None:
            return sys.executable
        return str(self._folder / tool / "bin" / "python")

    @property
    def installed(self) -> bool:
        """Whether evalguard is installed in its environment, and not run as it is written."""
        homes = self._folder.glob("evalguard/lib/*/site-packages/evalguard") if self._folder else ()
        return any(True for _ in homes)

    @property
    def built(self) -> str:
        """How evalguard is run."""
        program = "from evalguard.stack import COMPILED; print(COMPILED)"
        command = [self.python("evalguard"), "-c", program]
        env = {**os.environ, **({} if self.installed else OURS)}
        done = subprocess.run(command, capture_output=True, check=False, text=True, env=env)  # noqa: S603 (ours)
        return "compiled" if done.stdout.strip() == "True" else "as it is written"

    def version(self, tool: str) -> str:
        """The version of a tool, or of a library beside it."""
        home = {"libcst": "evalguard"}.get(tool, tool)
        program = "import sys, importlib.metadata as m; print(m.version(sys.argv[1]))"
        command = [self.python(home), "-c", program, tool]
        done = subprocess.run(command, capture_output=True, check=False, text=True)  # noqa: S603 (ours)
        return done.stdout.strip() or "not there"

    def evalguard(
        self,
        paths: Sequence[str | Path],
        *options: str,
        name: str = "",
        kept: Path | None = None,
    ) -> Command:
        """``evalguard check``, as installed in its environment, or of this tree.

        Results are ``kept`` in a folder, if there is one.
        """
        command = [self.python("evalguard"), "-m", "evalguard", "check", "--isolated"]
        command += ["--output-format=concise", f"--cache-dir={kept}" if kept else "--no-cache"]
        command += [*options, *map(str, paths)]
        environment = PLAIN if self.installed else OURS
        return Command(name or "evalguard check", command, (0, 1), environment=environment)

    def parser(self, kind: str, listed: Path, name: str, scale: float = 1.0) -> Command:
        """``ast.parse`` or ``libcst.parse_module`` over the files that a file lists."""
        command = [self.python("evalguard"), str(ROOT / "benchmarks" / "parse.py"), kind]
        return Command(name, [*command, str(listed)], (0,), scale, OURS)

    def ruff(self, paths: Sequence[str | Path], *options: str, name: str = "") -> Command:
        """``ruff check``, with its default rules."""
        command = [self.python("ruff"), "-m", "ruff", "check", "--isolated", "--quiet", *options]
        return Command(name or "ruff check", [*command, *map(str, paths)])

    def flake8(self, paths: Sequence[str | Path]) -> Command:
        """flake8 with its own checks."""
        command = [self.python("flake8"), "-m", "flake8", "--isolated", "-j1"]
        return Command("flake8", [*command, *map(str, paths)])

    def torchfix(self, paths: Sequence[str | Path], scale: float = 1.0) -> Command:
        """TorchFix, which shows what it finds."""
        command = [self.python("torchfix"), "-m", "torchfix", *map(str, paths)]
        return Command("TorchFix", command, (0, 1), scale)

    def python_alone(self) -> Command:
        """The start of Python."""
        return Command("python -c pass", [self.python("evalguard"), "-c", "pass"])


PLAIN = {"PYTHONDONTWRITEBYTECODE": ""}
OURS = {"PYTHONPATH": str(ROOT / "src"), **PLAIN}


def make(folder: Path, run: Callable[[Sequence[str]], object], install: bool = False) -> None:
    """Make the environments of the tools, those that aren't there yet.

    Args:
        folder: Where to.
        run: Runs a command.
        install: Install evalguard in its own, compiled if it can be.
    """
    for tool, needs in PINNED.items():
        home = folder / tool
        if not home.exists():
            venv.create(home, with_pip=True)
            run([str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", *needs])
    if install:
        pip = [str(folder / "evalguard" / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        run([*pip, "--no-deps", "--force-reinstall", str(ROOT)])
