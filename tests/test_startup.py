"""What a short run pays for: the modules that it imports, as a count of seconds would be a guess.

An editor or a hook calls evalguard on one file, and nearly all that takes is getting ready.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

SRC = Path(__file__).parent.parent / "src"
CLEAN = "import torch\nfrom torch import nn\nnet = nn.Dropout()\nnet.train()\nnet(torch.ones(3))\n"
FAULTY = f"{CLEAN}net.eval\n"

# What click doesn't bring along, and what it is for.
ALLOWED = {
    "evalguard__mypyc": "what is compiled, where evalguard was built so",
    "__future__": "annotations stay as written",
    "ast": "reading",
    "copy": "dataclasses",
    "dataclasses": "the declaration of the settings",
    "evalguard": "",
    "fnmatch": "patterns in the tables",
    "gc": "is kept at rest",
    "blake2": "the names of what is kept",
    "hashlib": "the names of what is kept",
    "importlib": "commands and rules are imported by name",
    "json": "the tables",
    "locale": "click's own texts",
    "tokenize": "a file's encoding",
    "unicodedata": "what a terminal can show",
}

# What is imported of evalguard's own if the result is known from an earlier run.
ROOMS = {
    "_version", "cache", "check", "cli", "collector", "config", "contents", "context", "discover",
    "finding", "globs", "options", "places", "programs", "progress", "records", "repair", "report",
    "select", "source",
}  # fmt: skip
OF_ROOMS = {
    "context": {"project"},
    "programs": {"projects"},
    "report": {"concise", "edits", "formats", "frame", "terminal", "words"},
    "source": {"unreadable"},
}


def modules_after(program: str, folder: Path) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{program}\nprint(*sys.modules, file=sys.stderr)"],
        capture_output=True,
        check=True,
        encoding="utf-8",
        cwd=folder,
    )
    return set(done.stderr.split())


def after_check(folder: Path, *arguments: str) -> set[str]:
    program = f"from evalguard.cli import main\nmain(['check', 'use.py', *{arguments!r}])"
    return modules_after(program, folder)


@pytest.mark.parametrize("text", [CLEAN, FAULTY], ids=["clean", "faulty"])
@pytest.mark.parametrize("form", ["full", "concise", "json"])
def test_a_run_imports_what_it_needs(tmp_path: Path, text: str, form: str) -> None:
    (tmp_path / "use.py").write_text(text, encoding="utf-8")
    if text == FAULTY and form == "json":
        pytest.skip("edits are told, and made by libcst")
    found = after_check(tmp_path, "--isolated", f"--output-format={form}")
    base = modules_after("import click", tmp_path)
    extra = {name.partition(".")[0].lstrip("_") for name in found - base}
    assert extra - {name.lstrip("_") for name in ALLOWED} == set()


@pytest.mark.parametrize(
    "other",
    [
        "cli.baselining",
        "cli.fixing",
        "cli.pages",
        "cli.serving",
        "cli.tracing",
        "config.schema",
        "config.toml",
        "fix",
        "lower.newer",
        "report.drawing",
        "report.json",
        "report.sarif",
        "server",
        "source.magics",
        "source.notebook",
        "suppress.baseline",
        "suppress.comments",
    ],
)
def test_what_others_need_is_left(tmp_path: Path, other: str) -> None:
    (tmp_path / "use.py").write_text(FAULTY, encoding="utf-8")
    assert (SRC / "evalguard" / other.replace(".", "/")).with_suffix(".py").exists() or (
        SRC / "evalguard" / other.replace(".", "/") / "__init__.py"
    ).exists()
    assert f"evalguard.{other}" not in after_check(tmp_path, "--isolated")


@pytest.mark.parametrize("form", ["full", "concise"])
def test_a_run_that_is_known_imports_less(tmp_path: Path, form: str) -> None:
    use = tmp_path / "use.py"
    use.write_text(FAULTY, encoding="utf-8")
    os.utime(use, (0, time.time() - 60))
    for _ in range(2):
        found = after_check(
            tmp_path, "--isolated", f"--output-format={form}", f"--cache-dir={tmp_path / 'kept'}"
        )
    assert not {name.partition(".")[0] for name in found} & {"libcst", "rich", "tomllib"}
    mine = {name.partition(".")[2] for name in found if name.startswith("evalguard.")}
    assert {name.partition(".")[0] for name in mine} <= ROOMS
    for room, files in OF_ROOMS.items():
        inner = {name.partition(".")[2] for name in mine if name.startswith(f"{room}.")}
        assert inner <= files


def test_help_is_of_one_command(tmp_path: Path) -> None:
    program = "from evalguard.cli import main\nmain(['check', '--help'])"
    found = modules_after(program, tmp_path)
    assert not {"evalguard.check", "evalguard.flow", "rich", "libcst"} & found


def test_records_come_from_one_place() -> None:
    """``dataclasses`` and ``typing.NamedTuple`` take long to make a class: see ``records``."""
    for path in sorted(SRC.rglob("*.py")):
        if path.name in {"records.py", "settings.py"}:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                names = {alias.name for alias in node.names}
                assert node.module != "dataclasses", path
                assert not (node.module == "typing" and "NamedTuple" in names), path


def test_the_collector_rests_in_a_process_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "use.py").write_text(FAULTY, encoding="utf-8")
    program = (
        "import gc, sys; sys.argv[1:] = ['check', 'use.py']\n"
        "from evalguard.__main__ import main\n"
        "before = gc.get_stats()[0]['collections']\n"
        "code = main()\n"
        "after = gc.get_stats()[0]['collections']\n"
        "print(code, after - before, gc.get_freeze_count() > 0, gc.isenabled())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True, cwd=tmp_path
    )
    assert done.stdout.splitlines()[-1] == "1 0 True True"
