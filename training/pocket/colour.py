"""Find the icons with one clear colour, and compute the affine map of RGB that recolours an icon."""

import math

import numpy as np

from training.pocket.language import COLOURS

Array = np.ndarray
TO_YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
FROM_YIQ = np.linalg.inv(TO_YIQ)
HUES = ("red", "orange", "yellow", "green", "teal", "blue", "purple", "pink")
RGB = {name: np.array(value[1:]) / 255 for name, value in COLOURS.items()}


class Paint:
    """Colour statistics of icons and the recolouring that they allow."""

    def __init__(self, rgba: Array) -> None:
        """Measure the icons ``rgba``, uint8 (N, S, S, 4)."""
        small = rgba[:, ::4, ::4].astype(np.float32) / 255
        alpha, yiq = small[..., 3], small[..., :3] @ TO_YIQ.T.astype(np.float32)
        chroma, area = yiq[..., 1] + 1j * yiq[..., 2], alpha.sum((1, 2)) + 1e-6
        strength = (np.abs(chroma) * alpha).sum((1, 2))
        mean = (chroma * alpha).sum((1, 2))
        self.saturation, self.light = strength / area, (yiq[..., 0] * alpha).sum((1, 2)) / area
        self.purity, self.angle = np.abs(mean) / (strength + 1e-6), np.angle(mean)
        self.one_hue = (self.purity > 0.55) & (self.saturation > 0.07)
        self.grey = self.saturation < 0.035

    def own_colour(self, icon: int) -> str | None:
        """Return the name of an icon's own colour, or None if it has no clear one."""
        if self.grey[icon]:
            return "black" if self.light[icon] < 0.25 else "white" if self.light[icon] > 0.85 else "gray"
        if self.saturation[icon] < 0.12 or self.purity[icon] < 0.8:
            return None
        best = min(HUES, key=lambda hue: abs(np.angle(np.exp(1j * (np.angle(chroma(hue)) - self.angle[icon])))))
        return "brown" if best in ("orange", "yellow") and self.light[icon] < 0.42 else best

    def repaint(self, icon: int, colour: str) -> Array:
        """Return the affine map (3, 4) of RGB in 0..1 that recolours the icon to ``colour``."""
        made = np.eye(3, 4)
        if colour in ("black", "white", "gray"):
            scale, lift = {"black": (0.33, 0.0), "white": (0.3, 0.7), "gray": (0.75, 0.1)}[colour]
            made[:, :3], made[:, 3] = FROM_YIQ @ np.diag([scale, 0.12 * scale, 0.12 * scale]) @ TO_YIQ, lift
        elif self.grey[icon]:
            made[:, :3] = np.outer(RGB[colour], TO_YIQ[0]) * 0.92 / max(self.light[icon], 0.35)
        else:
            made[:, :3] = FROM_YIQ @ self._turn(icon, colour) @ TO_YIQ
        return made

    def _turn(self, icon: int, colour: str) -> Array:
        target = chroma(colour)
        bright = np.clip(0.35 + 0.65 * float(TO_YIQ[0] @ RGB[colour]) / max(self.light[icon], 0.1), 0.5, 1.35)
        strong = np.clip(abs(target) * 0.9 / max(self.saturation[icon], 0.02), 0.7, 1.8) * bright
        by = np.angle(target) - self.angle[icon]
        cos, sin = math.cos(by) * strong, math.sin(by) * strong
        return np.array([[bright, 0, 0], [0, cos, -sin], [0, sin, cos]])


def chroma(colour: str) -> complex:
    """Return a named colour's chrominance as one complex number, I + iQ of YIQ."""
    _, i, q = TO_YIQ @ RGB[colour]
    return complex(i, q)
