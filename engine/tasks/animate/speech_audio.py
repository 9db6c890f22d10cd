"""The audio that a portrait speaks: the attached recording, or synthesised text."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.errors import BadInput, UserMessage
from engine.core.job import Fact, Media
from engine.media import video
from engine.tasks import speech
from engine.tasks.animate.audio_motion.speech_features import SAMPLE_RATE
from engine.worker.context import Context

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_SECONDS = 300.0
"""Longest speech in seconds."""
MIN_SECONDS = 0.1
"""Shortest speech in seconds."""


@dataclass(frozen=True)
class SpeechAudio:
    """A recording at `path` with its mono `samples` at SAMPLE_RATE. `facts` name the voice."""

    path: Path
    mime: str
    found: video.Probe
    samples: "NDArray[np.float32]"
    facts: dict[str, Fact]
    notes: tuple[UserMessage, ...] = ()


def load_audio(audio: Media, context: Context) -> SpeechAudio:
    """Load an attached recording, or the sound of a video. Raises BadInput and TooLarge."""
    watch = video.CancelOrTimeout(context.cancelled)
    found = video.probe(audio.path, audio.mime, video.ProbeLimits(seconds=MAX_SECONDS), watch)
    if found.sound is None:
        raise BadInput("There is no sound in audio. Attach a recording, or type what it should say as text.")
    samples = _samples(audio.path, audio.mime, watch, found)
    return SpeechAudio(audio.path, audio.mime, found, samples, {"voice": "audio"}, video.other_sound_notes(found))


def speak_text(text: str, language: str | None, who: str, folder: Path, context: Context) -> SpeechAudio:
    """Synthesise the text as a WAV in `folder`. Raises BadInput and TooLarge."""
    context.progress("speaking", 0)
    with context.model("voice") as speaker:
        said = speaker.speak(text, context.check, language, who)
    path = folder / "said.wav"
    speech.save_wav(said, path)
    watch = video.CancelOrTimeout(context.cancelled)
    found = video.probe(path, "audio/wav", video.ProbeLimits(seconds=MAX_SECONDS), watch)
    facts: dict[str, Fact] = {"voice": said.voice, "language": said.language, "text": text}
    return SpeechAudio(path, "audio/wav", found, _samples(path, "audio/wav", watch, found), facts, said.notes)


def _samples(path: Path, mime: str, watch: video.CancelOrTimeout, found: video.Probe) -> "NDArray[np.float32]":
    try:
        samples = video.read_mono(path, mime, SAMPLE_RATE, watch, found)
    except video.FFmpegFailed as error:
        raise BadInput("This audio is damaged. Try another copy.") from error
    if len(samples) < MIN_SECONDS * SAMPLE_RATE:
        raise BadInput("The recording is shorter than {bound:duration}. Attach a longer one.", bound=MIN_SECONDS)
    return samples
