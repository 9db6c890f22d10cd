"""PNGs of our own making, read back by Pillow and OpenCV."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from engine.media import png


def noise(*shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 7, 3), (5, 1, 4), (64, 48, 3), (64, 48, 4)])
def test_a_picture_is_decoded_unchanged(shape: tuple[int, ...]) -> None:
    picture = noise(*shape)
    assert (np.asarray(Image.open(io.BytesIO(png.encode(picture)))) == picture).all()


def test_a_picture_of_several_bands_is_decoded_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(png, "BAND_BYTES", 1000)
    picture = noise(50, 60, 3)
    assert (np.asarray(Image.open(io.BytesIO(png.encode(picture)))) == picture).all()


def test_a_slice_that_is_not_contiguous_is_decoded_unchanged() -> None:
    picture = noise(40, 40, 4)[::2, 5:25, :3]
    assert (np.asarray(Image.open(io.BytesIO(png.encode(picture)))) == picture).all()


def test_another_decoder_can_read_it() -> None:
    picture = noise(30, 20, 3)
    read = cv2.imdecode(np.frombuffer(png.encode(picture), np.uint8), cv2.IMREAD_COLOR)
    assert read is not None
    assert (read[..., ::-1] == picture).all()


def test_the_colour_profile_is_kept() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    with Image.open(io.BytesIO(png.encode(noise(4, 4, 3), profile))) as image:
        assert image.info["icc_profile"] == profile
