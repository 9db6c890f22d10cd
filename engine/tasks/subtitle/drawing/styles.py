"""Cues as ASS (Advanced SubStation Alpha) in four styles, as libass draws them over a video."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.tasks.subtitle.cues import Cue, Style, Word
from engine.tasks.subtitle.drawing.fitting import Line, Room
from engine.tasks.subtitle.drawing.fonts import LATIN, SERIF
from engine.tasks.subtitle.drawing.typefaces import Typefaces

COLOURS = {
    "white": "#ffffff",
    "yellow": "#ffe14d",
    "cyan": "#6fe7ff",
    "green": "#7dff8a",
    "pink": "#ff9ecb",
    "orange": "#ffb04d",
    "black": "#000000",
}
SIZES = {"plain": 5.5, "boxed": 5.0, "karaoke": 6.0, "large": 9.0}
"""Height of the letters by style, in percent of the picture's shorter side."""
FONTS = {"sans": LATIN, "serif": SERIF}
PLACES = {"bottom": 2, "middle": 5, "top": 8}
"""ASS's numbers for where a text stands on the picture."""
FADE = r"{\fad(400,400)}"
LIT = "#ffd23f"
"""The colour of the word that is spoken, in karaoke."""
SECOND = "#ffe9a8"
"""The colour of the translation under the speech."""
HIDDEN_LETTER = rf"{{\fn{LATIN}\fs1\bord0\shad0\alpha&HFF&}}a"
"""libass gives signs the script of the letters around them; without any it shapes each sign of a joined emoji alone."""
WORD_JOINER = "\u2060"
HEADER = """[Script Info]
ScriptType: v4.00+
PlayResX: {width}
PlayResY: {height}
WrapStyle: 0
ScaledBorderAndShadow: yes

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, \
StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Cue,{family},{pixels:.0f},{colour},{colour},{edge},{back},{bold},0,0,0,100,100,0,0,{border},{outline:.1f},\
{shadow:.1f},{place},{side},{side},{margin},-1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


@dataclass(frozen=True)
class SubtitleStyle:
    """How subtitles look on a picture of `width` x `height` pixels. `size` is in percent of its shorter side."""

    style: str
    width: int
    height: int
    size: float | None = None
    colour: str = "white"
    place: str = "bottom"
    language: str = "en"
    font: str = "sans"

    @property
    def latin(self) -> str:
        return FONTS[self.font]

    @property
    def is_bold(self) -> bool:
        return self.style in {"karaoke", "large"}

    @property
    def outline(self) -> float:
        """Pixels around letters; of a box, from the letters to its edge."""
        return self.pixels * (0.25 if self.style == "boxed" else 0.08)

    @property
    def side(self) -> int:
        return round(self.width * 0.05)

    @property
    def margin(self) -> int:
        return round(self.height * (0.09 if self.style == "boxed" else 0.06))

    @property
    def pixels(self) -> float:
        return max(8.0, (self.size or SIZES[self.style]) / 100 * min(self.width, self.height))

    @property
    def line(self) -> int:
        """How many cells of a line the picture holds: a letter is about half as wide as it is high."""
        return max(10, min(42, int(self.width * 0.88 / (self.pixels * 0.52))))


def ass(
    cues: Sequence[Cue],
    style: SubtitleStyle,
    typefaces: Typefaces,
    *,
    fade: bool = False,
    check: Callable[[], None] = lambda: None,
) -> str:
    """Return the whole ASS file, its lines fitted to the frame. With `fade` each cue comes and goes softly.

    `check` is called for each cue and may raise, as `Context.check` does. PlayRes is the picture's size in pixels.
    """
    drawing, events = _Drawing(style, typefaces, check), list[str]()
    for cue in cues:
        events.append(_dialogue_line(cue.start, cue.end, FADE * fade + drawing.text(cue)))
    return HEADER.format(**_style(style, typefaces)) + "".join(f"{line}\n" for line in events)


def _style(style: SubtitleStyle, typefaces: Typefaces) -> dict[str, str | int | float]:
    boxed = style.style == "boxed"
    return {
        "width": style.width,
        "height": style.height,
        "family": style.latin,
        "pixels": style.pixels * typefaces.height(style.latin),
        "colour": _colour(COLOURS.get(style.colour, style.colour)),
        "edge": _colour("#000000", 0x50 if boxed else 0),
        "back": _colour("#000000", 0x50 if boxed else 0x90),
        "bold": -1 if style.is_bold else 0,
        "border": 4 if boxed else 1,
        "outline": style.outline,
        "shadow": 0 if boxed else style.pixels * 0.04,
        "place": PLACES[style.place],
        "side": style.side,
        "margin": style.margin,
    }


class _Drawing:
    """Writes cues as events of one look."""

    def __init__(self, style: SubtitleStyle, typefaces: Typefaces, check: Callable[[], None]) -> None:
        self._look = style
        self._typefaces = typefaces
        width = style.width - 2 * (style.side + style.outline)
        height = style.height - 2 * (style.margin + style.outline)
        self._room = Room(
            width / style.pixels,
            height / style.pixels,
            typefaces,
            style.language,
            style.latin,
            bold=style.is_bold,
            check=check,
        )

    def text(self, cue: Cue) -> str:
        fitted = self._room.fit(cue, Style(colour=SECOND))
        place = f"{{\\an{cue.place}}}" if cue.place else ""
        lit = _lit(cue, fitted.lines) if self._look.style == "karaoke" else {}
        lines = ("".join(self._word(word, fitted.scale, lit.get(id(word))) for word in line) for line in fitted.lines)
        has_letters = any(letter.isalpha() for line in fitted.lines for word in line for letter in word.text)
        return place + "\\N".join(lines) + HIDDEN_LETTER * (not has_letters)

    def _word(self, word: Word, scale: float, lit: tuple[int, int] | None) -> str:
        """Return a word with its tags; the space before it is neither underlined nor struck."""
        text = word.text.lstrip()
        space = word.text[: len(word.text) - len(text)]
        tags = self._tags(word.style) + (self._glow(word.style, *lit) if lit else "")
        return self._plain(space, scale) + f"{{{tags}}}{self._fonted(text, scale)}"

    def _plain(self, text: str, scale: float) -> str:
        return f"{{\\u0\\s0}}{self._fonted(text, scale)}" if text else ""

    def _fonted(self, text: str, scale: float) -> str:
        runs = self._typefaces.runs(text, self._look.language, self._look.latin)
        return "".join(f"{{{self._font(family, scale)}}}{_safe(piece)}" for family, piece in runs)

    def _tags(self, style: Style) -> str:
        bold = self._look.is_bold or style.bold
        colour = _tag_colour(style.colour or self._colour())
        return f"\\b{bold:d}\\i{style.italic:d}\\u{style.underline:d}\\s{style.strike:d}\\1c{colour}"

    def _glow(self, style: Style, start: int, end: int) -> str:
        """Return tags that light a word between two times, in milliseconds from the cue's start.

        One event holds all words of a cue, so that the file grows with the text and not with its square.
        """
        back, lit = _tag_colour(style.colour or self._colour()), f"\\1c{_tag_colour(LIT)}"
        begins = f"\\t({start},{start},{lit})" if start else lit  # an end of 0 means the end of the event
        return f"{begins}\\t({end},{end},\\1c{back})"

    def _colour(self) -> str:
        return COLOURS.get(self._look.colour, self._look.colour)

    def _font(self, family: str, scale: float) -> str:
        size = self._look.pixels * scale * self._typefaces.height(family)
        return f"\\fn{family}\\fs{size:.1f}"


def _lit(cue: Cue, lines: Sequence[Line]) -> dict[int, tuple[int, int]]:
    """Return when each word of the cue is lit, by its identity, in milliseconds from the cue's start.

    A word is lit until the next one begins, the first from the cue's start and the last until its end.
    """
    words = [word for line in lines for word in line if word.style.colour != SECOND]
    starts = [cue.start, *(min(max(word.start, cue.start), cue.end) for word in words[1:])]
    spans = zip(words, starts, [*starts[1:], cue.end], strict=True)
    return {
        id(word): (round((start - cue.start) * 1000), round((end - cue.start) * 1000))
        for word, start, end in spans
        if end > start
    }


def _safe(text: str) -> str:
    """Text that libass shows as it stands, escaped as FFmpeg's `ff_ass_bprint_text_event` does."""
    text = text.replace("\\", f"\\{WORD_JOINER}").replace("{", "\\{").replace("}", "\\}")
    return " ".join(text.splitlines()) if "\n" in text or "\r" in text else text


def _dialogue_line(start: float, end: float, text: str) -> str:
    return f"Dialogue: 0,{_time(start)},{_time(end)},Cue,,0,0,0,,{text}"


def _centiseconds(seconds: float) -> int:
    return round(seconds * 100)


def _time(seconds: float) -> str:
    minutes, rest = divmod(_centiseconds(seconds), 6000)
    return f"{minutes // 60}:{minutes % 60:02}:{rest // 100:02}.{rest % 100:02}"


def _colour(rgb: str, transparency: int = 0) -> str:
    """`#rrggbb` as ASS writes a style's colour: &HAABBGGRR."""
    return f"&H{transparency:02X}{rgb[5:7]}{rgb[3:5]}{rgb[1:3]}".upper()


def _tag_colour(rgb: str) -> str:
    return f"&H{rgb[5:7]}{rgb[3:5]}{rgb[1:3]}&".upper()
