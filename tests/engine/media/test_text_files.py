"""Text files in the encodings that people's programs write."""

import pytest

from engine.core.errors import BadInput
from engine.media.text_files import decode_text

TEXT = "Ça va? “Año” … naïve\nzweite Zeile\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_decides_the_encoding_and_is_removed(encoding: str) -> None:
    assert decode_text(TEXT.replace("\n", "\r\n").encode(encoding), "file")[0] == TEXT


def test_a_big_endian_mark_is_read_too() -> None:
    assert decode_text(b"\xfe\xff" + TEXT.encode("utf-16-be"), "file") == (TEXT, "utf-16-be")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "windows-1252"])
def test_western_text_without_a_mark_is_recognised(encoding: str) -> None:
    assert decode_text(TEXT.encode(encoding), "file") == (TEXT, encoding)


def test_utf_16_without_a_mark_is_not_read_as_utf_8() -> None:
    assert decode_text("plain words\n".encode("utf-16-le"), "file") == ("plain words\n", "utf-16-le")


@pytest.mark.parametrize(
    "data",
    [
        "Привет, мир, как дела".encode("windows-1251"),
        "字幕文件的编码".encode("gb18030"),
        b"\xff\xfe\x00",
        b"\xff\xfe\x00\xd8",
    ],
)
def test_other_encodings_are_refused_instead_of_read_as_nonsense(data: bytes) -> None:
    with pytest.raises(BadInput, match=r"^script uses an unknown text encoding\. Save the file as UTF-8"):
        decode_text(data, "script")
