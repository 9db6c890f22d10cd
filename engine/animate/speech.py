"""What a portrait is to say, and how: all that its motion is made from."""

from dataclasses import dataclass
from math import ceil

from engine.animate.hearing import RATE, Curve, hear
from engine.animate.motion import Motion, Style, follow


@dataclass(frozen=True)
class Speech:
    """`samples` are mono float32 in -1..1 at 16 kHz; the motion has `rate` frames a second."""

    samples: Curve
    rate: float
    style: Style = "natural"
    seed: int = 0

    def __len__(self) -> int:
        """Frames."""
        return max(1, ceil(len(self.samples) / RATE * self.rate))

    def followed(self, *, eyes: bool) -> Motion:
        """The motion by the sound's envelope and formants; without `eyes` the lids stay."""
        return follow(hear(self.samples, self.rate), self.rate, self.style, self.seed, eyes=eyes)
