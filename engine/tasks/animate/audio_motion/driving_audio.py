"""The driving audio, with everything else that a portrait's motion depends on."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil

from engine.tasks.animate.audio_motion.motion import Motion, Style, from_speech
from engine.tasks.animate.audio_motion.speech_features import SAMPLE_RATE, Curve, extract


@dataclass(frozen=True)
class Speech:
    """Speech to be animated. `samples` are mono float32 in -1..1 at 16 kHz; the motion has `rate` frames a second.

    `check` is called while a network makes the motion. It may raise, as `Context.check` does.
    """

    samples: Curve
    rate: float
    style: Style = "natural"
    seed: int = 0
    check: Callable[[], None] = field(default=lambda: None, compare=False)

    def __len__(self) -> int:
        """Return the number of frames."""
        return max(1, ceil(len(self.samples) / SAMPLE_RATE * self.rate))

    def to_motion(self, *, eyes: bool) -> Motion:
        """Return the motion from the sound's envelope and formants. Without `eyes` the lids stay still."""
        return from_speech(extract(self.samples, self.rate), self.rate, self.style, self.seed, eyes=eyes)
