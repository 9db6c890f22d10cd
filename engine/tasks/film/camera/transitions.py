"""Transitions between scenes. They take place in the first frames of the next scene."""

from collections.abc import Iterator

import cv2
import numpy as np

from engine.tasks.film.camera.canvas import Frame, split_planes
from engine.tasks.film.camera.motion import ease
from engine.tasks.film.camera.shots import Shot
from engine.tasks.film.film import FRAME_RATE, TRANSITION_SECONDS
from engine.tasks.film.scripts.script import Transition

TRANSITION_FRAMES = {
    "cut": 0,
    "crossfade": round(TRANSITION_SECONDS * FRAME_RATE),
    "wipe": round(TRANSITION_SECONDS * FRAME_RATE),
}
"""Length of each transition in frames."""
WIPE_EDGE = 0.08
"""Width of the soft edge of a wipe, as a fraction of the frame."""


def blend_frames(shot: Shot, before: Shot | None, transition: Transition) -> Iterator[Frame]:
    """Yield the frames of `shot`, the first of them mixed with the frames that follow the end of `before`."""
    mixed = min(TRANSITION_FRAMES[transition], shot.count) if before is not None else 0
    for number in range(shot.count):
        frame = shot.frame(number)
        if before is not None and number < mixed:
            share = (number + 1) / (mixed + 1)
            older = before.frame(before.count + number)
            frame = _crossfade(older, frame, share) if transition == "crossfade" else _wipe(older, frame, share)
        yield frame


def _crossfade(older: Frame, newer: Frame, share: float) -> Frame:
    return np.asarray(cv2.addWeighted(older, 1 - share, newer, share, 0), np.uint8)


def _wipe(older: Frame, newer: Frame, share: float) -> Frame:
    """Return a frame in which the new picture enters from the left with a soft edge."""
    mixed_frame = np.empty_like(newer)
    parts = zip(_planes_of(older), _planes_of(newer), _planes_of(mixed_frame), strict=True)
    for old, new, out in parts:
        width = old.shape[1]
        edge = ease(share) * (1 + WIPE_EDGE)
        weight = ((edge - np.arange(width, dtype=np.float32) / width) / WIPE_EDGE).clip(0, 1)
        out[:] = (old + (new.astype(np.float32) - old) * weight).round()
    return mixed_frame


def _planes_of(frame: Frame) -> tuple[Frame, Frame, Frame]:
    planes = split_planes(frame)
    return planes.luma, planes.blue, planes.red
