"""What a film consists of, and how long each part of it lasts."""

from collections.abc import Iterator

from engine.film.film import RATE, Film
from engine.film.pieces import Piece, Voice
from engine.scripts.script import SHORTEST, USUAL

LEAD, TAIL = 0.5, 0.7
"""Seconds of a scene before its first word and after its last."""
CARD = 3.0
"""Seconds of the title; the credits have one more."""


def planned(film: Film) -> Iterator[Piece]:
    """The pieces of the film, before it is known how long they are."""
    last = len(film.scenes) - 1
    if film.title:
        yield Piece("title", 0, round(CARD * RATE), "cut", film.title, "title")
    for number, scene in enumerate(film.scenes):
        first = number == 0 and not film.title
        yield Piece(f"scene {number}", number, 0, "cut" if first else scene.transition)
    if film.credits:
        lines = "\n".join(film.credits.split(" / "))
        yield Piece("credits", last, round((CARD + 1) * RATE), "crossfade", lines, "credits")


def lasting(film: Film, number: int, voice: Voice | None) -> float:
    """Seconds of a scene: as long as it was asked to be, and as what is said in it takes."""
    asked, sound, needed = film.scenes[number].seconds, film.sound, spoken(voice)
    return max(asked or needed or (sound.seconds if sound else None) or USUAL, needed, SHORTEST)


def spoken(voice: Voice | None) -> float:
    """Seconds that a scene needs for what is said."""
    return (LEAD + (voice.media.seconds or 0) + TAIL) if voice else 0.0
