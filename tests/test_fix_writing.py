"""Mended texts are written as the files were: encoding, line ends, permissions; whole or not."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalguard.fix.text import edited
from evalguard.fix.writing import CHANGED, Files, Unwritable, written_back
from evalguard.places import Span
from evalguard.repair import Edit
from evalguard.source import from_text
from evalguard.source.restoring import with_line_ends

OLD = "import torch\nnet.eval  # naïve\nif net:\n\tprint(net)\n"
NEW = "import torch\nnet.eval()  # naïve\nwith torch.no_grad():\n\tif net:\n\t\tprint(net)\n"
ENCODINGS = {
    "utf-8": "",
    "utf-8-sig": "",
    "latin-1": "# -*- coding: latin-1 -*-\n",
    "cp1252": "# vim: set fileencoding=cp1252 :\n",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "net.py"
    found.write_bytes(OLD.encode())
    return found


def rewritten(path: Path, text: str = NEW) -> bytes:
    files = Files()
    assert files.text(str(path)) is not None
    files.write(str(path), text)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("encoding", "ends"),
    [(name, end) for name in ENCODINGS for end in ("\n", "\r\n", "\r")],
)
def test_line_ends_and_encoding_survive(path: Path, encoding: str, ends: str) -> None:
    cookie = ENCODINGS[encoding]
    path.write_bytes((cookie + OLD).replace("\n", ends).encode(encoding))
    expected = (cookie + NEW).replace("\n", ends).encode(encoding)
    assert rewritten(path, cookie + NEW) == expected


def test_lines_that_are_kept_keep_their_ends() -> None:
    original = OLD.replace("torch\n", "torch\r\n").replace("net:\n", "net:\r")
    new = with_line_ends(NEW.replace("\tif", "if").replace("\t\t", "\t"), OLD, original)
    assert new == (
        "import torch\r\nnet.eval()  # naïve\nwith torch.no_grad():\nif net:\r\tprint(net)\n"
    )


@settings(max_examples=50, deadline=None, derandomize=True, database=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", "", "\tc"]), st.sampled_from(["\n", "\r\n", "\r"]))
    )
)
def test_an_unchanged_text_is_the_file_again(lines: list[tuple[str, str]]) -> None:
    original = "".join(text + end for text, end in lines)
    old = from_text(original, "").text
    assert with_line_ends(old, old, original) == original


def test_edits_are_made_once_each() -> None:
    edits = [
        Edit(Span(2, 9, 2, 9), "()"),
        Edit(Span(1, 1, 1, 1), "# x\n"),
        Edit(Span(2, 9, 2, 9), "()"),
    ]
    assert edited(OLD, edits) == "# x\n" + OLD.replace("eval", "eval()")


def test_a_file_that_changed_meanwhile_is_left_alone(path: Path) -> None:
    files = Files()
    files.text(str(path))
    path.write_bytes(b"x = 1\n")
    with pytest.raises(Unwritable, match=CHANGED):
        files.write(str(path), NEW)
    assert path.read_bytes() == b"x = 1\n"


def test_a_file_that_went_meanwhile_is_not_made_again(path: Path) -> None:
    files = Files()
    files.text(str(path))
    path.unlink()
    with pytest.raises(Unwritable, match="can't be read"):
        files.write(str(path), NEW)
    assert not path.exists()


def test_permissions_are_kept(path: Path) -> None:
    path.chmod(0o750)
    rewritten(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o750


def test_a_link_still_leads_to_the_file(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "folder" / "link.py"
    link.parent.mkdir()
    link.symlink_to(path)
    rewritten(link)
    assert link.is_symlink()
    assert path.read_text(encoding="utf-8") == NEW
    assert os.listdir(link.parent) == ["link.py"]


def test_a_read_only_file_is_not_replaced(path: Path) -> None:
    path.chmod(0o444)
    with pytest.raises(Unwritable, match="it is read-only"):
        rewritten(path)
    assert path.read_bytes() == OLD.encode()


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file(
    path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(Unwritable, match="can't be written: no space left on device"):
        rewritten(path)
    assert path.read_bytes() == OLD.encode()
    assert os.listdir(path.parent) == ["net.py"]


def test_an_interrupt_leaves_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        rewritten(path)
    assert path.read_bytes() == OLD.encode()
    assert os.listdir(path.parent) == ["net.py"]


def test_bytes_that_would_change_by_themselves_are_not_written() -> None:
    data = b"# coding: utf-7\nx = 1 # +AGE-\n"
    with pytest.raises(Unwritable, match="more than one spelling"):
        written_back(data, "x.py", "# coding: utf-7\nx = 2 # a\n")


def test_a_character_that_the_encoding_lacks() -> None:
    with pytest.raises(Unwritable, match="lacks a character"):
        written_back(b"# coding: ascii\nx = 1\n", "x.py", "# coding: ascii\nx = '\u2603'\n")
