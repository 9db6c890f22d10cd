"""Extracts what speech tells about the mouth: loudness, openness of vowels, and whether lips are spread or round.

The first two formants identify a vowel: the first rises as the jaw opens, the second as the lips spread (Peterson
and Barney, "Control Methods Used in a Study of the Vowels", 1952). Frequency bands approximate them here.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float32]

SAMPLE_RATE = 16000
"""Sample rate of the input in Hz."""
HOP_SAMPLES = 160
"""Samples between two spectra."""
WINDOW_SAMPLES = 512
"""Samples of one spectrum."""
SILENCE_LEVEL = 0.06
"""Level below which sound is silence, relative to the loud parts."""


@dataclass(frozen=True)
class SpeechFeatures:
    """Curves with one value a frame. `loud`, `open` and `sibilance` are 0 to 1, `spread` is -1 (round lips) to 1
    (spread).
    """

    loud: Curve
    open: Curve
    spread: Curve
    sibilance: Curve

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.loud)


def extract(samples: Curve, rate: float, ahead: float = 0.04) -> SpeechFeatures:
    """Return the features of mono float32 `samples` in -1..1 at SAMPLE_RATE, at `rate` frames a second.

    The curves run `ahead` seconds early, since mouths move before the sound.
    """
    spectrum = _spectrum(samples)
    times = np.arange(max(1, int(np.ceil(len(samples) / SAMPLE_RATE * rate)))) / rate + ahead
    voice, first_low, first, second_low, second, hiss = (
        _band(spectrum, low, high)
        for low, high in ((90, 5000), (250, 450), (550, 1000), (700, 1300), (1700, 2800), (4000, 7800))
    )
    level = np.sqrt(voice)
    top = max(float(np.percentile(level[level > 0], 95)) if (level > 0).any() else 0.0, 1e-4)
    loud = np.clip((level / top - SILENCE_LEVEL) / (1 - SILENCE_LEVEL), 0, 1)
    speaking = _smooth(np.minimum(1, loud * 4), 3)
    curves = {
        "loud": loud,
        "open": _share(first, first_low) * speaking,
        "spread": (2 * _share(second, second_low * 0.35) - 1) * speaking,
        "sibilance": np.clip(2 * _share(hiss, voice) - 0.6, 0, 1) * (np.sqrt(hiss) > 0.02 * top),
    }
    return SpeechFeatures(**{name: _at(_smooth(curve, 2), times) for name, curve in curves.items()})


def _spectrum(samples: Curve) -> NDArray[np.float32]:
    """Return the power by hop and frequency, computed in chunks to bound the memory of the FFT."""
    padded = np.pad(samples.astype(np.float32), (WINDOW_SAMPLES // 2, WINDOW_SAMPLES))
    count = max(1, len(samples) // HOP_SAMPLES)
    window = np.hanning(WINDOW_SAMPLES).astype(np.float32)
    pieces = []
    for begin in range(0, count, 4096):
        starts = np.arange(begin, min(count, begin + 4096)) * HOP_SAMPLES
        frames = padded[starts[:, None] + np.arange(WINDOW_SAMPLES)] * window
        pieces.append(np.abs(np.fft.rfft(frames)).astype(np.float32)[:, ::2] ** 2 / WINDOW_SAMPLES)
    return np.concatenate(pieces)


def _band(spectrum: NDArray[np.float32], low: float, high: float) -> Curve:
    step = SAMPLE_RATE / WINDOW_SAMPLES * 2
    return np.asarray(spectrum[:, int(low / step) : int(np.ceil(high / step)) + 1].sum(axis=1), np.float32)


def _share(one: Curve, other: Curve) -> Curve:
    return np.asarray(one / (one + other + 1e-9), np.float32)


def _smooth(curve: Curve, radius: int) -> Curve:
    """Return a triangular mean over `radius` hops to each side."""
    kernel = np.bartlett(2 * radius + 3)[1:-1]
    return np.convolve(np.pad(curve, radius, "edge"), kernel / kernel.sum(), "valid").astype(np.float32)


def _at(curve: Curve, times: NDArray[np.float64]) -> Curve:
    places = np.arange(len(curve)) * HOP_SAMPLES / SAMPLE_RATE
    return np.interp(times, places, curve, right=0).astype(np.float32)
