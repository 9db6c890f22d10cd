"""The motion of a speaking portrait: seeded curves of jaw, lips, eyelids, brows and head."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.tasks.animate.audio_motion.speech_features import Curve, SpeechFeatures

Style = Literal["natural", "calm", "lively"]

BLINK_SECONDS = (0.07, 0.05, 0.14)
"""Seconds in which lids close, stay shut and open."""


@dataclass(frozen=True)
class StylePreset:
    """A style's head sway in degrees, mouth opening, brow movement, and seconds between blinks."""

    sway: float
    mouth: float
    brows: float
    blinks: float


STYLE_PRESETS: dict[Style, StylePreset] = {
    "natural": StylePreset(sway=2.2, mouth=1.0, brows=0.6, blinks=3.6),
    "calm": StylePreset(sway=1.1, mouth=0.8, brows=0.25, blinks=4.5),
    "lively": StylePreset(sway=3.6, mouth=1.2, brows=1.0, blinks=2.8),
}


@dataclass(frozen=True)
class Motion:
    """Curves with one value a frame.

    `jaw` is 0 (shut) to 1 (wide), `spread` -1 (round lips) to 1 (spread), `lids` 0 (as in the picture) to 1 (shut),
    `brows` 0 to 1. `yaw`, `pitch` and `roll` are in degrees, `shift` (N, 2) in hundredths of the face's height.
    """

    jaw: Curve
    spread: Curve
    lids: Curve
    brows: Curve
    yaw: Curve
    pitch: Curve
    roll: Curve
    shift: NDArray[np.float32]

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.jaw)


def from_speech(heard: SpeechFeatures, rate: float, style: Style, seed: int, *, eyes: bool = True) -> Motion:
    """Return the motion that fits the speech, at `rate` frames a second. Without `eyes` the lids stay still."""
    manner, chance = STYLE_PRESETS[style], np.random.default_rng(seed)
    count = len(heard)
    stress = _smooth_curve(heard.loud, rate, 0.35)
    yaw, pitch, roll, across, down = (_drift(count, rate, chance) for _ in range(5))
    return Motion(
        jaw=_jaw(heard, rate) * np.float32(manner.mouth),
        spread=_smooth_curve(heard.spread, rate, 0.06) * np.float32(0.8),
        lids=_blinks(heard, rate, manner.blinks, chance) if eyes else np.zeros(count, np.float32),
        brows=stress * np.float32(manner.brows),
        yaw=yaw * np.float32(manner.sway),
        pitch=(pitch * 0.6 + (stress - stress.mean()) * 1.2) * np.float32(manner.sway),
        roll=roll * np.float32(manner.sway * 0.45),
        shift=np.stack([across, down], axis=1) * np.float32(0.35 * manner.sway),
    )


def _jaw(heard: SpeechFeatures, rate: float) -> Curve:
    """Return the jaw's curve: loudness opens it, open vowels more so, and sibilants keep it shut."""
    wide = heard.loud**0.7 * (0.7 + 0.45 * heard.open)
    held = np.maximum(wide * (1 - 0.6 * heard.sibilance), 0.16 * heard.sibilance)
    return np.clip(_smooth_curve(held.astype(np.float32), rate, 0.045), 0, 1)


def _smooth_curve(curve: Curve, rate: float, seconds: float) -> Curve:
    """Return a Gaussian mean over `seconds`, which causes no delay."""
    width = max(seconds * rate, 1e-3)
    reach = int(np.ceil(3 * width))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    padded = np.pad(curve, reach, "edge")
    return np.convolve(padded, kernel / kernel.sum(), "valid").astype(np.float32)


def _drift(count: int, rate: float, chance: np.random.Generator) -> Curve:
    """Return a slow random drift around zero, at most about 1, that starts at rest."""
    times = np.arange(count) / rate
    total = np.zeros(count)
    for low, high, part in ((0.07, 0.13, 0.5), (0.17, 0.29, 0.35), (0.37, 0.55, 0.15)):
        total += part * np.sin(2 * np.pi * chance.uniform(low, high) * times + chance.uniform(0, 2 * np.pi))
    return (total * np.minimum(1, times / 0.8)).astype(np.float32)


def _blinks(heard: SpeechFeatures, rate: float, apart: float, chance: np.random.Generator) -> Curve:
    """Return the lids' curve. Blinks fall in pauses rather than in the middle of a word."""
    count = len(heard)
    lids = np.zeros(count, np.float32)
    shut, stay, rise = BLINK_SECONDS
    at = chance.uniform(0.4, 0.6) * apart
    while at * rate < count:
        at = _pause_near(heard.loud, at, rate)
        times = np.arange(count) / rate - at
        falls = np.clip((times + shut) / shut, 0, 1)
        opens = np.clip((times - stay) / rise, 0, 1)
        lids = np.maximum(lids, (falls * (1 - opens)).astype(np.float32))
        at += apart * chance.uniform(0.6, 1.5)
    return lids * lids * (3 - 2 * lids)


def _pause_near(loud: Curve, at: float, rate: float) -> float:
    low, high = max(0, int((at - 0.3) * rate)), min(len(loud), int((at + 0.3) * rate) + 1)
    return (low + int(np.argmin(loud[low:high]))) / rate if high > low else at
