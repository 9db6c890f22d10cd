"""Pictures to be changed, as they are kept."""

import io

import numpy as np
import pytest
from PIL import Image

from engine.media import images
from engine.media.images import DecodedImage, Picture, encode_for_chat


def noise(height: int, width: int, channels: int) -> Picture:
    return np.random.default_rng(0).integers(0, 255, (height, width, channels), np.uint8)


@pytest.mark.parametrize(("channels", "kind"), [(3, "JPEG"), (4, "WEBP")])
def test_a_picture_too_large_for_chats_is_saved_smaller_with_a_note(
    channels: int, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = noise(700, 900, channels)
    made = DecodedImage(pixels[..., :3], pixels[..., 3] if channels == 4 else None)
    assert encode_for_chat(made)[1] == ()
    monkeypatch.setattr(images, "MAX_PNG_BYTES", 1_000_000)
    body, (note,) = encode_for_chat(made)
    image = Image.open(io.BytesIO(body))
    assert (image.format, image.size, image.has_transparency_data) == (kind, (900, 700), channels == 4)
    assert str(note).startswith(f"Saved as {kind}: as a PNG it would be {1.9 if channels == 3 else 2.5} MB")


def test_a_picture_too_long_for_a_smaller_format_stays_a_png(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_PNG_BYTES", 1000)
    body, notes = encode_for_chat(DecodedImage(noise(2, images.MAX_WEBP_SIDE_PIXELS + 1, 3)))
    assert Image.open(io.BytesIO(body)).format == "PNG"
    assert notes == ()
