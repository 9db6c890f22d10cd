"""Shots: the frames of one scene, generated one at a time. Only the moving picture is kept in memory."""

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Protocol, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.core.job import Media
from engine.media.video import CancelOrTimeout, Stream, read_frames
from engine.tasks.film.camera.canvas import (
    MAX_COVER_RATIO,
    Frame,
    Picture,
    cover_frame,
    fill_frame,
    new_frame,
    split_planes,
    to_planes,
)
from engine.tasks.film.camera.motion import MARGINS, Motion, View, ease, eye_position, plan_path
from engine.tasks.film.camera.parallax import DepthWarp, smooth_depth
from engine.tasks.film.camera.saliency import find_focus
from engine.tasks.film.film import FRAME_RATE, Card

CARD_ZOOM = 0.05
"""How much closer the camera is at the far end of a card than at the end next to the scene."""


class Shot(Protocol):
    """A source of frames."""

    count: int

    def frame(self, number: int) -> Frame:
        """Return frame `number`. After the last of `count` frames, the picture may keep moving or stand still."""

    def close(self) -> None:
        """Release what the shot holds open."""


class PictureShot:
    """A picture, RGB (H, W, 3), under a moving camera.

    For parallax, `depth` (H, W) gives the depth of each pixel from 0 (far) to 255 (near); without it, the salient area
    is near. A `card` is dark and out of focus, behind text: the title starts closer and ends where the scene starts,
    and the credits start where the scene ends, so there is no jump between them.
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
        rough = find_focus(picture, weights)
        canvas = cover_frame(picture, size, MARGINS[motion], (rough.x, rough.y))
        focus = find_focus(canvas, weights) if motion != "still" else rough
        self._planes = to_planes(_blur_and_darken(canvas) if card else canvas)
        width, height = self._planes.size
        self._widest = min(width, height * size[0] / size[1])
        self._aspect = width / self._widest, height / (self._widest * size[1] / size[0])
        self._path = plan_path(motion, (focus.x, focus.y), self._aspect, seed)
        self._seed = seed
        self._depth_warp = None
        if motion == "parallax":
            near = (
                focus.depth
                if depth is None
                else smooth_depth(cover_frame(depth, size, MARGINS[motion], (rough.x, rough.y)))
            )
            self._depth_warp = DepthWarp(near, self._planes, size)
        self._is_still = motion == "still" and card is None
        self._still_frame: Frame | None = None

    def frame(self, number: int) -> Frame:
        """Return frame `number`."""
        if self._still_frame is not None:
            return self._still_frame
        share = min(1.0, number / max(1, self.count - 1))
        frame = self._render_card(share) if self._card else self._render_view(self._path.at(share), share)
        if self._is_still:
            self._still_frame = frame
        return frame

    def _render_card(self, share: float) -> Frame:
        at, nearer = (0.0, 1 - ease(share)) if self._card == "title" else (1.0, ease(share))
        view = self._path.at(at)
        return self._render_view(View(view.x, view.y, view.width * (1 - CARD_ZOOM * nearer)), at)

    def _render_view(self, view: View, share: float) -> Frame:
        frame = new_frame(self._size)
        target, width, height = split_planes(frame), *self._planes.size
        scale = view.width * self._widest / self._size[0]
        left = view.x * width - view.width * self._widest / 2
        top = view.y * height - view.width * self._widest * self._size[1] / self._size[0] / 2
        if self._depth_warp is not None:
            self._depth_warp.warp(target, scale, (left, top), eye_position(share, self._seed))
            return frame
        _scale_into(self._planes.luma, target.luma, scale, (left, top))
        _scale_into(self._planes.blue, target.blue, scale, (left / 2, top / 2))
        _scale_into(self._planes.red, target.red, scale, (left / 2, top / 2))
        return frame

    def close(self) -> None:
        """Do nothing, since nothing is open."""


def _blur_and_darken(picture: Picture) -> Picture:
    """Return the picture blurred and darkened, so that text on it is readable."""
    side = max(picture.shape[:2])
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), side / 40) * 0.45, np.uint8)


class ClipShot:
    """The frames of a video file at the size and frame rate of the film. After the end, its last frame stands still."""

    def __init__(self, clip: Media, stream: Stream, size: tuple[int, int], count: int, watch: CancelOrTimeout) -> None:
        self.count = count
        self._size = size
        covered = _cover_size(stream, size)
        self._is_strip = any(side > MAX_COVER_RATIO * most for side, most in zip(covered, size, strict=True))
        width, height = (stream.width, stream.height) if self._is_strip else covered
        steady = replace(stream, width=width, height=height, rate=FRAME_RATE)
        self._source: Generator[Picture] = read_frames(clip.path, clip.mime, steady, watch)
        self._at = -1
        self._last: Frame | None = None

        self._lead = 0
        self._weights: Path | None = None
        self._corner: tuple[int, int] | None = None

    def focus_on_face(self, weights: Path, lead: int) -> Self:
        """Crop around the face in the clip, and show its first frame for `lead` frames. Return the shot itself."""
        self._weights, self._lead = weights, lead
        return self

    def close(self) -> None:
        """Stop the FFmpeg process that reads the clip."""
        self._source.close()

    def frame(self, number: int) -> Frame:
        """Return frame `number`. Numbers must not decrease."""
        while self._at < max(0, number - self._lead) and (picture := next(self._source, None)) is not None:
            self._last = to_frame(self._crop(picture))
            self._at += 1
        assert self._last is not None, "a video has at least one frame"
        # samples are at pixel centres

        return self._last

    def _crop(self, picture: Picture) -> Picture:
        if self._is_strip:
            return fill_frame(picture, self._size, (0.5, 0.5))
        spare = picture.shape[1] - self._size[0], picture.shape[0] - self._size[1]
        if self._corner is None:
            focus = find_focus(picture, self._weights) if self._weights else None
            at = (focus.x, focus.y) if focus else (0.5, 0.5)
            sides = zip(at, (picture.shape[1], picture.shape[0]), self._size, spare, strict=True)
            x, y = (round(min(max(share * whole - side / 2, 0), room)) for share, whole, side, room in sides)
            self._corner = x, y
        left, top = self._corner
        return picture[top : top + self._size[1], left : left + self._size[0]]


def to_frame(picture: Picture) -> Frame:
    """Convert RGB of the size of the film to a frame."""
    converted = to_planes(picture)
    frame = new_frame(converted.size)
    target = split_planes(frame)
    target.luma[:], target.blue[:], target.red[:] = converted.luma, converted.blue, converted.red
    return frame


def _cover_size(stream: Stream, size: tuple[int, int]) -> tuple[int, int]:
    scale = max(size[0] / stream.width, size[1] / stream.height)
    return max(size[0], round(stream.width * scale)), max(size[1], round(stream.height * scale))


def _scale_into(source: Frame, out: Frame, scale: float, corner: tuple[float, float]) -> None:
    """Fill `out` with `source` from `corner` on, with `scale` source pixels per pixel."""
    half = (scale - 1) / 2  # samples are at pixel centres
    matrix = np.array([[scale, 0, corner[0] + half], [0, scale, corner[1] + half]], np.float64)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    cv2.warpAffine(source, matrix, (out.shape[1], out.shape[0]), out, flags, cv2.BORDER_REPLICATE)
