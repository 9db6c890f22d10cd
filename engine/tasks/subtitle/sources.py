"""What is written under a recording: heard from it, or given by the person."""

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from engine.tasks.subtitle.cues import LINE_CELLS, Cue, Word, cells, join_words
from engine.tasks.subtitle.cutting import cut
from engine.tasks.subtitle.whisper import Transcript

Check = Callable[[], None]

LEAST = 0.1
"""Seconds that a cue is shown, however late it begins."""


class Speech(Protocol):
    """`cues` cuts it for lines of so many cells and asks `check` meanwhile, which may raise; `language` is its code."""

    @property
    def language(self) -> str: ...

    def cues(self, check: Check, line: int = LINE_CELLS) -> list[Cue]: ...


@dataclass(frozen=True)
class TranscribedSubtitles:
    """A transcript, and its translation where both are shown."""

    transcript: Transcript
    english: Transcript | None = None

    @property
    def language(self) -> str:
        return self.transcript.language

    def cues(self, check: Check, line: int = LINE_CELLS) -> list[Cue]:
        cut_cues = cut(self.transcript.words, line, self.transcript.language, check)
        cues = within(cut_cues, self.transcript.seconds)
        return under(cues, self.english.words, line) if self.english else cues


@dataclass(frozen=True)
class UserSubtitles:
    """The person's own cues: their words, lines and times stand. Where they are drawn, they are fitted to the frame."""

    given: tuple[Cue, ...]
    language: str

    def cues(self, check: Check, line: int = LINE_CELLS) -> list[Cue]:  # noqa: ARG002  # what is heard is cut for it
        return list(self.given)


def within(cues: Sequence[Cue], seconds: float | None) -> list[Cue]:
    """Return the cues with none beyond `seconds`, the end of the sound: what stays to be read ends there too."""
    if seconds is None:
        return list(cues)
    end = math.floor(seconds * 1000) / 1000
    return [replace(cue, start=min(cue.start, max(0.0, end - LEAST)), end=min(cue.end, end)) for cue in cues]


def under(cues: Sequence[Cue], words: Sequence[Word], line: int) -> list[Cue]:
    """Return the cues with each of `words`, a translation, under the cue that is nearest in time.

    The cues are in order and do not overlap.
    """
    held: list[list[Word]] = [[] for _ in cues]
    starts = [cue.start for cue in cues]
    for word in words if cues else ():
        middle = (word.start + word.end) / 2
        last = max(0, bisect_right(starts, middle) - 1)
        near = range(last, min(last + 2, len(cues)))
        nearest = min(near, key=lambda at: max(cues[at].start - middle, middle - cues[at].end, 0.0))
        held[nearest].append(word)
    return [replace(cue, second=tuple(wrap_text(join_words(mine), line))) for cue, mine in zip(cues, held, strict=True)]


def wrap_text(text: str, line: int) -> list[str]:
    """`text` in as few lines as hold it, about equally long."""
    words = text.split()
    count = max(1, -(-cells(text) // line))
    target = max(cells(text) / count, max(map(cells, words), default=0))
    lines: list[str] = []
    for word in words:
        if lines and cells(lines[-1]) + cells(word) + 1 <= min(line, target * 1.15):
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
