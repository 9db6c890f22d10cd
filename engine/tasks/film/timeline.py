"""The parts of a film while it is rendered, and the finished film."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from engine.core.errors import UserMessage
from engine.core.job import Fact, Media
from engine.tasks.film.film import FRAME_RATE, Card, Film
from engine.tasks.film.scripts.script import MIN_SCENE_SECONDS, SILENT_SCENE_SECONDS, Transition
from engine.tasks.subtitle.cues import Cue, Word


@dataclass(frozen=True)
class Voice:
    """The speech of a scene: the recording, its words with their times, its language and the voice that speaks."""

    media: Media
    words: tuple[Word, ...]
    language: str
    voice: str


@dataclass(frozen=True)
class Footage:
    """What a scene shows: a picture, or a clip.

    With `waits_for_speech`, the clip stands still until the first word. `depth` is a depth map from black (far) to
    white (near), or None if no network estimated it.
    """

    media: Media
    waits_for_speech: bool = False
    depth: Media | None = None


@dataclass(frozen=True)
class Segment:
    """A part of the film that is rendered in one go: scene number `scene`, or a `card` over its blurred picture.

    `card` is the text of the card and `kind` its kind.
    """

    name: str
    scene: int
    frames: int
    transition: Transition
    card: str = ""
    kind: Card | None = None
    cues: tuple[Cue, ...] = ()
    language: str = "en"


@dataclass(frozen=True)
class EditList:
    """Everything that is joined into the film: the plan, the encoded segments, and the picture and voice of
    each scene.
    """

    plan: list[Segment]
    segments: list[Media]
    pictures: list[Media]
    voices: list[Voice | None]

    @property
    def seconds(self) -> float:
        """Length of the film in seconds."""
        return sum(segment.frames for segment in self.plan) / FRAME_RATE

    def with_start_times(self) -> Iterator[tuple[Segment, float]]:
        """Yield each segment with its start time in seconds."""
        frames = 0
        for segment in self.plan:
            yield segment, frames / FRAME_RATE
            frames += segment.frames

    def cues(self) -> list[Cue]:
        """Return the captions with times relative to the film."""
        return [shift_cue(cue, start) for segment, start in self.with_start_times() for cue in segment.cues]


def shift_cue(cue: Cue, seconds: float) -> Cue:
    """Return the cue and its words moved by `seconds`."""
    lines = tuple(
        tuple(replace(word, start=word.start + seconds, end=word.end + seconds) for word in line) for line in cue.lines
    )
    return replace(cue, start=cue.start + seconds, end=cue.end + seconds, lines=lines)


@dataclass(frozen=True)
class RenderedFilm:
    """A finished film. `cues` and `starts`, the starts of the scenes, are in the time of the film, in seconds.

    `models` names the voices and animation models that were used, `video_model` the model that made clips, or "".
    """

    video: Media
    pictures: list[Media]
    cues: list[Cue]
    starts: list[float]
    notes: list[UserMessage]
    facts: dict[str, Fact]
    models: list[str]
    used_image_generator: bool = False
    video_model: str = ""


LEAD_SECONDS, TAIL_SECONDS = 0.5, 0.7
"""Silence in a scene before its first word and after its last."""

TITLE_SECONDS = 3.0
"""Length of the title. The credits are one second longer."""


def plan_segments(film: Film) -> Iterator[Segment]:
    """Yield the segments of the film. The length of a scene is not known yet and is 0."""
    last = len(film.scenes) - 1
    if film.title:
        yield Segment("title", 0, round(TITLE_SECONDS * FRAME_RATE), "cut", film.title, "title")
    for number, scene in enumerate(film.scenes):
        first = number == 0 and not film.title
        yield Segment(f"scene {number}", number, 0, "cut" if first else scene.transition)
    if film.credits:
        lines = "\n".join(film.credits.split(" / "))
        yield Segment("credits", last, round((TITLE_SECONDS + 1) * FRAME_RATE), "crossfade", lines, "credits")


def scene_seconds(film: Film, number: int, voice: Voice | None) -> float:
    """Return the length of a scene in seconds: as requested, but long enough for its narration."""
    asked, sound, needed = film.scenes[number].seconds, film.sound, voice_seconds(voice)
    return max(asked or needed or (sound.seconds if sound else None) or SILENT_SCENE_SECONDS, needed, MIN_SCENE_SECONDS)


def voice_seconds(voice: Voice | None) -> float:
    """Return the seconds that a scene needs for its narration."""
    return (LEAD_SECONDS + (voice.media.seconds or 0) + TAIL_SECONDS) if voice else 0.0
