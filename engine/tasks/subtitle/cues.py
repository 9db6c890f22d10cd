"""Words with times to cues, cut as a subtitler would: where clauses end, readable, never three lines.

The bounds are the usual ones of broadcasters and streaming services (BBC Subtitle Guidelines, Netflix Timed Text Style
Guide): 42 characters a line, two lines, 17 characters a second, 0.8 to 7 seconds, two frames between cues.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

LINE_CELLS = 42
"""Cells of a line; a Chinese, Japanese or Korean character takes two."""
CHARACTERS_PER_SECOND = 17.0
"""Characters a second that people read."""
MIN_CUE_SECONDS, MAX_CUE_SECONDS = 0.8, 7.0


@dataclass(frozen=True)
class Style:
    """How words differ from the rest. `colour` is `#rrggbb`, or empty for the rest's colour."""

    italic: bool = False
    bold: bool = False
    underline: bool = False
    strike: bool = False
    colour: str = ""


PLAIN = Style()


@dataclass(frozen=True)
class Word:
    """A word as it is written, with the space before it where its language has one. Times are in seconds."""

    text: str
    start: float
    end: float
    style: Style = PLAIN
    ends_sentence: bool = field(default=False, compare=False)
    """Set by `cut`, whatever it was before."""


@dataclass(frozen=True)
class Cue:
    """What is shown from `start` to `end`, in seconds. `lines` are its words by line; `second` is a translation.

    `place` is where it stands, numbered as a keypad is (2 is bottom centre, 8 is top centre); 0 where nobody said.
    """

    start: float
    end: float
    lines: tuple[tuple[Word, ...], ...]
    second: tuple[str, ...] = ()
    place: int = 0

    @property
    def text(self) -> str:
        return "\n".join((*(join_words(line) for line in self.lines), *self.second))


def join_words(words: Sequence[Word]) -> str:
    return "".join(word.text for word in words).strip()


def cells(text: str) -> int:
    """The width of `text` in cells of a line."""
    marks = ("Mn", "Me", "Cf")
    return sum(
        2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
        if unicodedata.category(letter) not in marks
    )
