"""Pictures that claim less than they decode to: refused by the size that the decoder works with."""

import ast
import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pillow_heif import register_heif_opener

from engine.core.errors import BadInput, TooLarge
from engine.media import animations, decoding
from engine.media.decoding import check_animation, check_picture, measure, open_picture
from engine.media.images import DecodedImage
from engine.media.rgb import load_rgb
from tests.test_imports import FILES, trees

LOCAL_FRAME = b"\x2c" + struct.pack("<HHHH", 0, 0, 1, 1) + b"\0" + b"\x02\x02\x44\x01\x00"


def jpeg_with_false_size(side: int) -> bytes:
    """`side` x `side` for a decoder, 64 x 64 for who skips by the length after FF 00."""
    out = io.BytesIO()
    Image.new("L", (side, side), 128).save(out, "JPEG")
    data = out.getvalue()
    scan = data.index(b"\xff\xda")
    fake = b"\xff\xc0\x00\x0b\x08" + struct.pack(">HH", 64, 64) + b"\x01\x01\x11\x00"
    comment = b"\xff\xfe" + struct.pack(">H", 2 + len(fake)) + fake
    head = data[2:scan]
    return b"\xff\xd8\xff\x00" + struct.pack(">H", 2 + len(head) + 4) + head + comment + data[scan:]


def gif(screen: tuple[int, int], frames: int, first: tuple[int, int] = (1, 1), delay: int = 1) -> bytes:
    """A GIF of `frames` frames of one pixel, the first of which is of the size `first`."""
    out = io.BytesIO()
    Image.new("P", first, 0).save(out, "GIF")
    whole = bytearray(out.getvalue())
    whole[6:10] = struct.pack("<HH", *screen)
    frame = b"\x21\xf9\x04\x00" + struct.pack("<H", delay) + b"\x00\x00" + LOCAL_FRAME
    return bytes(whole[:-1]) + frame * (frames - 1) + b"\x3b"


def write_file(folder: Path, data: bytes) -> Path:
    path = folder / "sent"
    path.write_bytes(data)
    return path


def test_a_jpeg_has_the_size_that_it_decodes_to(tmp_path: Path) -> None:
    path = write_file(tmp_path, jpeg_with_false_size(300))
    assert measure(path) == (300, 300) == load_rgb(path).shape[:2]
    with pytest.raises(TooLarge, match="image is 300 x 300 pixels; the limit is 64,000 in all"):
        open_picture(path, max_pixels=64_000)


def test_a_gif_has_the_size_of_its_first_frame_where_that_is_larger_than_its_screen(tmp_path: Path) -> None:
    path = write_file(tmp_path, gif((16, 16), 3, first=(200, 100)))
    assert measure(path) == (200, 100) == load_rgb(path).shape[1::-1]
    with pytest.raises(TooLarge, match="image is 200 x 100"):
        check_picture(path, "image", 16 * 16)


def test_a_gif_that_grows_later_is_refused_before_that_frame_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "MAX_RESULT_PIXELS", 1)
    monkeypatch.setattr(decoding, "_max_pixels", 1_000_000)
    large = b"\x2c" + struct.pack("<HHHH", 0, 0, 60_000, 60_000) + b"\0" + b"\x02\x02\x44\x01\x00"
    path = write_file(tmp_path, gif((8, 8), 2)[:-1] + large + b"\x3b")
    with pytest.raises(TooLarge, match="image is 60000 x 60000 pixels; the limit is 1,000,000"):
        animations.transform_frames(path, lambda still, _: still, lambda _: None)


def test_a_gif_whose_later_frames_are_larger_counts_with_their_size(tmp_path: Path) -> None:
    large = b"\x2c" + struct.pack("<HHHH", 0, 0, 4000, 4000) + b"\0" + b"\x02\x02\x44\x01\x00"
    path = write_file(tmp_path, gif((8, 8), 200)[:-1] + large + b"\x3b")
    with pytest.raises(TooLarge, match="image has 201 frames of 4000 x 4000 pixels"):
        animations.transform_frames(path, lambda still, _: still, lambda _: None)


def test_a_cancel_is_noticed_during_frames_that_repeat(tmp_path: Path) -> None:
    calls = list[float]()
    path = write_file(tmp_path, gif((8, 8), 20))
    animations.transform_frames(path, lambda still, _: still, calls.append)
    assert len(calls) >= 20


def test_the_total_pixels_of_an_animation_are_limited(tmp_path: Path) -> None:
    path = write_file(tmp_path, gif((16, 16), 200, first=(1500, 1500)))
    with pytest.raises(TooLarge, match="200 frames of 1500 x 1500 pixels; the limit at that size is 177"):
        check_picture(path, "image")


def test_an_animation_with_too_many_frames_is_refused_at_once(tmp_path: Path) -> None:
    path = write_file(tmp_path, gif((8, 8), 100_000))
    with pytest.raises(TooLarge, match="100,000 frames of 8 x 8 pixels; the limit at that size is 3,000"):
        animations.transform_frames(path, lambda still, _: still, lambda _: None)


def test_a_large_still_picture_is_not_limited_as_an_animation() -> None:
    check_animation(30_000, 30_000, 1)


def test_frames_shown_for_hours_get_the_longest_duration_of_a_gif(tmp_path: Path) -> None:
    path = write_file(tmp_path, gif((8, 8), 5, delay=65_535))
    made = animations.transform_frames(path, lambda still, _: still, lambda _: None)
    with Image.open(io.BytesIO(made)) as image:
        assert image.info["duration"] == animations.MAX_FRAME_MILLISECONDS


def test_a_frame_larger_than_the_picture_is_cut_to_it(tmp_path: Path) -> None:
    larger = gif((20, 20), 1, first=(20, 20))
    path = write_file(tmp_path, gif((8, 8), 1)[:-1] + larger[larger.index(b"\x2c") :])
    seen = []

    def change(still: DecodedImage, _: object) -> DecodedImage:
        seen.append(still.colours.shape[:2])
        return still

    animations.transform_frames(path, change, lambda _: None)
    assert set(seen) == {(8, 8)}


def test_two_views_of_one_photo_are_not_an_animation(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    Image.new("RGB", (40, 30), "red").save(
        path, "MPO", save_all=True, append_images=[Image.new("RGB", (20, 15), "blue")]
    )
    assert animations.count_file_frames(path) == 1


def test_unsupported_formats_reach_no_parser(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "a.tiff")
    with pytest.raises(BadInput, match="mask is damaged"):
        open_picture(tmp_path / "a.tiff", "mask")


def test_a_png_cut_short_names_the_option(tmp_path: Path) -> None:
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (50, 50, 3), np.uint8)).save(out, "PNG")
    with pytest.raises(BadInput, match="mask is damaged"):
        load_rgb(write_file(tmp_path, out.getvalue()[:-3000]), "mask")


def test_pictures_are_opened_in_one_module_only() -> None:
    """Whoever opened one elsewhere would decode it without a bound."""
    opening = {"Image.open", "cv2.imread", "cv2.imdecode", "cv2.VideoCapture"}
    nodes = ((file, node) for file in FILES for node in ast.walk(trees()[file]))
    found = {file for file, node in nodes if isinstance(node, ast.Attribute) and ast.unparse(node) in opening}
    assert found == {"engine/media/decoding.py"}


def test_a_png_whose_second_header_is_larger_decodes_to_what_was_measured(tmp_path: Path) -> None:
    out = io.BytesIO()
    Image.new("RGB", (20, 10), "red").save(out, "PNG")
    body = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    second = struct.pack(">I", len(body)) + b"IHDR" + body + struct.pack(">I", zlib.crc32(b"IHDR" + body))
    path = write_file(tmp_path, out.getvalue()[:33] + second + out.getvalue()[33:])
    width, height = measure(path)
    with pytest.raises((TooLarge, BadInput)):
        open_picture(path, max_pixels=1000).load() if width * height > 1000 else load_rgb(path)


@pytest.mark.parametrize(("kind", "size"), [("PNG", (9000, 4)), ("GIF", (33_000, 4))])
def test_an_animation_too_long_for_its_format_is_refused_after_its_first_frame(
    kind: str, size: tuple[int, int], tmp_path: Path
) -> None:
    frames = [Image.new("L", size, level) for level in (0, 255)]
    frames[0].save(tmp_path / "sent", kind, save_all=True, append_images=frames[1:])
    done = []

    def double(still: DecodedImage, _: object) -> DecodedImage:
        done.append(still)
        return DecodedImage(np.repeat(still.colours, 2, axis=1))

    with pytest.raises(TooLarge, match=r"pixels long; the limit for (WEBP is 16,383|GIF is 65,535)"):
        animations.transform_frames(tmp_path / "sent", double, lambda _: None)
    assert len(done) == 1


def test_a_heic_whose_header_claims_another_size_is_refused(tmp_path: Path) -> None:
    register_heif_opener()
    out = io.BytesIO()
    Image.new("RGB", (640, 480), "red").save(out, "HEIF")
    at = out.getvalue().index(b"ispe") + 8
    whole = out.getvalue()[:at] + struct.pack(">II", 64, 48) + out.getvalue()[at + 8 :]
    path = write_file(tmp_path, whole)
    assert measure(path) == (64, 48)
    with pytest.raises(BadInput, match="image is damaged"):
        load_rgb(path)
