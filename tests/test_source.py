"""Reading files: what Python can decode is decoded, what it can't has a reason and a place."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalguard import source
from evalguard.source import Source, Unreadable, from_text, lines, read


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "net.py"


KINDS = (
    "empty", "no end", "utf-8", "bom", "latin-1", "second line", "old line ends", "line ends",
    "no line ends",
)  # fmt: skip


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        (b"x = 1", "x = 1"),
        ("é = 'ü'\n".encode(), "é = 'ü'\n"),
        (b"\xef\xbb\xbfx = 1\n", "x = 1\n"),
        (b"# -*- coding: latin-1 -*-\nx = '\xe9'\n", "# -*- coding: latin-1 -*-\nx = 'é'\n"),
        (b"#!/bin/python\n# coding: koi8-r\n'\xd6'\n", "#!/bin/python\n# coding: koi8-r\n'ж'\n"),
        (b"#!/bin/python\r# coding: koi8-r\r'\xd6'\r", "#!/bin/python\n# coding: koi8-r\n'ж'\n"),
        (b"a\r\nb\rc\nd\r\n", "a\nb\nc\nd\n"),
        (b"a\x0cb\x0b\xe2\x80\xa8c\n", "a\x0cb\x0b\u2028c\n"),
    ],
    ids=KINDS,
)
def test_decoding(file: Path, data: bytes, text: str) -> None:
    file.write_bytes(data)
    assert read(str(file)) == Source(str(file), text)


@pytest.mark.parametrize(
    ("data", "reason", "line", "column"),
    [
        (b"x = 1\r\ny = '\xff'\n", "not text in utf-8: invalid start byte", 2, 6),
        (b"\xff\xfex\x00", "not text in utf-8: invalid start byte", 1, 1),
        (b"# coding: ascii\n'\xc3\xa9'\n", "not text in ascii: ordinal not in range(128)", 2, 2),
        (b"# coding: klingon\n'\xff'\n", "can't be decoded: unknown encoding: klingon", 1, 0),
        (b"\r# coding: klingon\r'\xff'\r", "can't be decoded: unknown encoding: klingon", 2, 0),
        (b"'\xff'\r\r# coding: latin-1\r", "not text in utf-8: invalid start byte", 1, 2),
        (b"1\r# coding: latin-1\r'\xff'\r", "not text in utf-8: invalid start byte", 3, 2),
        (b"\n# coding: klingon\n'\xff'", "can't be decoded: unknown encoding: klingon", 2, 0),
        (b"# coding: hex\n", "can't be decoded: hex is no encoding for text", 0, 0),
        (b"x = 1\ny = \x00\n", "holds a null character", 2, 5),
    ],
)
def test_what_is_no_text(file: Path, data: bytes, reason: str, line: int, column: int) -> None:
    file.write_bytes(data)
    with pytest.raises(Unreadable) as caught:
        read(str(file))
    assert (caught.value.reason, caught.value.line, caught.value.column) == (reason, line, column)


def test_utf_8_is_read_whatever_codec_of_a_package_s_own_it_declares(file: Path) -> None:
    file.write_bytes("# coding: klingon\nx = 'é'\n".encode())
    assert read(str(file)).text == "# coding: klingon\nx = 'é'\n"


def test_bom_and_declaration_that_disagree(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf# coding: latin-1\n")
    with pytest.raises(Unreadable, match="can't be decoded: encoding problem"):
        read(str(file))


def test_what_can_t_be_opened(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="can't be read: no such file or directory"):
        read(str(tmp_path / "gone.py"))
    with pytest.raises(Unreadable, match="can't be read: is a directory"):
        read(str(tmp_path))


def test_what_is_too_large(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MAX_BYTES", 1_000_000)
    file.write_bytes(b"#" * 1_000_000)
    assert len(read(str(file)).text) == 1_000_000
    file.write_bytes(b"#" * 1_000_001)
    with pytest.raises(Unreadable, match="larger than 1 MB"):
        read(str(file))


def test_text_at_hand() -> None:
    assert from_text("\ufeffa\r\nb\r", "x.py") == Source("x.py", "a\nb\n")
    with pytest.raises(Unreadable):
        from_text("\0", "x.py")


def test_lines_count_as_the_parser_counts(file: Path) -> None:
    file.write_bytes(b"a\x0cb\r\nc\rd")
    assert lines(str(file)) == ("a\x0cb", "c", "d")
    assert lines(str(file.with_name("gone.py"))) == ()
