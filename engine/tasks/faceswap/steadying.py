"""Stops faces from trembling: filters a face's landmarks from frame to frame."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]

SLOW, QUICK = 1.5, 6.0
"""Cut-off frequency in Hz for a still face, and its increase per face width a second of movement."""


@dataclass
class Steady:
    """The one-euro filter over a face's landmarks. Source: Casiez et al., "1€ Filter", 2012."""

    rate: float
    marks: Values | None = None
    speed: float = 0

    def __call__(self, face: Any) -> Any:
        """Return the face with its landmarks smoothed by the previous ones."""
        if self.marks is None:
            self.marks = face.marks
            return face
        width = max(1.0, face.width)
        moved = float(np.linalg.norm((face.marks - self.marks).mean(axis=0)[:2])) * self.rate / width
        self.speed += _share(1.0, self.rate) * (moved - self.speed)
        share = _share(SLOW + QUICK * self.speed, self.rate)
        self.marks = (self.marks + np.float32(share) * (face.marks - self.marks)).astype(np.float32)
        return face.with_marks(self.marks)


def _share(cutoff: float, rate: float) -> float:
    """Return the weight of the new value in a low-pass filter at `cutoff` Hz."""
    return 1 / (1 + rate / (2 * np.pi * cutoff))
