"""Files named by their content: sniffed, measured, kept, checked."""

import hashlib
import io
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image
from pillow_heif import register_heif_opener

from engine.core.errors import BadInput
from engine.media.files import FORMATS, is_intact, keep, mime_of_name, size_of, sniff
from engine.media.rgb import load_rgb
from tests.storage.builders import png

PICTURES = ["png", "jpeg", "webp", "gif", "bmp", "avif", "heic"]


def picture(form: str, size: tuple[int, int] = (40, 30)) -> bytes:
    data = io.BytesIO()
    register_heif_opener()
    Image.new("RGB", size, "red").save(data, "HEIF" if form == "heic" else form)
    return data.getvalue()


@pytest.mark.parametrize("form", PICTURES)
def test_every_kind_of_picture_is_known_by_its_content_and_measured(form: str, tmp_path: Path) -> None:
    media = keep(picture(form), tmp_path)
    assert (media.mime, media.width, media.height) == (f"image/{form}", 40, 30)


@pytest.mark.parametrize(
    ("head", "mime"),
    [
        (b"\x00\x00\x00\x18ftypavis\x00\x00\x00\x00avifavis" + bytes(40), "image/avif"),
        (b"\x00\x00\x00\x18ftypmsf1\x00\x00\x00\x00msf1avis" + bytes(40), "image/avif"),
        (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1avif" + bytes(40), "image/avif"),
        (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1heic" + bytes(40), "image/heic"),
        (b"OggS\x00\x02" + bytes(40), "audio/ogg"),
        (b"ID3\x04" + bytes(40), "audio/mpeg"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(40), "audio/wav"),
        (b"fLaC" + bytes(40), "audio/flac"),
        (b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp42" + bytes(40), "video/mp4"),
        (b"\x00\x00\x00\x1cftypM4V \x00\x00\x02\x00isomM4V " + bytes(40), "video/mp4"),
        (b"\x00\x00\x00\x18ftypM4A \x00\x00\x02\x00isommp42" + bytes(40), "audio/mp4"),
        (b"\x00\x00\x00\x14ftypqt  \x00\x00\x02\x00qt  " + bytes(40), "video/quicktime"),
        (
            b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm" + bytes(40),
            "video/webm",
        ),
    ],
)
def test_files_are_known_by_their_first_bytes(head: bytes, mime: str) -> None:
    assert sniff(head) == mime


@pytest.mark.parametrize(
    "head", [b"", b"just words", b"MZ" + bytes(100), b"%PDF-1.7", b"PK\x03\x04" + bytes(100), b"II*\x00" + bytes(100)]
)
def test_programs_documents_and_unsupported_pictures_are_unknown(head: bytes) -> None:
    assert sniff(head) is None


@given(st.binary(max_size=300))
def test_no_bytes_make_sniffing_fail(head: bytes) -> None:
    assert sniff(head) in {None, *FORMATS.values()}


@pytest.mark.parametrize("form", PICTURES)
def test_a_truncated_or_scrambled_picture_is_measured_or_refused(form: str, tmp_path: Path) -> None:
    whole, path = picture(form), tmp_path / "cut"
    for length in range(0, len(whole), max(1, len(whole) // 60)):
        path.write_bytes(whole[:length] + bytes(8))
        try:
            width, height = size_of(path)
        except ValueError as error:
            assert "header" in str(error)  # noqa: PT017  # either of the two is right
        else:
            assert min(width, height) > 0


def test_a_gigantic_picture_is_measured_without_decoding_it(tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    path.write_bytes(png(50_000, 50_000, rows_there=1))
    assert size_of(path) == (50_000, 50_000)


@pytest.mark.parametrize(
    ("name", "mime"),
    [
        ("a.PNG", "image/png"),
        ("photo.jpeg", "image/jpeg"),
        ("IMG_0001.HEIC", "image/heic"),
        ("photo.heif", "image/heic"),
        ("voice.opus", "audio/ogg"),
        ("film.m4v", "video/mp4"),
        ("notes.txt", None),
        ("file", None),
        ("", None),
    ],
)
def test_a_name_promises_what_its_suffix_says(name: str, mime: str | None) -> None:
    assert mime_of_name(name) == mime


def test_bytes_are_kept_under_the_hash_of_their_content(tmp_path: Path) -> None:
    data = picture("png")
    sha256 = hashlib.sha256(data).hexdigest()
    media = keep(data, tmp_path)
    assert media.path == tmp_path / sha256[:2] / f"{sha256}.png"
    assert (media.path.read_bytes(), media.sha256, media.bytes) == (data, sha256, len(data))
    assert list((tmp_path / "parts").iterdir()) == []


def test_a_file_is_moved_to_where_it_is_kept(tmp_path: Path) -> None:
    source = tmp_path / "drawn.tmp"
    source.write_bytes(picture("gif"))
    media = keep(source, tmp_path / "media")
    assert not source.exists()
    assert (media.mime, media.path.suffix) == ("image/gif", ".gif")


def test_the_same_content_is_one_file_and_keeping_it_again_repairs_it(tmp_path: Path) -> None:
    first = keep(picture("png"), tmp_path)
    first.path.write_bytes(b"damaged")
    assert keep(picture("png"), tmp_path) == first
    assert is_intact(first)


def test_a_suffix_decides_the_type_only_where_the_content_does_not(tmp_path: Path) -> None:
    subtitles = keep(b"1\n00:00:00,000 --> 00:00:01,000\nHello\n", tmp_path, ".txt")
    drawn = keep(picture("png"), tmp_path, ".txt")
    unknown = keep(b"\x00\x01\x02", tmp_path)
    assert [(media.mime, media.path.suffix) for media in (subtitles, drawn, unknown)] == [
        ("text/plain", ".txt"), ("image/png", ".png"), ("application/octet-stream", "")
    ]  # fmt: skip


def test_a_file_is_intact_only_with_its_size_and_its_content(tmp_path: Path) -> None:
    media = keep(picture("bmp"), tmp_path)
    assert is_intact(media)
    whole = media.path.read_bytes()
    media.path.write_bytes(whole[:-1] + b"\x01")
    assert not is_intact(media)
    media.path.write_bytes(whole + b"\x00")
    assert not is_intact(media)
    media.path.unlink()
    assert not is_intact(media)


def test_a_picture_whose_header_is_damaged_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="header"):
        keep(picture("png")[:12], tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("form", ["JPEG", "AVIF", "PNG", "WEBP", "HEIF"])
@pytest.mark.parametrize("turn", [1, 3, 6, 8])
def test_a_photo_with_an_orientation_is_measured_as_displayed(form: str, turn: int, tmp_path: Path) -> None:
    image = Image.new("RGB", (80, 40), "red")
    exif = image.getexif()
    exif[ExifTags.Base.Orientation] = turn
    image.save(tmp_path / "photo", form, exif=exif)
    assert size_of(tmp_path / "photo") == load_rgb(tmp_path / "photo").shape[1::-1]


def test_a_png_with_an_orientation_after_its_pixels_is_measured_as_displayed(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    told = exif.tobytes().removeprefix(b"Exif\0\0")
    data = io.BytesIO()
    Image.new("RGB", (80, 40), "red").save(data, "PNG")
    end = data.getvalue().rindex(b"IEND") - 4
    chunk = struct.pack(">I", len(told)) + b"eXIf" + told + struct.pack(">I", zlib.crc32(b"eXIf" + told))
    (tmp_path / "photo").write_bytes(data.getvalue()[:end] + chunk + data.getvalue()[end:])
    assert size_of(tmp_path / "photo") == load_rgb(tmp_path / "photo").shape[1::-1] == (40, 80)


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_a_damaged_exif_does_not_rotate_a_picture(form: str, tmp_path: Path) -> None:
    Image.new("RGB", (80, 40), "red").save(tmp_path / "photo", form, exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert size_of(tmp_path / "photo") == (80, 40)


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_a_picture_whose_exif_has_no_end_is_refused(form: str, tmp_path: Path) -> None:
    Image.new("RGB", (80, 40), "red").save(tmp_path / "photo", form, exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    whole = (tmp_path / "photo").read_bytes()
    name = b"eXIf" if form == "PNG" else b"EXIF"
    at = whole.index(name) + (-4 if form == "PNG" else 4)
    (tmp_path / "photo").write_bytes(whole[:at] + b"\xff\xff\xff\x7f" + whole[at + 4 :])
    with pytest.raises(BadInput, match="image is damaged"):
        load_rgb(tmp_path / "photo")
    with pytest.raises(ValueError, match="header"):
        size_of(tmp_path / "photo")
