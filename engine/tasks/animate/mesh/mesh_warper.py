"""Renders a portrait frame by frame: the face, eyes and mouth, then the head's sway, pasted into the whole picture."""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.tasks.animate.audio_motion.motion import Motion
from engine.tasks.animate.mesh.eyes import Eyes
from engine.tasks.animate.mesh.head import Head
from engine.tasks.animate.mesh.mouth import Mouth
from engine.tasks.animate.mesh.rig import Rig
from engine.tasks.animate.mesh.triangulation import Mesh, add_rings, rest
from engine.vision.faces.face import Face

Picture = NDArray[np.uint8]
Values = NDArray[np.float32]

MAX_MAP_PIXELS = 400
"""Height in pixels up to which a face's map is computed at full size. Larger maps are enlarged."""
REACH_FACE_HEIGHTS = (1.15, 1.3, 1.15, 1.15)
"""How far movement extends from the middle of an upright face: left, top, right and bottom, in face heights."""


class MeshWarper:
    """Renders frames of `picture`, uint8 (H, W, 3), with `face` in it."""

    def __init__(self, picture: Picture, face: Face, *, lip_zero: bool, stitching: bool) -> None:
        """Prepare the face. `lip_zero` shuts the lips first; `stitching` keeps the shoulders still."""
        self._whole = picture
        left, top, right, bottom = _region(face, picture.shape)
        self._place = slice(top, bottom), slice(left, right)
        self._region = np.ascontiguousarray(picture[self._place])
        self._rig = Rig.of(face.shift_by(-left, -top))
        self._lip_zero = lip_zero
        self._scale = min(1.0, MAX_MAP_PIXELS / self._rig.height)
        height, width = self._region.shape[:2]
        self._size = max(1, round(width * self._scale)), max(1, round(height * self._scale))
        self._mesh = Mesh.over(self._rig)
        self._eyes = Eyes(self._region, self._rig)
        self._mouth = Mouth.of(self._region, self._rig)
        self._head = Head.of(self._rig, self._mesh, self._size, self._scale, shoulders=stitching)
        self._window = self._face_window()
        self._still = rest((0, 0, *self._size), self._scale)

    def frames(self, motion: Motion) -> Iterator[Picture]:
        """Yield a whole picture for each value of the motion's curves."""
        for number in range(len(motion)):
            yield self.frame(motion, number)

    def frame(self, motion: Motion, number: int) -> Picture:
        """Return the whole picture of frame `number`."""
        face = self._warp_face(
            float(motion.jaw[number]),
            float(motion.spread[number]),
            float(motion.lids[number]),
            float(motion.brows[number]),
        )
        shift = motion.shift[number] * self._rig.height / 100
        sources = self._head.sources(
            float(motion.yaw[number]), float(motion.pitch[number]), float(motion.roll[number]), *map(float, shift)
        )
        made = self._whole.copy()
        made[self._place] = self._sample(face, sources)
        return made

    def _warp_face(self, jaw: float, spread: float, lids: float, brows: float) -> Picture:
        """Return the region with the face moved and the head still."""
        rig = self._rig
        moves = jaw * rig.jaw + spread * rig.spread + lids * rig.lids + brows * rig.brows
        if self._lip_zero:
            moves = moves + rig.lip_closure
        moved = add_rings(rig.face.points[:, :2], moves)
        made = self._warp_region(moved)
        if lids > 0:
            self._eyes.paint(made, moved, lids)
        self._mouth.paint(made, moved[:468], jaw)
        return made

    def _warp_region(self, moved: Values) -> Picture:
        left, top, right, bottom = self._window
        if self._scale == 1:
            made = self._region.copy()
            sources = self._mesh.sources(moved, self._window, 1)
            cv2.remap(self._region, sources, None, cv2.INTER_CUBIC, made[top:bottom, left:right], cv2.BORDER_REPLICATE)
            return made
        sources = self._still.copy()
        sources[top:bottom, left:right] = self._mesh.sources(moved, self._window, self._scale)
        return self._sample(self._region, sources)

    def _sample(self, picture: Picture, sources: Values) -> Picture:
        height, width = picture.shape[:2]
        if sources.shape[:2] != (height, width):
            sources = cv2.resize(sources, (width, height), interpolation=cv2.INTER_LINEAR)
        taken = cv2.remap(picture, sources, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(taken, np.uint8)

    def _face_window(self) -> tuple[int, int, int, int]:
        """Return left, top, right and bottom of the mesh at the map's scale."""
        low, high = self._mesh.points.min(axis=0) * self._scale, self._mesh.points.max(axis=0) * self._scale
        width, height = self._size
        return max(0, int(low[0])), max(0, int(low[1])), min(width, int(high[0]) + 2), min(height, int(high[1]) + 2)


def _region(face: Face, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of what may move: the box of a square rotated like the face."""
    middle = face.points[:, :2].mean(axis=0)
    height = float(np.linalg.norm(face.points[10, :2] - face.points[152, :2]))
    left, top, right, bottom = (reach * height for reach in REACH_FACE_HEIGHTS)
    own = np.array([[-left, -top], [right, -top], [right, bottom], [-left, bottom]])
    cosine, sine = np.cos(face.roll), np.sin(face.roll)
    corners = middle + own @ np.array([[cosine, sine], [-sine, cosine]])
    low, high = corners.min(axis=0), corners.max(axis=0)
    return max(0, int(low[0])), max(0, int(low[1])), min(shape[1], int(high[0])), min(shape[0], int(high[1]))
