"""A storyboard: the pictures of a film's scenes on one sheet, numbered, each with what is said in it."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from engine.tasks.film.camera.canvas import Picture, covering
from engine.tasks.film.film import SIZES, Film
from engine.weights import registry

if TYPE_CHECKING:
    from PIL import ImageDraw, ImageFont

    Font = ImageFont.FreeTypeFont

COLUMNS = {"wide": 3, "square": 4, "tall": 5}
WIDTH = 1440
"""Pixels of the sheet."""
GAP = 16
PAGE, INK, FAINT, BADGE = (22, 26, 33), (240, 240, 240), (160, 168, 180), (255, 210, 63)
LETTERS = 17
"""Pixels of the letters' height."""
LINES = 3
"""Of words under a picture."""
FONTS = {"cjk": "NotoSansCJK-VF.otf.ttc", "": "NotoSans.ttf"}


def render_storyboard(pictures: Iterable[Picture], film: Film, places: Path) -> Picture:
    """RGB pictures of the scenes, one at a time -> RGB (H, 1440, 3). `places` is the weights folder.

    Raises MissingModel.
    """
    from PIL import Image, ImageDraw

    count = len(film.scenes)
    columns = min(COLUMNS[film.shape], count)
    wide = (WIDTH - GAP) // columns - GAP if count > 1 else WIDTH // 2
    high = round(wide * SIZES[film.shape][1] / SIZES[film.shape][0])
    under = round(LETTERS * 1.35) * LINES + 2 * GAP
    rows = -(-count // columns)
    page = Image.new("RGB", (WIDTH, rows * (high + under) + GAP), PAGE)
    draw = ImageDraw.Draw(page)
    for number, picture in enumerate(pictures):
        at = GAP + number % columns * (wide + GAP), GAP + number // columns * (high + under)
        page.paste(Image.fromarray(_fit(picture, (wide, high))), at)
        _badge(draw, at, str(number + 1), places)
        _words(draw, (at[0], at[1] + high + GAP // 2), wide, _scene_lines(film, number), places)
    return np.asarray(page)


def _fit(picture: Picture, size: tuple[int, int]) -> Picture:
    even = size[0] // 2 * 2, size[1] // 2 * 2
    cut = covering(picture, even, 1.0, (0.5, 0.5))
    top, left = (cut.shape[0] - even[1]) // 2, (cut.shape[1] - even[0]) // 2
    return np.asarray(cv2.resize(cut[top : top + even[1], left : left + even[0]], size), np.uint8)


def _badge(draw: "ImageDraw.ImageDraw", at: tuple[int, int], number: str, places: Path) -> None:
    font = _font(number, round(LETTERS * 1.5), places)
    side = LETTERS * 2
    width = max(side, round(draw.textlength(number, font)) + LETTERS)
    draw.rounded_rectangle((at[0] + 8, at[1] + 8, at[0] + 8 + width, at[1] + 8 + side), 8, BADGE)
    draw.text((at[0] + 8 + width / 2, at[1] + 8 + side / 2), number, PAGE, font, anchor="mm")


def _scene_lines(film: Film, number: int) -> list[tuple[str, tuple[int, int, int]]]:
    """What is said in the scene, and how it is shown."""
    scene = film.scenes[number]
    seconds = f"{scene.seconds:g} s · " if scene.seconds else ""
    how = f"{seconds}{film.motion_of(number) if scene.motion != 'talk' else 'talk'} · {scene.transition}"
    return [(scene.narration or scene.prompt, INK if scene.narration else FAINT), (how, FAINT)]


def _words(
    draw: "ImageDraw.ImageDraw",
    at: tuple[int, int],
    width: int,
    told: list[tuple[str, tuple[int, int, int]]],
    places: Path,
) -> None:
    line = at[1]
    for text, colour in told:
        font = _font(text, LETTERS, places)
        for words in _broken(text, font, width, LINES - 1):
            draw.text((at[0], line), words, colour, font)
            line += round(LETTERS * 1.35)


def _broken(text: str, font: "Font", width: int, most: int) -> list[str]:
    """At most `most` lines; what does not fit ends in an ellipsis."""
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


def _font(text: str, size: int, places: Path) -> "Font":
    from PIL import ImageFont

    east = any(0x2E80 <= ord(letter) < 0xFB00 for letter in text)
    folder = registry.path_or_raise("noto-cjk" if east else "noto", places)
    folder = folder if folder.is_dir() else folder.parent
    return ImageFont.truetype(folder / FONTS["cjk" if east else ""], size)
