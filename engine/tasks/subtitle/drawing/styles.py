"""Write cues as ASS (Advanced SubStation Alpha) in four styles, for libass to draw over a video."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.tasks.subtitle.cues import Cue, Style, Word
from engine.tasks.subtitle.drawing.fitting import Line, TextArea
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
SIZE_PERCENT = {"plain": 5.5, "boxed": 5.0, "karaoke": 6.0, "large": 9.0}
"""Height of the letters in each style, as a percentage of the shorter side of the picture."""
FONTS = {"sans": LATIN, "serif": SERIF}
ALIGNMENTS = {"bottom": 2, "middle": 5, "top": 8}
"""ASS alignment numbers of the positions on the picture."""
FADE = r"{\fad(400,400)}"
"""Fade in and out, 0.4 s each."""
SPOKEN_WORD_COLOUR = "#ffd23f"
"""Colour of the word being spoken, in karaoke style."""
TRANSLATION_COLOUR = "#ffe9a8"
"""Colour of the translation below the original."""
HIDDEN_LETTER = rf"{{\fn{LATIN}\fs1\bord0\shad0\alpha&HFF&}}a"
"""An invisible letter for cues without any letters.

libass gives symbols the script of the letters around them. Without a letter it shapes each part of a joined emoji
separately.
"""
WORD_JOINER = "\u2060"
"""Stops libass from reading a backslash together with the character after it."""
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
    """The appearance of subtitles on a picture of `width` x `height` pixels.

    `size` is a percentage of the shorter side of the picture; None means the size of the style.
    """

    style: str
    width: int
    height: int
    size: float | None = None
    colour: str = "white"
    place: str = "bottom"
    language: str = "en"
    font: str = "sans"

    @property
    def family(self) -> str:
        """Font family for Latin letters."""
        return FONTS[self.font]

    @property
    def is_bold(self) -> bool:
        """Whether all text is bold."""
        return self.style in {"karaoke", "large"}

    @property
    def outline(self) -> float:
        """Width of the outline in pixels. For a box, the distance from the letters to its edge."""
        return self.letter_pixels * (0.25 if self.style == "boxed" else 0.08)

    @property
    def side_margin(self) -> int:
        """Distance in pixels from the text to the left and right edges of the picture."""
        return round(self.width * 0.05)

    @property
    def margin(self) -> int:
        """Distance in pixels from the text to the top or bottom edge of the picture."""
        return round(self.height * (0.09 if self.style == "boxed" else 0.06))

    @property
    def letter_pixels(self) -> float:
        """Height of the letters in pixels."""
        return max(8.0, (self.size or SIZE_PERCENT[self.style]) / 100 * min(self.width, self.height))

    @property
    def line_cells(self) -> int:
        """Width of a line in cells, from 10 to 42. A letter is about half as wide as it is high."""
        return max(10, min(42, int(self.width * 0.88 / (self.letter_pixels * 0.52))))


def format_ass(
    cues: Sequence[Cue],
    style: SubtitleStyle,
    typefaces: Typefaces,
    *,
    fade: bool = False,
    check: Callable[[], None] = lambda: None,
) -> str:
    """Return a complete ASS file with lines that fit the frame. With `fade`, each cue fades in and out.

    `check` is called once per cue and may raise, like `Context.check`. PlayRes is the size of the picture in pixels.
    """
    writer, events = _EventWriter(style, typefaces, check), list[str]()
    for cue in cues:
        events.append(_dialogue_line(cue.start, cue.end, FADE * fade + writer.format_cue(cue)))
    return HEADER.format(**_style_fields(style, typefaces)) + "".join(f"{line}\n" for line in events)


def _style_fields(style: SubtitleStyle, typefaces: Typefaces) -> dict[str, str | int | float]:
    boxed = style.style == "boxed"
    return {
        "width": style.width,
        "height": style.height,
        "family": style.family,
        "pixels": style.letter_pixels * typefaces.line_height(style.family),
        "colour": _style_colour(COLOURS.get(style.colour, style.colour)),
        "edge": _style_colour("#000000", 0x50 if boxed else 0),
        "back": _style_colour("#000000", 0x50 if boxed else 0x90),
        "bold": -1 if style.is_bold else 0,
        "border": 4 if boxed else 1,
        "outline": style.outline,
        "shadow": 0 if boxed else style.letter_pixels * 0.04,
        "place": ALIGNMENTS[style.place],
        "side": style.side_margin,
        "margin": style.margin,
    }


class _EventWriter:
    """Formats cues as ASS events in one style."""

    def __init__(self, style: SubtitleStyle, typefaces: Typefaces, check: Callable[[], None]) -> None:
        self._subtitle_style = style
        self._typefaces = typefaces
        width = style.width - 2 * (style.side_margin + style.outline)
        height = style.height - 2 * (style.margin + style.outline)
        self._area = TextArea(
            width / style.letter_pixels,
            height / style.letter_pixels,
            typefaces,
            style.language,
            style.family,
            bold=style.is_bold,
            check=check,
        )

    def format_cue(self, cue: Cue) -> str:
        """Return the text of the event for a cue."""
        fitted = self._area.fit(cue, Style(colour=TRANSLATION_COLOUR))
        place = f"{{\\an{cue.place}}}" if cue.place else ""
        lit = _spoken_times(cue, fitted.lines) if self._subtitle_style.style == "karaoke" else {}
        lines = (
            "".join(self._format_word(word, fitted.scale, lit.get(id(word))) for word in line) for line in fitted.lines
        )
        has_letters = any(letter.isalpha() for line in fitted.lines for word in line for letter in word.text)
        return place + "\\N".join(lines) + HIDDEN_LETTER * (not has_letters)

    def _format_word(self, word: Word, scale: float, lit: tuple[int, int] | None) -> str:
        """Return a word with its tags. The space before it is neither underlined nor struck through."""
        text = word.text.lstrip()
        space = word.text[: len(word.text) - len(text)]
        tags = self._style_tags(word.style) + (self._highlight_tags(word.style, *lit) if lit else "")
        return self._space(space, scale) + f"{{{tags}}}{self._with_fonts(text, scale)}"

    def _space(self, text: str, scale: float) -> str:
        return f"{{\\u0\\s0}}{self._with_fonts(text, scale)}" if text else ""

    def _with_fonts(self, text: str, scale: float) -> str:
        runs = self._typefaces.split_runs(text, self._subtitle_style.language, self._subtitle_style.family)
        return "".join(f"{{{self._font(family, scale)}}}{_escape(piece)}" for family, piece in runs)

    def _style_tags(self, style: Style) -> str:
        bold = self._subtitle_style.is_bold or style.bold
        colour = _tag_colour(style.colour or self._colour())
        return f"\\b{bold:d}\\i{style.italic:d}\\u{style.underline:d}\\s{style.strike:d}\\1c{colour}"

    def _highlight_tags(self, style: Style, start: int, end: int) -> str:
        """Return the tags that highlight a word between two times, in milliseconds from the start of the cue.

        One event holds all words of a cue, so the file grows linearly with the text.
        """
        usual, lit = _tag_colour(style.colour or self._colour()), f"\\1c{_tag_colour(SPOKEN_WORD_COLOUR)}"
        begins = f"\\t({start},{start},{lit})" if start else lit  # libass reads an end of 0 as the end of the event
        return f"{begins}\\t({end},{end},\\1c{usual})"

    def _colour(self) -> str:
        return COLOURS.get(self._subtitle_style.colour, self._subtitle_style.colour)

    def _font(self, family: str, scale: float) -> str:
        size = self._subtitle_style.letter_pixels * scale * self._typefaces.line_height(family)
        return f"\\fn{family}\\fs{size:.1f}"


def _spoken_times(cue: Cue, lines: Sequence[Line]) -> dict[int, tuple[int, int]]:
    """Return when each word of the cue is highlighted, keyed by its `id`, in milliseconds from the start of the cue.

    A word is highlighted until the next one starts, the first one from the start of the cue and the last one until its
    end.
    """
    words = [word for line in lines for word in line if word.style.colour != TRANSLATION_COLOUR]
    starts = [cue.start, *(min(max(word.start, cue.start), cue.end) for word in words[1:])]
    spans = zip(words, starts, [*starts[1:], cue.end], strict=True)
    return {
        id(word): (round((start - cue.start) * 1000), round((end - cue.start) * 1000))
        for word, start, end in spans
        if end > start
    }


def _escape(text: str) -> str:
    """Return text that libass shows as written, escaped like FFmpeg's `ff_ass_bprint_text_event`."""
    text = text.replace("\\", f"\\{WORD_JOINER}").replace("{", "\\{").replace("}", "\\}")
    return " ".join(text.splitlines()) if "\n" in text or "\r" in text else text


def _dialogue_line(start: float, end: float, text: str) -> str:
    return f"Dialogue: 0,{_format_time(start)},{_format_time(end)},Cue,,0,0,0,,{text}"


def _centiseconds(seconds: float) -> int:
    return round(seconds * 100)


def _format_time(seconds: float) -> str:
    minutes, rest = divmod(_centiseconds(seconds), 6000)
    return f"{minutes // 60}:{minutes % 60:02}:{rest // 100:02}.{rest % 100:02}"


def _style_colour(rgb: str, transparency: int = 0) -> str:
    """Return `#rrggbb` as ASS writes the colours of a style: &HAABBGGRR."""
    return f"&H{transparency:02X}{rgb[5:7]}{rgb[3:5]}{rgb[1:3]}".upper()


def _tag_colour(rgb: str) -> str:
    """Return `#rrggbb` as ASS writes colours in tags: &HBBGGRR&."""
    return f"&H{rgb[5:7]}{rgb[3:5]}{rgb[1:3]}&".upper()
