"""What is written on a film: captions of what is said, its title, its credits."""

from collections.abc import Sequence
from dataclasses import replace

from engine.tasks.subtitle.cues import Cue, Word
from engine.tasks.subtitle.cutting import cut_cues
from engine.tasks.subtitle.drawing.fonts import guess_language
from engine.tasks.subtitle.drawing.styles import SubtitleStyle, format_ass
from engine.tasks.subtitle.drawing.typefaces import Typefaces

TITLE, CREDITS = 9.0, 5.0
"""Height of letters in percent of the shorter side."""
SHOWN = 0.35
"""Seconds after which a card's words are there, and before its end from which on they are not."""


def captions(cues: Sequence[Cue], size: tuple[int, int], language: str, typefaces: Typefaces) -> str:
    """The cues as ASS for a film of `size`."""
    return format_ass(cues, look(size, language), typefaces)


def look(size: tuple[int, int], language: str) -> SubtitleStyle:
    return SubtitleStyle("plain", *size, size=5.5, language=language)


def cues_of(words: Sequence[Word], size: tuple[int, int], language: str, begins: float, ends: float) -> list[Cue]:
    """Words, whose times count from `begins`, as cues that are gone at `ends`."""
    moved = [replace(word, start=word.start + begins, end=word.end + begins) for word in words]
    found = cut_cues(moved, look(size, language).line_cells, language)
    return [replace(cue, end=min(cue.end, ends)) for cue in found if cue.start < ends]


def card(text: str, seconds: float, size: tuple[int, int], height: float, typefaces: Typefaces) -> str:
    """Lines of `text` in the middle of the frame, as ASS."""
    wanted = SubtitleStyle("plain", *size, size=height, place="middle", language=guess_language(text))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    words = tuple((Word(line, SHOWN, seconds - SHOWN),) for line in lines)
    return format_ass([Cue(SHOWN, max(seconds - SHOWN, 2 * SHOWN), words)], wanted, typefaces, fade=True)
