"""Fit the lines of cues into the frame, measured with the fonts that draw them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from engine.tasks.subtitle.cues import Cue, Style, Word
from engine.tasks.subtitle.drawing.fonts import BOLD, LATIN, REGULAR
from engine.tasks.subtitle.drawing.line_breaking import pack, split_to_fit
from engine.tasks.subtitle.drawing.typefaces import Typefaces

SCALES = (1.0, 0.85, 0.7, 0.55, 0.42, 0.32, 0.25, 0.18)
"""Factors by which letters shrink, tried in order, when the lines are taller than the frame."""

Line = tuple[Word, ...]
"""The words of one line on screen."""


@dataclass(frozen=True)
class FittedCue:
    """The lines of a cue as they are drawn, with letters of `scale` times their normal size."""

    lines: tuple[Line, ...]
    scale: float


@dataclass(frozen=True)
class TextArea:
    """The area for text, in ems, and the fonts that are used in it.

    `check` is called before each scale is tried and may raise, like `Context.check`.
    """

    width: float
    height: float
    typefaces: Typefaces
    language: str
    latin: str = LATIN
    bold: bool = False
    check: Callable[[], None] = lambda: None

    def fit(self, cue: Cue, second: Style) -> FittedCue:
        """Return the lines of the cue, followed by its translation in the style `second`, scaled so that all of it is
        visible.
        """
        lines = (*cue.lines, *((Word(text, cue.start, cue.end, second),) for text in cue.second))
        for scale in SCALES:
            self.check()
            fitted = FittedCue(self._wrap_lines(lines, scale), scale)
            if self._height(fitted.lines) * scale <= self.height or scale == SCALES[-1]:
                return fitted
        raise AssertionError("the last scale is always used")

    def _height(self, lines: Sequence[Line]) -> float:
        return sum(
            max(
                (self.typefaces.line_height(family) for word in line for family, _ in self._runs(word.text)),
                default=0.0,
            )
            for line in lines
        )

    def _wrap_lines(self, lines: Sequence[Line], scale: float) -> tuple[Line, ...]:
        limit = self.width / scale
        return tuple(part for line in lines for part in self._wrap(line, limit))

    def _wrap(self, line: Line, limit: float) -> list[Line]:
        if sum(map(self._measure, line)) <= limit:
            return [line]
        pieces = [piece for word in line for piece in self._split(word, limit)]
        return [_strip_start(part) for part in pack(pieces, [self._measure(piece) for piece in pieces], limit)]

    def _split(self, word: Word, limit: float) -> list[Word]:
        """Return a word in pieces that fit on a line. The pieces share its time."""

        def measure(text: str) -> float:
            return self._measure(replace(word, text=text))

        texts = [
            part for part in _split_at_spaces(word.text) for part in split_to_fit(part, measure, limit, self.language)
        ]
        step = (word.end - word.start) / max(1, len(word.text))
        pieces, at = list[Word](), word.start
        for text in texts:
            pieces.append(replace(word, text=text, start=at, end=at + step * len(text)))
            at = pieces[-1].end
        return pieces

    def _measure(self, word: Word) -> float:
        return self.typefaces.measure(self._runs(word.text), BOLD if self.bold or word.style.bold else REGULAR)

    def _runs(self, text: str) -> list[tuple[str, str]]:
        return list(self.typefaces.split_runs(text, self.language, self.latin))


def _split_at_spaces(text: str) -> list[str]:
    """Return `text` split before its spaces. Only title cards and translations have more than one piece."""
    first, *others = text.lstrip().split(" ")
    lead = text[: len(text) - len(text.lstrip())]
    return [lead + first, *(f" {other}" for other in others)]


def _strip_start(line: Sequence[Word]) -> Line:
    return (replace(line[0], text=line[0].text.lstrip()), *line[1:])
