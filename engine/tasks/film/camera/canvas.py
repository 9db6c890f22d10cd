"""The film's frames, and pictures made ready for them.

A frame is one uint8 array (H * 3 / 2, W): the luma plane, then both chroma planes of 4:2:0, as FFmpeg's `yuv420p` is
laid out. Moving pictures in it costs half of what it costs in RGB, and nothing is converted between here and H.264.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Frame = NDArray[np.uint8]
BT709 = (
    np.array(
        [[0.2126, 0.7152, 0.0722], [-0.114572, -0.385428, 0.5], [0.5, -0.454153, -0.045847]],
        np.float32,
    )
    * np.array([[219], [224], [224]], np.float32)
    / np.float32(255)
)
"""RGB in 0..255 to Y, Cb and Cr in limited range (ITU-R BT.709), without their offsets."""
OFFSETS = np.array([16, 128, 128], np.float32)


@dataclass(frozen=True)
class Planes:
    """A picture in 4:2:0, luma (H, W) and chroma (H / 2, W / 2), of any even size."""

    luma: Frame
    blue: Frame
    red: Frame

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.luma.shape[1], self.luma.shape[0]


def planes(picture: Picture) -> Planes:
    """RGB (H, W, 3) of even sides -> its planes."""
    converted = cv2.transform(picture.astype(np.float32), BT709) + OFFSETS
    luma = converted[..., 0].round().astype(np.uint8)
    half = cv2.resize(converted[..., 1:], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA).round().astype(np.uint8)
    return Planes(luma, np.ascontiguousarray(half[..., 0]), np.ascontiguousarray(half[..., 1]))


def empty(size: tuple[int, int]) -> Frame:
    """A frame of `size`, width and height, with nothing in it."""
    return np.empty((size[1] * 3 // 2, size[0]), np.uint8)


def split(frame: Frame) -> Planes:
    """The planes of a frame, as views into it."""
    height, width = frame.shape[0] * 2 // 3, frame.shape[1]
    chroma = frame[height:].reshape(2, height // 2, width // 2)
    return Planes(frame[:height], chroma[0], chroma[1])


MOST_COVER = 4
"""How many times longer than the frame a picture that covers it may become; of a longer one a part is scaled."""


def covering(picture: Picture, size: tuple[int, int], spare: float, focus: tuple[float, float]) -> Picture:
    """The picture scaled so that it covers a frame of `size` with `spare` times its sides, and cut to that.

    What is cut off lies away from `focus`, in shares of width and height. The side that has more room keeps it, up to
    half as much again, for the camera to travel.
    """
    wanted = np.array(size, np.float32) * spare
    picture, focus = _cut_around(picture, (float(wanted[0]), float(wanted[1])), focus)
    height, width = picture.shape[:2]
    scale = float(max(wanted[0] / width, wanted[1] / height))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC if scale < 1.5 else cv2.INTER_LANCZOS4
    scaled = (max(int(wanted[0]), round(width * scale)), max(int(wanted[1]), round(height * scale)))
    grown = cv2.resize(picture, scaled, interpolation=method)
    kept = [min(have, int(want * 1.5)) // 2 * 2 for have, want in zip(scaled, wanted, strict=True)]
    corner = [
        round(min(max(at * have - keep / 2, 0), have - keep))
        for at, have, keep in zip(focus, scaled, kept, strict=True)
    ]
    return np.asarray(grown[corner[1] : corner[1] + kept[1], corner[0] : corner[0] + kept[0]], np.uint8)


def filling(picture: Picture, size: tuple[int, int], focus: tuple[float, float]) -> Picture:
    """Return the picture scaled so that it covers a frame of even `size`, and cut to it around `focus`."""
    cut = covering(picture, size, 1.0, focus)
    top, left = (cut.shape[0] - size[1]) // 2, (cut.shape[1] - size[0]) // 2
    return cut[top : top + size[1], left : left + size[0]]


def _cut_around(
    picture: Picture, wanted: tuple[float, float], focus: tuple[float, float]
) -> tuple[Picture, tuple[float, float]]:
    """Cut what is MOST_COVER times longer than the frame before it is scaled; a strip would take gigabytes.

    Returns the part around `focus`, and where the focus is in it.
    """
    sides = picture.shape[1], picture.shape[0]
    scale = max(want / side for want, side in zip(wanted, sides, strict=True))
    kept = [min(side, math.ceil(MOST_COVER * want / scale)) for want, side in zip(wanted, sides, strict=True)]
    left, top = (
        round(min(max(at * side - keep / 2, 0), side - keep)) for at, side, keep in zip(focus, sides, kept, strict=True)
    )
    part = picture[top : top + kept[1], left : left + kept[0]]
    return part, ((focus[0] * sides[0] - left) / kept[0], (focus[1] * sides[1] - top) / kept[1])
