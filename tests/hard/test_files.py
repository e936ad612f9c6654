"""Files that aren't what they seem, that go meanwhile, full disks and processes that are ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from evalguard.check import check_paths
from evalguard.contents import TooLarge, contents
from evalguard.source import Source, Unreadable, read

NET = """\
import torch
net = torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.Dropout())
net.eval
with torch.no_grad():
    print(net(x).argmax())
"""
PATIENCE = 60
needs_unix = pytest.mark.skipif(os.name == "nt", reason="what Windows doesn't have")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "evalguard", *arguments]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), capture_output=True, text=True, check=False, timeout=PATIENCE
    )


@needs_unix
@pytest.mark.parametrize("kind", ["pipe", "socket", "device"])
def test_what_is_no_file_is_passed_over_and_told_if_given(here: Path, kind: str) -> None:
    with _special(here / "odd.py", kind):
        Path("net.py").write_text(NET, "utf-8")
        assert check_paths(["."]).errors == ()
        (error,) = check_paths(["odd.py", "net.py"]).errors
        assert error.path == "odd.py"
        assert error.reason.startswith("can't be read: ")


@needs_unix
@pytest.mark.parametrize("name", ["evalguard.toml", "pyproject.toml", "known.json"])
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_configuration_and_baseline_that_are_no_files(here: Path, name: str, kind: str) -> None:
    Path("net.py").write_text(NET, "utf-8")
    with _special(here / name, kind):
        done = run("check", "net.py", *(["--baseline", name] if name == "known.json" else []))
    assert done.returncode == 2
    assert "can't be read: not a regular file" in done.stderr
    assert "Traceback" not in done.stderr


def _special(path: Path, kind: str) -> socket.socket:
    """Make what is no file; a socket to close, whatever it is."""
    made = socket.socket(socket.AF_UNIX)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        made.bind(path.name)
    return made


def test_a_file_has_a_limit() -> None:
    Path("large").write_bytes(b"x" * 11)
    assert contents("large", 11) == b"x" * 11
    with pytest.raises(TooLarge):
        contents("large", 10)


def test_a_large_configuration_is_not_read() -> None:
    Path("net.py").write_text(NET, "utf-8")
    Path("evalguard.toml").write_bytes(b"#" * 1_000_001)
    done = run("check", "net.py")
    assert done.returncode == 2
    assert "larger than 1 MB" in done.stderr


def test_files_that_go_between_finding_and_reading_are_told() -> None:
    for name in ("a.py", "b.py", "c.py"):
        Path(name).write_text(NET, "utf-8")

    def going(paths: Sequence[str]) -> Iterator[str]:
        for path in paths:
            if path == "b.py":
                Path(path).unlink()
            yield path

    result = check_paths(["."], progress=going)
    assert [(each.path, each.reason) for each in result.errors] == [
        ("b.py", "can't be read: no such file or directory")
    ]
    assert result.files == 2


def test_files_that_may_not_be_read_are_told() -> None:
    for name in ("a.py", "b.py"):
        Path(name).write_text(NET, "utf-8")

    def reader(path: str) -> Source:
        if path == "b.py":
            raise Unreadable("can't be read: permission denied")
        return read(path)

    result = check_paths(["."], reader=reader)
    assert [each.path for each in result.errors] == ["b.py"]
    assert {each.place.path for each in result.findings} == {"a.py"}


def test_names_that_no_file_can_have() -> None:
    with pytest.raises(Unreadable, match="null character"):
        read("a\0.py")


@needs_unix
@pytest.mark.parametrize("arguments", [(), ("--fix", "--diff"), ("--output-format", "json")])
def test_a_full_disk_behind_standard_output(arguments: Sequence[str]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    Path("net.py").write_text(NET, "utf-8")
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(
            command("check", "net.py", *arguments),
            stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=PATIENCE,
        )  # fmt: skip
    assert done.returncode == 2
    assert "can't be written: no space left on device" in done.stderr
    assert "Traceback" not in done.stderr


@needs_unix
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&- <&-"])
@pytest.mark.parametrize(("text", "code"), [("x = 1\n", 0), (NET, 1)])
def test_streams_may_be_closed(closed: str, text: str, code: int) -> None:
    Path("net.py").write_text(text, "utf-8")
    line = f'"$0" -m evalguard check -v net.py {closed}'
    done = subprocess.run(
        ["/bin/sh", "-c", line, sys.executable], capture_output=True, check=False, timeout=PATIENCE
    )
    assert done.returncode == code
    assert b"Traceback" not in done.stdout + done.stderr


@needs_unix
@pytest.mark.parametrize("arguments", [(), ("--fix",)])
def test_an_interrupt_ends_it_at_once(arguments: Sequence[str]) -> None:
    for number in range(1200):
        Path(f"net{number}.py").write_text(NET * 20, "utf-8")
    with subprocess.Popen(
        command("check", ".", *arguments),
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    ) as child:  # fmt: skip
        time.sleep(1.5)
        child.send_signal(signal.SIGINT)
        _, told = child.communicate(timeout=PATIENCE)
    assert child.returncode == 130
    assert "Traceback" not in told
    assert _drafts() == []


@needs_unix
@pytest.mark.parametrize("seconds", [0.5, 0.8, 1.1, 1.5, 2.0])
def test_a_process_that_is_killed_leaves_whole_files(seconds: float) -> None:
    names = [f"net{number}.py" for number in range(60)]
    for name in names:
        Path(name).write_text(NET, "utf-8")
    with subprocess.Popen(
        command("check", ".", "--fix", "-q"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as child:
        time.sleep(seconds)
        child.kill()
    allowed = {NET, NET.replace("net.eval\n", "net.eval()\n")}
    assert {Path(name).read_text("utf-8") for name in names} <= allowed


def _drafts() -> list[Path]:
    return list(Path().glob(".*.tmp"))
