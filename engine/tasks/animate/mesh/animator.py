"""The embedded portrait animator: finds faces and moves them as a mesh."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.tasks.animate.audio_motion.driving_audio import Speech
from engine.tasks.animate.audio_motion.motion import Motion
from engine.tasks.animate.mesh.mesh_warper import MeshWarper
from engine.tasks.animate.options import AnimationOptions
from engine.vision.faces.face import Face
from engine.vision.faces.reader import FaceReader

Picture = NDArray[np.uint8]


class MeshAnimator:
    """Holds the loaded networks and nothing of a job."""

    size = 20_000_000
    """Approximate bytes of the networks."""
    name = "mesh"
    motion_by = "envelope"

    def __init__(self, folder: Path) -> None:
        """Load from the weights `folder`. Raises MissingModel."""
        self._reader = FaceReader(folder)

    def close(self) -> None:
        """Do nothing: the interpreters free their memory themselves."""

    def faces(self, picture: Picture) -> tuple[Face, ...]:
        """Return the faces of `picture` from left to right."""
        return self._reader.find_faces(picture)

    def motion_from(self, speech: Speech, options: AnimationOptions) -> Motion:
        """Return the motion from the sound's envelope."""
        return speech.to_motion(eyes=options.eyes)

    def frames(self, picture: Picture, face: Face, motion: Motion, options: AnimationOptions) -> Iterator[Picture]:
        """Yield a picture as large as `picture` for each value of the motion's curves."""
        puppet = MeshWarper(picture, face, lip_zero=options.lip_zero, stitching=options.stitching)
        return puppet.frames(motion)
