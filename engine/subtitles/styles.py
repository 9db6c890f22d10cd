"""Cues as ASS (Advanced SubStation Alpha) in four styles, as libass draws them over a video."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.subtitles.cues import Cue, Word, joined
from engine.subtitles.fonts import HEIGHTS, LATIN, SERIF, runs

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
class Look:
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
    def pixels(self) -> float:
        return max(8.0, (self.size or SIZES[self.style]) / 100 * min(self.width, self.height))

    @property
    def line(self) -> int:
        """How many cells of a line the picture holds: a letter is about half as wide as it is high."""
        return max(10, min(42, int(self.width * 0.88 / (self.pixels * 0.52))))


def ass(cues: Sequence[Cue], look: Look, *, fade: bool = False) -> str:
    """The whole ASS file. With `fade` each cue comes and goes softly."""
    events = (_event(start, end, FADE * fade + text) for cue in cues for start, end, text in _events(cue, look))
    return HEADER.format(**_style(look)) + "".join(f"{line}\n" for line in events)


def _style(look: Look) -> dict[str, str | int | float]:
    boxed = look.style == "boxed"
    return {
        "width": look.width,
        "height": look.height,
        "family": look.latin,
        "pixels": look.pixels * HEIGHTS[look.latin],
        "colour": _colour(COLOURS.get(look.colour, look.colour)),
        "edge": _colour("#000000", 0x50 if boxed else 0),
        "back": _colour("#000000", 0x50 if boxed else 0x90),
        "bold": -1 if look.style in {"karaoke", "large"} else 0,
        "border": 4 if boxed else 1,
        "outline": look.pixels * (0.25 if boxed else 0.08),
        "shadow": 0 if boxed else look.pixels * 0.04,
        "place": PLACES[look.place],
        "side": round(look.width * 0.05),
        "margin": round(look.height * (0.09 if boxed else 0.06)),
    }


def _events(cue: Cue, look: Look) -> Iterator[tuple[float, float, str]]:
    if look.style != "karaoke":
        yield cue.start, cue.end, _text(cue, look, None)
        return
    words = [word for line in cue.lines for word in line]
    starts = [cue.start, *(min(max(word.start, cue.start), cue.end) for word in words[1:])]
    for word, start, end in zip(words, starts, [*starts[1:], cue.end], strict=True):
        if _centiseconds(end) > _centiseconds(start):
            yield start, end, _text(cue, look, word)


def _text(cue: Cue, look: Look, lit: Word | None) -> str:
    lines = [_line(line, look, lit) for line in cue.lines]
    lines += [f"{{\\c{_tag_colour(SECOND)}}}{_fonted(line, look)}" for line in cue.second]
    return "\\N".join(lines)


def _line(words: Sequence[Word], look: Look, lit: Word | None) -> str:
    if lit is None or not any(word is lit for word in words):
        return _fonted(joined(words), look)
    on, off = f"{{\\c{_tag_colour(LIT)}}}", f"{{\\c{_tag_colour(COLOURS.get(look.colour, look.colour))}}}"
    parts = []
    for index, word in enumerate(words):
        text = word.text if index else word.text.lstrip()
        drawn = _fonted(text, look)
        parts.append(f"{on}{drawn}{off}" if word is lit else drawn)
    return "".join(parts)


def _fonted(text: str, look: Look) -> str:
    """The text with its fonts, all of one size of letters."""
    return "".join(
        f"{{{_font(family, look)}}}{_safe(piece)}" for family, piece in runs(text, look.language, look.latin)
    )


def _font(family: str, look: Look) -> str:
    """Noto's CJK file begins at its thinnest weight, so its letters are made bold; other fonts have the style's."""
    weight = "\\b1" if "CJK" in family else "\\b"
    return f"\\fn{family}\\fs{look.pixels * HEIGHTS[family]:.0f}{weight}"


def _safe(text: str) -> str:
    """Text that libass shows as it stands, escaped as FFmpeg's `ff_ass_bprint_text_event` does."""
    text = text.replace("\\", f"\\{WORD_JOINER}").replace("{", "\\{").replace("}", "\\}")
    return " ".join(text.splitlines()) if "\n" in text or "\r" in text else text


def _event(start: float, end: float, text: str) -> str:
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
