"""The house: which room may import which, and how large a room's files may grow.

Every import counts: those inside functions and those for type checking only, too.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from statistics import median

import pytest

SRC = Path(__file__).parent.parent / "src"

# Each row may import from the rows above it. Rooms in one row don't know each other.
LAYERS = (
    ("records",),
    ("_version", "collector", "contents", "globs", "modes", "places", "workers"),
    ("repair",),
    ("events", "finding"),
    ("facts",),
    ("rule", "trace"),
    ("discover", "source", "knowledge"),
    ("lower", "options"),
    ("link",),
    ("flow",),
    ("context",),
    ("programs", "rules", "select", "stack"),
    ("cache", "suppress", "trials"),
    ("judging",),
    ("sharing",),
    ("report", "check", "fix"),
    ("config",),
    ("flake8", "progress", "server"),
    ("cli",),
    ("__main__", "__init__"),
)
RANKS = {room: rank for rank, row in enumerate(LAYERS) for room in row}
LIBCST_ROOMS = {"lower", "fix"}
PRINTING_ROOMS = {"cli", "progress"}
MAX_LINES = 400
MAX_FUNCTION = 50
MAX_MEDIAN = 9


@cache
def modules() -> dict[str, ast.Module]:
    return {
        ".".join(path.relative_to(SRC).with_suffix("").parts).removesuffix(".__init__"): ast.parse(
            path.read_text(encoding="utf-8")
        )
        for path in sorted(SRC.rglob("*.py"))
    }


def imported(tree: ast.Module) -> Iterator[str]:
    """The modules that a module imports, of evalguard's own as precisely as it names them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            yield from (inner & modules().keys()) or {node.module}


def own(tree: ast.Module) -> set[str]:
    return {name for name in imported(tree) if name.split(".")[0] == "evalguard"}


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


def functions() -> Iterator[tuple[str, int]]:
    for module, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first = node.body[1:] if ast.get_docstring(node) else node.body
                start = first[0].lineno if first else node.lineno
                yield f"{module}.{node.name}", (node.end_lineno or start) - start + 1


def test_every_room_has_a_layer() -> None:
    assert {room(module) for module in modules()} <= RANKS.keys()


@pytest.mark.parametrize("module", modules())
def test_imports_lead_to_layers_above(module: str) -> None:
    here = room(module)
    for target in own(modules()[module]):
        there = room(target)
        assert there == here or RANKS[there] < RANKS[here], f"{module} imports {target}"


def test_no_circle() -> None:
    left = {module: own(tree) - {module} for module, tree in modules().items()}
    while left:
        free = [module for module, targets in left.items() if not targets & left.keys()]
        assert free, f"import one another: {sorted(left)}"
        for module in free:
            del left[module]


@pytest.mark.parametrize(
    ("library", "rooms"),
    [
        ("libcst", LIBCST_ROOMS),
        ("click", {"cli", "progress"}),
        ("rich", {"report"}),
        ("pygls", {"server"}),
        ("lsprotocol", {"server"}),
        ("torch", set()),
    ],
)
def test_libraries_stay_in_their_rooms(library: str, rooms: set[str]) -> None:
    for module, tree in modules().items():
        users = {name for name in imported(tree) if name.split(".")[0] == library}
        assert not users or room(module) in rooms, f"{module} imports {users}"


def test_only_the_command_prints() -> None:
    for module, tree in modules().items():
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        streams = {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and node.attr in {"stdout", "stderr"}
            if isinstance(node.value, ast.Name) and node.value.id == "sys"
        }
        assert room(module) in PRINTING_ROOMS or not ({"print"} & names or streams), module


@pytest.mark.parametrize("module", modules())
def test_every_file_says_what_it_is_for(module: str) -> None:
    assert ast.get_docstring(modules()[module])


@pytest.mark.parametrize("path", sorted(SRC.rglob("*.py")), ids=lambda path: path.name)
def test_files_are_short(path: Path) -> None:
    length = path.read_text(encoding="utf-8").count("\n")
    assert length <= MAX_LINES


def test_functions_are_short() -> None:
    lengths = dict(functions())
    assert {name: length for name, length in lengths.items() if length > MAX_FUNCTION} == {}
    assert median(lengths.values()) <= MAX_MEDIAN
