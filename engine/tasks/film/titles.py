"""Text on a film: captions, title and credits."""

from collections.abc import Sequence
from dataclasses import replace

from engine.tasks.subtitle.cues import Cue, Word
from engine.tasks.subtitle.cutting import cut_cues
from engine.tasks.subtitle.drawing.fonts import guess_language
from engine.tasks.subtitle.drawing.styles import SubtitleStyle, format_ass
from engine.tasks.subtitle.drawing.typefaces import Typefaces

TITLE_PERCENT, CREDITS_PERCENT = 9.0, 5.0
"""Height of the letters as a percentage of the shorter side."""
CARD_MARGIN_SECONDS = 0.35
"""Seconds without text at the start and the end of a card."""


def format_captions(cues: Sequence[Cue], size: tuple[int, int], language: str, typefaces: Typefaces) -> str:
    """Return the cues as ASS for a film of `size`, width and height."""
    return format_ass(cues, caption_style(size, language), typefaces)


def caption_style(size: tuple[int, int], language: str) -> SubtitleStyle:
    """Return the style of captions for a film of `size`, width and height."""
    return SubtitleStyle("plain", *size, size=5.5, language=language)


def cut_captions(words: Sequence[Word], size: tuple[int, int], language: str, begins: float, ends: float) -> list[Cue]:
    """Return words as cues that end by `ends`. The times of the words are relative to `begins`, in seconds."""
    moved = [replace(word, start=word.start + begins, end=word.end + begins) for word in words]
    cues = cut_cues(moved, caption_style(size, language).line_cells, language)
    return [replace(cue, end=min(cue.end, ends)) for cue in cues if cue.start < ends]


def format_card(text: str, seconds: float, size: tuple[int, int], height: float, typefaces: Typefaces) -> str:
    """Return the lines of `text` as ASS, centred in the frame. `height` is the letter height in percent."""
    wanted = SubtitleStyle("plain", *size, size=height, place="middle", language=guess_language(text))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    words = tuple((Word(line, CARD_MARGIN_SECONDS, seconds - CARD_MARGIN_SECONDS),) for line in lines)
    return format_ass(
        [Cue(CARD_MARGIN_SECONDS, max(seconds - CARD_MARGIN_SECONDS, 2 * CARD_MARGIN_SECONDS), words)],
        wanted,
        typefaces,
        fade=True,
    )
