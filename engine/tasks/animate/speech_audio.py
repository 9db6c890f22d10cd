"""The sound that a portrait speaks with: what the person sent, or the text spoken."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.errors import BadInput, Sentence
from engine.core.job import Fact, Media
from engine.media import video
from engine.tasks import speech
from engine.tasks.animate.audio_motion.speech_features import RATE
from engine.worker.context import Context

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST = 300.0
"""Seconds that a portrait may speak."""
LEAST = 0.1


@dataclass(frozen=True)
class Voiced:
    """A recording at `path` and its `samples`, mono at RATE; `facts` say whose voice it is."""

    path: Path
    mime: str
    found: video.Probe
    samples: "NDArray[np.float32]"
    facts: dict[str, Fact]
    notes: tuple[Sentence, ...] = ()


def given(audio: Media, context: Context) -> Voiced:
    """The sound that was sent, or that of a video. Raises BadInput and TooLarge."""
    watch = video.Watch(context.cancelled)
    found = video.probe(audio.path, audio.mime, video.Bounds(seconds=MOST), watch)
    if found.sound is None:
        raise BadInput("audio has no sound in it. Attach a recording, or write what to say as text.")
    samples = _samples(audio.path, audio.mime, watch, found)
    return Voiced(audio.path, audio.mime, found, samples, {"voice": "audio"}, video.other_sounds(found))


def spoken(text: str, language: str | None, who: str, folder: Path, context: Context) -> Voiced:
    """The text spoken, as a WAV in `folder`. Raises BadInput and TooLarge."""
    context.progress("speaking", 0)
    with context.model("voice") as speaker:
        said = speaker.speak(text, context.check, language, who)
    path = folder / "said.wav"
    speech.save(said, path)
    watch = video.Watch(context.cancelled)
    found = video.probe(path, "audio/wav", video.Bounds(seconds=MOST), watch)
    facts: dict[str, Fact] = {"voice": said.voice, "language": said.language, "text": text}
    return Voiced(path, "audio/wav", found, _samples(path, "audio/wav", watch, found), facts, said.notes)


def _samples(path: Path, mime: str, watch: video.Watch, found: video.Probe) -> "NDArray[np.float32]":
    try:
        samples = video.samples(path, mime, RATE, watch, found)
    except video.FFmpegFailed as error:
        raise BadInput("The sound is damaged: it cannot be decoded. Attach another one.") from error
    if len(samples) < LEAST * RATE:
        raise BadInput("audio is shorter than {bound} s, too short to speak. Attach a longer one.", bound=LEAST)
    return samples
