"""Draw a storyboard sheet: the pictures of all scenes, numbered, each with its narration below."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from engine.tasks.film.camera.canvas import Picture, cover_frame
from engine.tasks.film.film import SIZES, Film
from engine.weights import registry

if TYPE_CHECKING:
    from PIL import ImageDraw, ImageFont

    Font = ImageFont.FreeTypeFont

COLUMNS = {"wide": 3, "square": 4, "tall": 5}
"""Pictures in a row, for each shape."""
SHEET_WIDTH = 1440
"""Width of the sheet in pixels."""
GAP_PIXELS = 16
"""Space between pictures."""
PAGE, INK, FAINT, BADGE = (22, 26, 33), (240, 240, 240), (160, 168, 180), (255, 210, 63)
LETTER_PIXELS = 17
"""Height of the letters in pixels."""
MAX_TEXT_LINES = 3
"""Lines of text below a picture."""
FONTS = {"cjk": "NotoSansCJK-VF.otf.ttc", "": "NotoSans.ttf"}
"""Font files for Chinese, Japanese and Korean, and for everything else."""


def render_storyboard(pictures: Iterable[Picture], film: Film, weights: Path) -> Picture:
    """Return the sheet as RGB (H, 1440, 3). `pictures` are RGB; `weights` is the weights folder. Raises
    MissingModel.
    """
    from PIL import Image, ImageDraw

    count = len(film.scenes)
    columns = min(COLUMNS[film.shape], count)
    width = (SHEET_WIDTH - GAP_PIXELS) // columns - GAP_PIXELS if count > 1 else SHEET_WIDTH // 2
    height = round(width * SIZES[film.shape][1] / SIZES[film.shape][0])
    under = round(LETTER_PIXELS * 1.35) * MAX_TEXT_LINES + 2 * GAP_PIXELS
    rows = -(-count // columns)
    page = Image.new("RGB", (SHEET_WIDTH, rows * (height + under) + GAP_PIXELS), PAGE)
    draw = ImageDraw.Draw(page)
    for number, picture in enumerate(pictures):
        at = GAP_PIXELS + number % columns * (width + GAP_PIXELS), GAP_PIXELS + number // columns * (height + under)
        page.paste(Image.fromarray(_fit(picture, (width, height))), at)
        _draw_badge(draw, at, str(number + 1), weights)
        _draw_text(draw, (at[0], at[1] + height + GAP_PIXELS // 2), width, _scene_lines(film, number), weights)
    return np.asarray(page)


def _fit(picture: Picture, size: tuple[int, int]) -> Picture:
    even = size[0] // 2 * 2, size[1] // 2 * 2
    cut = cover_frame(picture, even, 1.0, (0.5, 0.5))
    top, left = (cut.shape[0] - even[1]) // 2, (cut.shape[1] - even[0]) // 2
    return np.asarray(cv2.resize(cut[top : top + even[1], left : left + even[0]], size), np.uint8)


def _draw_badge(draw: "ImageDraw.ImageDraw", at: tuple[int, int], number: str, weights: Path) -> None:
    font = _font(number, round(LETTER_PIXELS * 1.5), weights)
    side = LETTER_PIXELS * 2
    width = max(side, round(draw.textlength(number, font)) + LETTER_PIXELS)
    draw.rounded_rectangle((at[0] + 8, at[1] + 8, at[0] + 8 + width, at[1] + 8 + side), 8, BADGE)
    draw.text((at[0] + 8 + width / 2, at[1] + 8 + side / 2), number, PAGE, font, anchor="mm")


def _scene_lines(film: Film, number: int) -> list[tuple[str, tuple[int, int, int]]]:
    """Return the narration of a scene, or its prompt, and how the scene is shown, each with its colour."""
    scene = film.scenes[number]
    seconds = f"{scene.seconds:g} s · " if scene.seconds else ""
    how = f"{seconds}{film.motion_of(number) if scene.motion != 'talk' else 'talk'} · {scene.transition}"
    return [(scene.narration or scene.prompt, INK if scene.narration else FAINT), (how, FAINT)]


def _draw_text(
    draw: "ImageDraw.ImageDraw",
    at: tuple[int, int],
    width: int,
    lines: list[tuple[str, tuple[int, int, int]]],
    weights: Path,
) -> None:
    top = at[1]
    for text, colour in lines:
        font = _font(text, LETTER_PIXELS, weights)
        for words in _wrap_text(text, font, width, MAX_TEXT_LINES - 1):
            draw.text((at[0], top), words, colour, font)
            top += round(LETTER_PIXELS * 1.35)


def _wrap_text(text: str, font: "Font", width: int, most: int) -> list[str]:
    """Return `text` in at most `most` lines. Text that does not fit ends in an ellipsis."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    if len(lines) > most:
        lines = [*lines[: most - 1], lines[most - 1] + "…"]
    return [line if font.getlength(line) <= width else _shorten(line, font, width) for line in lines]


def _shorten(line: str, font: "Font", width: int) -> str:
    while len(line) > 1 and font.getlength(line + "…") > width:
        line = line[:-1]
    return line.rstrip("…") + "…"


def _font(text: str, size: int, weights: Path) -> "Font":
    from PIL import ImageFont

    east = any(0x2E80 <= ord(letter) < 0xFB00 for letter in text)
    folder = registry.path_or_raise("noto-cjk" if east else "noto", weights)
    folder = folder if folder.is_dir() else folder.parent
    return ImageFont.truetype(folder / FONTS["cjk" if east else ""], size)
