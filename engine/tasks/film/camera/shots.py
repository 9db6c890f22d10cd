"""A shot: the frames of one scene, each made when it is asked for. Nothing is held but the picture that moves."""

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Protocol, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.core.job import Media
from engine.media.video import CancelOrTimeout, Stream, read_frames
from engine.tasks.film.camera.canvas import MOST_COVER, Frame, Picture, covering, empty, filling, planes, split
from engine.tasks.film.camera.motion import SPARE, Motion, View, ease, sway, way
from engine.tasks.film.camera.parallax import DepthWarp, smooth_depth
from engine.tasks.film.camera.saliency import focus_of
from engine.tasks.film.film import RATE, Card

DRIFT = 0.05
"""How much closer the camera is at the far end of a card than at the end that touches the scene."""


class Shot(Protocol):
    """`frame(n)` is the frame at `n` of `count`; past the last one the picture may move on, or stand."""

    count: int

    def frame(self, number: int) -> Frame: ...

    def close(self) -> None: ...


class PictureShot:
    """A picture, RGB (H, W, 3), under a moving camera.

    For parallax `depth` (H, W) tells how near each of its pixels is, from 0 to 255; without it what stands out is near.
    As a `card` it is dark and out of focus, behind words: the title comes from nearer to where the scene begins, the
    credits go on nearer from where it ends, so that no jump is seen between the two.
    """

    def __init__(
        self,
        picture: Picture,
        size: tuple[int, int],
        count: int,
        *,
        motion: Motion,
        seed: int,
        weights: Path,
        depth: NDArray[np.uint8] | None = None,
        card: Card | None = None,
    ) -> None:
        self.count = count
        self._size = size
        self._card = card
        rough = focus_of(picture, weights)
        canvas = covering(picture, size, SPARE[motion], (rough.x, rough.y))
        focus = focus_of(canvas, weights) if motion != "still" else rough
        self._planes = planes(_dim(canvas) if card else canvas)
        width, height = self._planes.size
        self._widest = min(width, height * size[0] / size[1])
        self._aspect = width / self._widest, height / (self._widest * size[1] / size[0])
        self._way = way(motion, (focus.x, focus.y), self._aspect, seed)
        self._seed = seed
        self._relief = None
        if motion == "parallax":
            near = (
                focus.depth if depth is None else smooth_depth(covering(depth, size, SPARE[motion], (rough.x, rough.y)))
            )
            self._relief = DepthWarp(near, self._planes, size)
        self._steady = motion == "still" and card is None
        self._held: Frame | None = None

    def frame(self, number: int) -> Frame:
        if self._held is not None:
            return self._held
        share = min(1.0, number / max(1, self.count - 1))
        frame = self._card_frame(share) if self._card else self._render_view(self._way.at(share), share)
        if self._steady:
            self._held = frame
        return frame

    def _card_frame(self, share: float) -> Frame:
        at, nearer = (0.0, 1 - ease(share)) if self._card == "title" else (1.0, ease(share))
        view = self._way.at(at)
        return self._render_view(View(view.x, view.y, view.width * (1 - DRIFT * nearer)), at)

    def _render_view(self, view: View, share: float) -> Frame:
        frame = empty(self._size)
        target, width, height = split(frame), *self._planes.size
        scale = view.width * self._widest / self._size[0]
        left = view.x * width - view.width * self._widest / 2
        top = view.y * height - view.width * self._widest * self._size[1] / self._size[0] / 2
        if self._relief is not None:
            self._relief.warp(target, scale, (left, top), sway(share, self._seed))
            return frame
        _straight(self._planes.luma, target.luma, scale, (left, top))
        _straight(self._planes.blue, target.blue, scale, (left / 2, top / 2))
        _straight(self._planes.red, target.red, scale, (left / 2, top / 2))
        return frame

    def close(self) -> None:
        """Nothing is open."""


def _dim(picture: Picture) -> Picture:
    """Out of focus and dark, so that words can be read on it."""
    side = max(picture.shape[:2])
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), side / 40) * 0.45, np.uint8)


class ClipShot:
    """Frames of a video file of the film's size and rate; past its last one it stands."""

    def __init__(self, clip: Media, stream: Stream, size: tuple[int, int], count: int, watch: CancelOrTimeout) -> None:
        self.count = count
        self._size = size
        covered = _covering(stream, size)
        self._is_strip = any(side > MOST_COVER * most for side, most in zip(covered, size, strict=True))
        width, height = (stream.width, stream.height) if self._is_strip else covered
        steady = replace(stream, width=width, height=height, rate=RATE)
        self._source: Generator[Picture] = read_frames(clip.path, clip.mime, steady, watch)
        self._at = -1
        self._last: Frame | None = None

        self._lead = 0
        self._weights: Path | None = None
        self._corner: tuple[int, int] | None = None

    def looking(self, weights: Path, lead: int) -> Self:
        """Cut around the face that it shows, and standing on its first frame for `lead` frames."""
        self._weights, self._lead = weights, lead
        return self

    def close(self) -> None:
        """Ends the FFmpeg that reads the clip."""
        self._source.close()

    def frame(self, number: int) -> Frame:
        while self._at < max(0, number - self._lead) and (picture := next(self._source, None)) is not None:
            self._last = to_frame(self._cut(picture))
            self._at += 1
        assert self._last is not None, "a video has a frame"
        return self._last

    def _cut(self, picture: Picture) -> Picture:
        if self._is_strip:
            return filling(picture, self._size, (0.5, 0.5))
        spare = picture.shape[1] - self._size[0], picture.shape[0] - self._size[1]
        if self._corner is None:
            focus = focus_of(picture, self._weights) if self._weights else None
            at = (focus.x, focus.y) if focus else (0.5, 0.5)
            sides = zip(at, (picture.shape[1], picture.shape[0]), self._size, spare, strict=True)
            x, y = (round(min(max(share * whole - side / 2, 0), room)) for share, whole, side, room in sides)
            self._corner = x, y
        left, top = self._corner
        return picture[top : top + self._size[1], left : left + self._size[0]]


def to_frame(picture: Picture) -> Frame:
    """RGB of the film's size as a frame."""
    made = planes(picture)
    frame = empty(made.size)
    target = split(frame)
    target.luma[:], target.blue[:], target.red[:] = made.luma, made.blue, made.red
    return frame


def _covering(stream: Stream, size: tuple[int, int]) -> tuple[int, int]:
    scale = max(size[0] / stream.width, size[1] / stream.height)
    return max(size[0], round(stream.width * scale)), max(size[1], round(stream.height * scale))


def _straight(source: Frame, out: Frame, scale: float, corner: tuple[float, float]) -> None:
    """`out` shows `source` from `corner` on, each of its pixels `scale` wide."""
    half = (scale - 1) / 2  # pixels are taken at their middles
    matrix = np.array([[scale, 0, corner[0] + half], [0, scale, corner[1] + half]], np.float64)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    cv2.warpAffine(source, matrix, (out.shape[1], out.shape[0]), out, flags, cv2.BORDER_REPLICATE)
