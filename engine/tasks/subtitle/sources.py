"""Where subtitles come from: a transcript of the recording, or a file from the user."""

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from engine.tasks.subtitle.cues import LINE_CELLS, Cue, Word, count_cells, join_words
from engine.tasks.subtitle.cutting import cut_cues
from engine.tasks.subtitle.whisper import Transcript

Check = Callable[[], None]
"""Called regularly during long work. It may raise to stop, like `Context.check`."""

MIN_SHOWN_SECONDS = 0.1
"""Minimum time on screen for a cue that starts just before the recording ends."""


class SubtitleSource(Protocol):
    """Anything that provides cues."""

    @property
    def language(self) -> str:
        """ISO 639-1 code of the text."""

    def cues(self, check: Check, line_cells: int = LINE_CELLS) -> list[Cue]:
        """Return the cues for lines of at most `line_cells` cells. `check` is called meanwhile and may raise."""


@dataclass(frozen=True)
class TranscribedSubtitles:
    """Cues cut from a transcript, with an English translation below if there is one."""

    transcript: Transcript
    english: Transcript | None = None

    @property
    def language(self) -> str:
        """ISO 639-1 code of the transcript."""
        return self.transcript.language

    def cues(self, check: Check, line_cells: int = LINE_CELLS) -> list[Cue]:
        """Return the transcript as cues for lines of at most `line_cells` cells."""
        cues = cut_cues(self.transcript.words, line_cells, self.transcript.language, check)
        cues = clip_to_end(cues, self.transcript.seconds)
        return add_translation(cues, self.english.words, line_cells) if self.english else cues


@dataclass(frozen=True)
class UserSubtitles:
    """Cues from the user's file. Words, lines and times stay as they are; drawing fits the lines to the frame."""

    own_cues: tuple[Cue, ...]
    language: str

    def cues(self, check: Check, line_cells: int = LINE_CELLS) -> list[Cue]:  # noqa: ARG002  # user's lines are not cut again
        """Return the user's cues unchanged."""
        return list(self.own_cues)


def clip_to_end(cues: Sequence[Cue], seconds: float | None) -> list[Cue]:
    """Return the cues with none after `seconds`, the end of the recording. Extra reading time is cut off there too."""
    if seconds is None:
        return list(cues)
    end = math.floor(seconds * 1000) / 1000
    return [
        replace(cue, start=min(cue.start, max(0.0, end - MIN_SHOWN_SECONDS)), end=min(cue.end, end)) for cue in cues
    ]


def add_translation(cues: Sequence[Cue], words: Sequence[Word], line: int) -> list[Cue]:
    """Return the cues with each of `words`, a translation, below the cue nearest in time.

    The cues must be in order and must not overlap. `line` is the maximum width of a line in cells.
    """
    words_of_cue: list[list[Word]] = [[] for _ in cues]
    starts = [cue.start for cue in cues]
    for word in words if cues else ():
        middle = (word.start + word.end) / 2
        last = max(0, bisect_right(starts, middle) - 1)
        near = range(last, min(last + 2, len(cues)))
        nearest = min(near, key=lambda at: max(cues[at].start - middle, middle - cues[at].end, 0.0))
        words_of_cue[nearest].append(word)
    return [
        replace(cue, second=tuple(wrap_text(join_words(own), line)))
        for cue, own in zip(cues, words_of_cue, strict=True)
    ]


def wrap_text(text: str, line: int) -> list[str]:
    """Return `text` in as few lines of at most `line` cells as possible, of about equal length."""
    words = text.split()
    count = max(1, -(-count_cells(text) // line))
    target = max(count_cells(text) / count, max(map(count_cells, words), default=0))
    lines: list[str] = []
    for word in words:
        if lines and count_cells(lines[-1]) + count_cells(word) + 1 <= min(line, target * 1.15):
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
