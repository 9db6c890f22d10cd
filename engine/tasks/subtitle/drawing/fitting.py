"""Lines that fit the frame, measured with the fonts that draw them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from engine.tasks.subtitle.cues import Cue, Style, Word
from engine.tasks.subtitle.drawing.fonts import BOLD, LATIN, REGULAR
from engine.tasks.subtitle.drawing.line_breaking import pack, split_until
from engine.tasks.subtitle.drawing.typefaces import Typefaces

SCALES = (1.0, 0.85, 0.7, 0.55, 0.42, 0.32, 0.25, 0.18)
"""How much smaller letters become where the lines would be higher than the frame."""

Line = tuple[Word, ...]


@dataclass(frozen=True)
class Fitted:
    """The lines of a cue as they are drawn, with letters of `scale` times their size."""

    lines: tuple[Line, ...]
    scale: float


@dataclass(frozen=True)
class Room:
    """The room for text, in ems of the letters' size, and the fonts that fill it.

    `check` is called before each try and may raise, as `Context.check` does.
    """

    width: float
    height: float
    typefaces: Typefaces
    language: str
    latin: str = LATIN
    bold: bool = False
    check: Callable[[], None] = lambda: None

    def fit(self, cue: Cue, second: Style) -> Fitted:
        """Return the cue's lines, and under them its translation in the style `second`, so that all of it is seen."""
        lines = (*cue.lines, *((Word(text, cue.start, cue.end, second),) for text in cue.second))
        for scale in SCALES:
            self.check()
            fitted = Fitted(self._wrapped(lines, scale), scale)
            if self._height(fitted.lines) * scale <= self.height or scale == SCALES[-1]:
                return fitted
        raise AssertionError("the last scale is taken")

    def _height(self, lines: Sequence[Line]) -> float:
        return sum(
            max((self.typefaces.height(family) for word in line for family, _ in self._runs(word.text)), default=0.0)
            for line in lines
        )

    def _wrapped(self, lines: Sequence[Line], scale: float) -> tuple[Line, ...]:
        limit = self.width / scale
        return tuple(part for line in lines for part in self._wrap(line, limit))

    def _wrap(self, line: Line, limit: float) -> list[Line]:
        if sum(map(self._measure, line)) <= limit:
            return [line]
        pieces = [piece for word in line for piece in self._split(word, limit)]
        return [_without_space(part) for part in pack(pieces, [self._measure(piece) for piece in pieces], limit)]

    def _split(self, word: Word, limit: float) -> list[Word]:
        """Return a word in pieces that fit a line, which share its time."""

        def measure(text: str) -> float:
            return self._measure(replace(word, text=text))

        texts = [part for part in _words(word.text) for part in split_until(part, measure, limit, self.language)]
        step = (word.end - word.start) / max(1, len(word.text))
        pieces, at = list[Word](), word.start
        for text in texts:
            pieces.append(replace(word, text=text, start=at, end=at + step * len(text)))
            at = pieces[-1].end
        return pieces

    def _measure(self, word: Word) -> float:
        return self.typefaces.width(self._runs(word.text), BOLD if self.bold or word.style.bold else REGULAR)

    def _runs(self, text: str) -> list[tuple[str, str]]:
        return list(self.typefaces.runs(text, self.language, self.latin))


def _words(text: str) -> list[str]:
    """Return `text` split before its spaces, which is more than one piece for a card or a translation."""
    first, *others = text.lstrip().split(" ")
    lead = text[: len(text) - len(text.lstrip())]
    return [lead + first, *(f" {other}" for other in others)]


def _without_space(line: Sequence[Word]) -> Line:
    return (replace(line[0], text=line[0].text.lstrip()), *line[1:])
