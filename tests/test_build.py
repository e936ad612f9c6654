"""What a build compiles, and what runs it."""

from __future__ import annotations

import importlib.util
import threading
from pathlib import Path
from types import ModuleType

import pytest

from evalguard import stack
from evalguard.stack import with_room

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_is_not_compiled_is_there(build: ModuleType) -> None:
    for name in (*build.ROOMS, *build.PLAIN):
        assert (ROOT / "src/evalguard" / name).exists(), name


def test_what_is_compiled_has_no_cached_property(build: ModuleType) -> None:
    """Of a compiled class it would be worked out each time that it is asked for."""
    for room in build.ROOMS:
        for path in (ROOT / "src/evalguard" / room).glob("*.py"):
            name = f"{room}/{path.name}"
            assert name in build.PLAIN or "@cached_property" not in path.read_text(), name


def test_the_environment_decides_whether_to_compile(
    build: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVALGUARD_COMPILE", "0")
    assert not build._asked()
    monkeypatch.setattr(build.shutil, "which", lambda _: None)
    monkeypatch.delenv("EVALGUARD_COMPILE")
    assert not build._asked()
    monkeypatch.setenv("EVALGUARD_COMPILE", "1")
    assert build._asked()


def test_what_goes_wrong_is_told(build: ModuleType, tmp_path: Path) -> None:
    pytest.importorskip("setuptools", reason="the build brings its own")
    wrong = tmp_path / "src/evalguard/flow/wrong.py"
    wrong.parent.mkdir(parents=True)
    wrong.write_text("def broken(:\n")
    assert "wrong.py" in build._compiled(str(tmp_path), str(tmp_path / "scratch"))


def depth(levels: int) -> int:
    return 1 + depth(levels - 1) if levels else 0


@pytest.mark.parametrize("compiled", [True, False])
def test_work_is_done_with_room(compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "COMPILED", compiled)
    assert with_room(lambda: depth(100)) == 100
    elsewhere = with_room(lambda: threading.current_thread() is not threading.main_thread())
    assert elsewhere is compiled
    with pytest.raises(RecursionError):
        with_room(lambda: depth(10**6))


def test_without_the_room_it_is_done_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "COMPILED", True)
    monkeypatch.setattr(stack, "ROOM", (1, 2))
    before = threading.stack_size()
    assert with_room(lambda: threading.current_thread() is threading.main_thread())
    assert threading.stack_size() == before
