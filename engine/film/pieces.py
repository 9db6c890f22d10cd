"""What a film is made of on its way, and what it is in the end."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from engine.errors import Sentence
from engine.film.film import RATE, Card
from engine.job import Fact, Media
from engine.scripts.script import Transition
from engine.subtitles.cues import Cue, Word


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
class Piece:
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
class Cutting:
    """All that a film is joined from: its pieces and their encoded pictures, and by scene the picture and the voice."""

    pieces: list[Piece]
    segments: list[Media]
    pictures: list[Media]
    voices: list[Voice | None]

    @property
    def seconds(self) -> float:
        return sum(piece.frames for piece in self.pieces) / RATE

    def placed(self) -> Iterator[tuple[Piece, float]]:
        """Each piece, and the second at which it begins."""
        frames = 0
        for piece in self.pieces:
            yield piece, frames / RATE
            frames += piece.frames

    def cues(self) -> list[Cue]:
        """The captions in the film's own time."""
        return [later(cue, start) for piece, start in self.placed() for cue in piece.cues]


def later(cue: Cue, seconds: float) -> Cue:
    """The cue and its words, so much later."""
    lines = tuple(
        tuple(replace(word, start=word.start + seconds, end=word.end + seconds) for word in line) for line in cue.lines
    )
    return replace(cue, start=cue.start + seconds, end=cue.end + seconds, lines=lines)


@dataclass(frozen=True)
class Made:
    """A finished film. `cues` are in its own time, its scenes begin at `starts`; `makers` spoke, animated.

    `painted` says that a painter took part, `alive` which model made clips.
    """

    video: Media
    pictures: list[Media]
    cues: list[Cue]
    starts: list[float]
    notes: list[Sentence]
    facts: dict[str, Fact]
    makers: list[str]
    painted: bool = False
    alive: str = ""
