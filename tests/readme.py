"""Pages that show commands → the same with what the commands print written anew.

``python tests/readme.py`` writes them; ``test_readme.py`` fails if that would change anything.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
START = ROOT / "docs" / "getting-started.md"
TRACE = ROOT / "docs" / "trace.md"
BLOCK = re.compile(
    r"(?P<head><!-- (?P<name>\w+):start -->\n```console\n\$ (?P<command>.*)\n)"
    r"(?P<output>(?:.*\n)*?)"
    r"(?P<foot>```\n<!-- (?P=name):end -->)"
)


def rewritten(text: str) -> str:
    """Replace what follows the command in each block by what the command prints."""
    return BLOCK.sub(lambda block: block["head"] + output(block["command"]) + block["foot"], text)


def output(command: str) -> str:
    """Run a command of evalguard's as on a wide page that is no terminal."""
    arguments = shlex.split(command)[1:]
    done = subprocess.run(
        [sys.executable, "-m", "evalguard", *arguments],
        check=False,
        capture_output=True,
        cwd=ROOT,
        encoding="utf-8",
        env=os.environ | {"COLUMNS": "80", "PYTHONUTF8": "1"},
    )
    assert done.returncode in {0, 1}, done.stderr
    return done.stdout


if __name__ == "__main__":
    for shown in (README, START, TRACE):
        shown.write_text(rewritten(shown.read_text(encoding="utf-8")), encoding="utf-8")
