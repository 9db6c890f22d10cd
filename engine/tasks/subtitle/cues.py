"""The values that subtitles are made of: styled words with times, and the cues that show them.

The limits follow the BBC Subtitle Guidelines and the Netflix Timed Text Style Guide: 42 characters a line, two lines,
17 characters a second, 0.8 to 7 seconds on screen.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

LINE_CELLS = 42
"""Maximum width of a line, in cells. A Chinese, Japanese or Korean character takes two cells."""
CHARACTERS_PER_SECOND = 17.0
"""Reading speed, in characters per second."""
MIN_CUE_SECONDS, MAX_CUE_SECONDS = 0.8, 7.0
"""Shortest and longest time that a cue stays on screen."""


@dataclass(frozen=True)
class Style:
    """How a word is drawn. `colour` is `#rrggbb`, or "" for the default colour."""

    italic: bool = False
    bold: bool = False
    underline: bool = False
    strike: bool = False
    colour: str = ""


PLAIN = Style()


@dataclass(frozen=True)
class Word:
    """A word as it is written, including any space before it. `start` and `end` are in seconds."""

    text: str
    start: float
    end: float
    style: Style = PLAIN
    ends_sentence: bool = field(default=False, compare=False)
    """Whether a sentence ends with this word. `cut_cues` sets the field and ignores its previous value."""


@dataclass(frozen=True)
class Cue:
    """The text on screen from `start` to `end`, in seconds.

    `lines` holds the words of each line; `second` holds the lines of a translation. `place` is the position on screen,
    numbered like a numeric keypad (2 is bottom centre, 8 is top centre), or 0 if it is not specified.
    """

    start: float
    end: float
    lines: tuple[tuple[Word, ...], ...]
    second: tuple[str, ...] = ()
    place: int = 0

    @property
    def text(self) -> str:
        """All lines of the cue, with the translation last, joined by newlines."""
        return "\n".join((*(join_words(line) for line in self.lines), *self.second))


def join_words(words: Sequence[Word]) -> str:
    """Return the words as one string, without leading or trailing spaces."""
    return "".join(word.text for word in words).strip()


def count_cells(text: str) -> int:
    """Return the width of `text` in cells. Wide characters count as two, combining marks as none."""
    marks = ("Mn", "Me", "Cf")
    return sum(
        2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
        if unicodedata.category(letter) not in marks
    )
