"""What a film is made of on its way, and what it is in the end."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from engine.core.errors import UserMessage
from engine.core.job import Fact, Media
from engine.tasks.film.film import RATE, Card, Film
from engine.tasks.film.scripts.script import SHORTEST, USUAL, Transition
from engine.tasks.subtitle.cues import Cue, Word


@dataclass(frozen=True)
class Voice:
    """What is said in a scene: the recording, its words with their times, its language, and who spoke."""

    media: Media
    words: tuple[Word, ...]
    language: str
    voice: str


@dataclass(frozen=True)
class Footage:
    """What is filmed of a scene: a picture, or a clip that moves by itself, or one that `waits` for the first word.

    `depth` is a picture of how near each part is, from black, far, to white; None where no network told.
    """

    media: Media
    waits: bool = False
    depth: Media | None = None


@dataclass(frozen=True)
class Segment:
    """What is filmed in one go: a scene, or the words of a `card`, of its `kind`, over the blurred picture of one.

    `scene` is that one's number.
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
    """All that a film is joined from: its pieces and their encoded pictures, and by scene the picture and the voice."""

    pieces: list[Segment]
    segments: list[Media]
    pictures: list[Media]
    voices: list[Voice | None]

    @property
    def seconds(self) -> float:
        return sum(segment.frames for segment in self.pieces) / RATE

    def with_start_times(self) -> Iterator[tuple[Segment, float]]:
        """Each piece, and the second at which it begins."""
        frames = 0
        for segment in self.pieces:
            yield segment, frames / RATE
            frames += segment.frames

    def cues(self) -> list[Cue]:
        """The captions in the film's own time."""
        return [shift(cue, start) for segment, start in self.with_start_times() for cue in segment.cues]


def shift(cue: Cue, seconds: float) -> Cue:
    """The cue and its words, so much later."""
    lines = tuple(
        tuple(replace(word, start=word.start + seconds, end=word.end + seconds) for word in line) for line in cue.lines
    )
    return replace(cue, start=cue.start + seconds, end=cue.end + seconds, lines=lines)


@dataclass(frozen=True)
class RenderedFilm:
    """A finished film. `cues` are in its own time, its scenes begin at `starts`; `makers` spoke, animated.

    `painted` says that a painter took part, `alive` which model made clips.
    """

    video: Media
    pictures: list[Media]
    cues: list[Cue]
    starts: list[float]
    notes: list[UserMessage]
    facts: dict[str, Fact]
    makers: list[str]
    painted: bool = False
    alive: str = ""


LEAD, TAIL = 0.5, 0.7
"""Seconds of a scene before its first word and after its last."""

CARD = 3.0
"""Seconds of the title; the credits have one more."""


def plan_segments(film: Film) -> Iterator[Segment]:
    """The pieces of the film, before it is known how long they are."""
    last = len(film.scenes) - 1
    if film.title:
        yield Segment("title", 0, round(CARD * RATE), "cut", film.title, "title")
    for number, scene in enumerate(film.scenes):
        first = number == 0 and not film.title
        yield Segment(f"scene {number}", number, 0, "cut" if first else scene.transition)
    if film.credits:
        lines = "\n".join(film.credits.split(" / "))
        yield Segment("credits", last, round((CARD + 1) * RATE), "crossfade", lines, "credits")


def scene_seconds(film: Film, number: int, voice: Voice | None) -> float:
    """Seconds of a scene: as long as it was asked to be, and as what is said in it takes."""
    asked, sound, needed = film.scenes[number].seconds, film.sound, voice_seconds(voice)
    return max(asked or needed or (sound.seconds if sound else None) or USUAL, needed, SHORTEST)


def voice_seconds(voice: Voice | None) -> float:
    """Seconds that a scene needs for what is said."""
    return (LEAD + (voice.media.seconds or 0) + TAIL) if voice else 0.0
