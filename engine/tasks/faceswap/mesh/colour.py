"""Transfers colours between faces and rates how much a pixel looks like skin, both in CIE Lab.

Source: Reinhard et al., "Color Transfer between Images", 2001, here with means that follow the light across the face.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Values = NDArray[np.float32]

CONTRAST = (0.75, 1.25)
"""Bounds of the factor for the spread of the details' lightness."""
CHROMA = 0.75
"""Share of the details' own colour, such as the lips', that is kept: strong light exaggerates it."""
LIGHT = 0.6
"""Share of the target's lighting in the new face; the rest is the new face's own."""
CELLS = 8
"""Cells of the lighting grid per `pixels`."""
REACH = np.array([24, 9, 11], np.float32)
"""Usual distance of skin from its median in L, a and b."""


@dataclass(frozen=True)
class Tone:
    """The tone of skin: the median of L, a and b, and the spread around it."""

    middle: Values
    spread: Values

    @classmethod
    def of(cls, lab: Values, skin: NDArray[np.bool_]) -> "Tone":
        """Return the tone of the pixels `skin` of `lab` (H, W, 3), or of all pixels if there are none."""
        pixels = lab[skin] if skin.any() else lab.reshape(-1, 3)
        middle = np.median(pixels, axis=0)
        return cls(middle, (1.4826 * np.median(np.abs(pixels - middle), axis=0)).astype(np.float32))


@dataclass(frozen=True)
class Skin:
    """A face's colours `lab` (H, W, 3), its tone, and the likelihood of skin in each pixel, `share` (H, W) in 0..1."""

    lab: Values
    tone: Tone
    share: Values

    @classmethod
    def of(cls, lab: Values, core: NDArray[np.bool_], face: Values) -> "Skin":
        """Return the skin of a face. `core` (H, W) is certainly skin; `face` (H, W), 0 to 1, may be."""
        tone = Tone.of(lab, core)
        return cls(lab, tone, np.maximum(core, alike(lab, tone) * face))

    def light(self, pixels: float) -> Values:
        """Return the colours (H, W, 3) without details finer than `pixels` and without what is not skin."""
        height, width = self.share.shape
        scale = min(1.0, CELLS / pixels)
        size = max(2, round(width * scale)), max(2, round(height * scale))
        share = cv2.resize(self.share, size, interpolation=cv2.INTER_AREA)
        summed = cv2.resize(self.lab * self.share[..., None], size, interpolation=cv2.INTER_AREA)
        away = pixels * scale
        weight = cv2.GaussianBlur(share, (0, 0), away)[..., None] + 1e-3
        smooth = (cv2.GaussianBlur(summed, (0, 0), away) + self.tone.middle * 1e-3) / weight
        large: Values = cv2.resize(smooth.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
        return large


def lab_of(picture: Picture) -> Values:
    """Convert uint8 RGB (H, W, 3) to float32 L in 0..100, a and b in about -100..100."""
    lab: Values = cv2.cvtColor(picture.astype(np.float32) * np.float32(1 / 255), cv2.COLOR_RGB2LAB)
    return lab


def match_colours(lab: Values, own: Skin, model: Skin, pixels: float) -> Values:
    """Return a face, float32 RGB in 0..255, with the colours and most of the lighting of another's skin.

    Lighting is what changes over more than `pixels`. Finer details stay the face's own.
    """
    contrast = np.clip((model.tone.spread[0] + 3) / (own.tone.spread[0] + 3), *CONTRAST)
    light, goal = own.light(pixels), model.light(pixels)
    detail = (lab - light) * np.array([contrast, CHROMA, CHROMA], np.float32)
    shade = goal[..., :1] * LIGHT + (light[..., :1] - own.tone.middle[0] + model.tone.middle[0]) * (1 - LIGHT)
    moved = detail + np.concatenate([shade, goal[..., 1:]], axis=2)
    rgb: Values = cv2.cvtColor(moved.astype(np.float32), cv2.COLOR_LAB2RGB) * np.float32(255)
    return rgb


def alike(lab: Values, tone: Tone) -> Values:
    """Return how much each pixel looks like skin of this tone, (H, W) in 0..1."""
    far = (((lab - tone.middle) / REACH) ** 2).sum(axis=2)
    return np.asarray((2 - far / 3).clip(0, 1), np.float32)
