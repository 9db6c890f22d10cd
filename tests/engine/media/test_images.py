"""Pictures to be changed, as they are kept."""

import io

import numpy as np
import pytest
from PIL import Image

from engine.media import images
from engine.media.images import Picture, Still, sendable


def noise(height: int, width: int, channels: int) -> Picture:
    return np.random.default_rng(0).integers(0, 255, (height, width, channels), np.uint8)


@pytest.mark.parametrize(("channels", "kind"), [(3, "JPEG"), (4, "WEBP")])
def test_a_picture_that_is_too_large_for_chats_is_kept_smaller_and_that_is_said(
    channels: int, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = noise(700, 900, channels)
    made = Still(pixels[..., :3], pixels[..., 3] if channels == 4 else None)
    assert sendable(made)[1] == ()
    monkeypatch.setattr(images, "MOST_SENT", 1_000_000)
    body, (note,) = sendable(made)
    image = Image.open(io.BytesIO(body))
    assert (image.format, image.size, image.has_transparency_data) == (kind, (900, 700), channels == 4)
    assert str(note).startswith(f"Kept as {kind}, since as PNG it has {2 if channels == 3 else 3} MB")


def test_what_no_smaller_format_holds_stays_a_png(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MOST_SENT", 1000)
    body, notes = sendable(Still(noise(2, images.WEBP_SIDE + 1, 3)))
    assert Image.open(io.BytesIO(body)).format == "PNG"
    assert notes == ()
