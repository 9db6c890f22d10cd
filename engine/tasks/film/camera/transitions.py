"""How one scene becomes the next: in so many frames at the beginning of the next one."""

from collections.abc import Iterator

import cv2
import numpy as np

from engine.tasks.film.camera.canvas import Frame, split
from engine.tasks.film.camera.motion import ease
from engine.tasks.film.camera.shots import Shot
from engine.tasks.film.film import MIXED, RATE
from engine.tasks.film.scripts.script import Transition

FRAMES = {"cut": 0, "crossfade": round(MIXED * RATE), "wipe": round(MIXED * RATE)}
EDGE = 0.08
"""Width of a wipe's soft edge as a share of the frame's."""


def blend_frames(shot: Shot, before: Shot | None, transition: Transition) -> Iterator[Frame]:
    """The frames of `shot`, the first of them mixed with what `before` goes on with after its last."""
    mixed = min(FRAMES[transition], shot.count) if before is not None else 0
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
    """The new picture comes in from the left behind a soft edge."""
    made = np.empty_like(newer)
    parts = zip(_all(older), _all(newer), _all(made), strict=True)
    for old, new, out in parts:
        width = old.shape[1]
        edge = ease(share) * (1 + EDGE)
        weight = ((edge - np.arange(width, dtype=np.float32) / width) / EDGE).clip(0, 1)
        out[:] = (old + (new.astype(np.float32) - old) * weight).round()
    return made


def _all(frame: Frame) -> tuple[Frame, Frame, Frame]:
    found = split(frame)
    return found.luma, found.blue, found.red
