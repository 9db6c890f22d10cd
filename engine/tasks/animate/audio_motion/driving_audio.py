"""What a portrait is to say, and how: all that its motion is made from."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil

from engine.tasks.animate.audio_motion.motion import Motion, Style, from_speech
from engine.tasks.animate.audio_motion.speech_features import SAMPLE_RATE, Curve, extract


@dataclass(frozen=True)
class Speech:
    """`samples` are mono float32 in -1..1 at 16 kHz; the motion has `rate` frames a second.

    `check` is called while a network makes the motion and may raise, as `Context.check` does.
    """

    samples: Curve
    rate: float
    style: Style = "natural"
    seed: int = 0
    check: Callable[[], None] = field(default=lambda: None, compare=False)

    def __len__(self) -> int:
        """Frames."""
        return max(1, ceil(len(self.samples) / SAMPLE_RATE * self.rate))

    def to_motion(self, *, eyes: bool) -> Motion:
        """The motion by the sound's envelope and formants; without `eyes` the lids stay."""
        return from_speech(extract(self.samples, self.rate), self.rate, self.style, self.seed, eyes=eyes)
