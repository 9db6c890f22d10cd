"""Draws numbered boxes around faces to choose from, and the mark on swapped pictures."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from engine.tasks.faceswap.contract import DetectedFace

Picture = NDArray[np.uint8]

MAX_SIDE_PIXELS = 1280
"""Longest side of the numbered picture in pixels."""
LINE, TEXT, TAKEN = "#ffffff", "#101010", "#ffd34d"
MARK = "AI · face swap"


def draw_numbers(picture: Picture, faces: Sequence[DetectedFace], taken: Iterable[int]) -> Picture:
    """Return `picture` with a box and a number from 1 on each face. Highlight those at the indices `taken`."""
    image = Image.fromarray(picture)
    scale = min(1.0, MAX_SIDE_PIXELS / max(image.size))
    image = image.resize(
        (max(1, round(image.width * scale)), max(1, round(image.height * scale))), Image.Resampling.LANCZOS
    )
    draw, thick, chosen = ImageDraw.Draw(image), max(2, round(max(image.size) / 400)), set(taken)
    for place, face in enumerate(faces):
        box = [number * scale for number in face.box]
        colour = TAKEN if place in chosen else LINE
        draw.rectangle(box, outline=TEXT, width=thick + 2)
        draw.rectangle(box, outline=colour, width=thick)
        font = ImageFont.load_default(max(14, round((box[2] - box[0]) / 4)))
        _label(draw, str(place + 1), (box[0], box[1]), font, colour)
    return np.asarray(image)


def mark(picture: Picture) -> None:
    """Write in the lower right corner, in place, that a face was swapped. `picture` is uint8 (H, W, 3)."""
    height, width = picture.shape[:2]
    font = ImageFont.load_default(max(10, round(min(height, width) / 28)))
    left, top, right, bottom = map(round, font.getbbox(MARK))
    pad = max(3, (bottom - top) // 2)
    size = min(width, right - left + 2 * pad), min(height, bottom - top + 2 * pad)
    corner = picture[height - size[1] :, width - size[0] :]
    plate = Image.blend(Image.fromarray(np.ascontiguousarray(corner)), Image.new("RGB", size, "black"), 0.55)
    ImageDraw.Draw(plate).text((pad - left, pad - top), MARK, fill="white", font=font)
    corner[...] = np.asarray(plate)


def _label(
    draw: ImageDraw.ImageDraw,
    text: str,
    corner: tuple[float, float],
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    colour: str,
) -> None:
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    x, y = max(0, corner[0]), max(0, corner[1])
    draw.rectangle((x, y, x + right - left + 10, y + bottom - top + 10), fill=colour)
    draw.text((x + 5 - left, y + 5 - top), text, fill=TEXT, font=font)
