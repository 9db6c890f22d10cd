"""Frames in YUV 4:2:0, and pictures prepared for them.

A frame is one uint8 array (H * 3 / 2, W): the luma plane followed by both chroma planes, laid out like FFmpeg's
`yuv420p`. Moving a picture in this form costs half as much as in RGB, and H.264 needs no further conversion.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Frame = NDArray[np.uint8]
RGB_TO_BT709 = (
    np.array(
        [[0.2126, 0.7152, 0.0722], [-0.114572, -0.385428, 0.5], [0.5, -0.454153, -0.045847]],
        np.float32,
    )
    * np.array([[219], [224], [224]], np.float32)
    / np.float32(255)
)
"""Matrix from RGB in 0..255 to Y, Cb and Cr in limited range (ITU-R BT.709), without the offsets."""
OFFSETS = np.array([16, 128, 128], np.float32)


@dataclass(frozen=True)
class Planes:
    """A picture in 4:2:0 with even sides: luma (H, W) and chroma (H / 2, W / 2)."""

    luma: Frame
    blue: Frame
    red: Frame

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.luma.shape[1], self.luma.shape[0]


def to_planes(picture: Picture) -> Planes:
    """Convert RGB (H, W, 3) with even sides to planes."""
    converted = cv2.transform(picture.astype(np.float32), RGB_TO_BT709) + OFFSETS
    luma = converted[..., 0].round().astype(np.uint8)
    half = cv2.resize(converted[..., 1:], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA).round().astype(np.uint8)
    return Planes(luma, np.ascontiguousarray(half[..., 0]), np.ascontiguousarray(half[..., 1]))


def new_frame(size: tuple[int, int]) -> Frame:
    """Return an uninitialised frame of `size`, width and height."""
    return np.empty((size[1] * 3 // 2, size[0]), np.uint8)


def split_planes(frame: Frame) -> Planes:
    """Return the planes of a frame as views into it."""
    height, width = frame.shape[0] * 2 // 3, frame.shape[1]
    chroma = frame[height:].reshape(2, height // 2, width // 2)
    return Planes(frame[:height], chroma[0], chroma[1])


MAX_COVER_RATIO = 4
"""A picture that covers the frame may be this many times longer than it. A longer picture is cropped before scaling."""


def cover_frame(picture: Picture, size: tuple[int, int], spare: float, focus: tuple[float, float]) -> Picture:
    """Return the picture scaled and cropped to cover a frame of `size`, with `spare` times its sides.

    The crop keeps `focus`, given as fractions of width and height. A side with more room keeps up to half as much
    again, so that the camera can travel.
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


def fill_frame(picture: Picture, size: tuple[int, int], focus: tuple[float, float]) -> Picture:
    """Return the picture scaled and cropped around `focus` to exactly `size`, which must be even."""
    cut = cover_frame(picture, size, 1.0, focus)
    top, left = (cut.shape[0] - size[1]) // 2, (cut.shape[1] - size[0]) // 2
    return cut[top : top + size[1], left : left + size[0]]


def _cut_around(
    picture: Picture, wanted: tuple[float, float], focus: tuple[float, float]
) -> tuple[Picture, tuple[float, float]]:
    """Return the part of a picture around `focus`, and the focus within it.

    Cropping a picture that is more than MAX_COVER_RATIO times longer than the frame before scaling avoids arrays of
    gigabytes.
    """
    sides = picture.shape[1], picture.shape[0]
    scale = max(want / side for want, side in zip(wanted, sides, strict=True))
    kept = [min(side, math.ceil(MAX_COVER_RATIO * want / scale)) for want, side in zip(wanted, sides, strict=True)]
    left, top = (
        round(min(max(at * side - keep / 2, 0), side - keep)) for at, side, keep in zip(focus, sides, kept, strict=True)
    )
    part = picture[top : top + kept[1], left : left + kept[0]]
    return part, ((focus[0] * sides[0] - left) / kept[0], (focus[1] * sides[1] - top) / kept[1])
