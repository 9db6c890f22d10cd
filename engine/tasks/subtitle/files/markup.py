r"""Parse the markup in the text of SRT and WebVTT cues: basic styles, positions and the times of words.

SRT has no specification. Players read the HTML tags `<i>`, `<b>`, `<u>`, `<s>` and `<font color>`, and a few ASS
overrides such as `{\an8}`. WebVTT cue text is defined in section 4.2.2 of its specification (W3C). Anything that only
resembles a tag, such as `a < b` or `{x}`, is kept as text.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from engine.tasks.subtitle.cues import PLAIN, Style
from engine.tasks.subtitle.files.timestamps import parse_time

TOKENS = re.compile(
    r"<(?P<end>/?)(?P<tag>[a-zA-Z]{1,8})(?P<about>[.\s][^<>\n]{0,200})?>"
    r"|<(?P<time>(?:\d{1,4}:)?\d{1,2}:\d{2}[.,]\d{1,3})>"
    r"|\{(?P<codes>\\[^{}\n]{1,200})\}"
)
COLOUR = re.compile(r"color\s{0,5}=\s{0,5}[\"']?(#?\w{1,20})", re.IGNORECASE)
CODE = re.compile(r"\\(an|a|i|b|u|s|1c|c)(&?H?[0-9A-Fa-f]{0,8}&?)$")
ENTITY = re.compile(r"&(?:(amp|lt|gt|quot|apos|nbsp|lrm|rlm)|#(\d{1,7})|#x([0-9a-fA-F]{1,6}));")
ENTITIES = {
    "amp": "&",
    "lt": "<",
    "gt": ">",
    "quot": '"',
    "apos": "'",
    "nbsp": "\u00a0",
    "lrm": "\u200e",
    "rlm": "\u200f",
}
STYLE_TAGS = {"i": "italic", "em": "italic", "b": "bold", "strong": "bold", "u": "underline", "s": "strike"}
"""Tags that set a style, with the field of `Style` that each one sets."""
IGNORED_TAGS = frozenset({"font", "c", "v", "lang", "ruby", "rt", "span"})
"""Tags that are removed from the text. Players do not show `<v NAME>` or `<lang>` either."""
COLOURS = {
    "white": "#ffffff",
    "black": "#000000",
    "red": "#ff0000",
    "lime": "#00ff00",
    "green": "#008000",
    "blue": "#0000ff",
    "yellow": "#ffff00",
    "cyan": "#00ffff",
    "aqua": "#00ffff",
    "magenta": "#ff00ff",
    "fuchsia": "#ff00ff",
    "orange": "#ffa500",
    "purple": "#800080",
    "gray": "#808080",
    "grey": "#808080",
    "silver": "#c0c0c0",
    "pink": "#ffc0cb",
}
"""CSS colours that subtitles name, including the eight colour classes of WebVTT."""
LEGACY_ALIGNMENTS = {1: 1, 2: 2, 3: 3, 5: 7, 6: 8, 7: 9, 9: 4, 10: 5, 11: 6}
r"""SSA's `\a` alignment numbers and the `\an` numbers they correspond to."""


@dataclass(frozen=True)
class Span:
    """Text in one style. `time` is the start of its first word in seconds, where the file gives it."""

    text: str
    style: Style = PLAIN
    time: float | None = None


@dataclass
class Markup:
    """Parses the text of one cue, line by line. A style stays open until its tag is closed, across lines too."""

    unknown: Callable[[str], None]
    """Called with each override that is recognised but cannot be drawn."""
    style: Style = PLAIN
    place: int = 0
    _open: list[tuple[str, Style]] = field(default_factory=list)
    _time: float | None = None

    def read(self, line: str) -> list[Span]:
        """Return the text of a line in spans of one style, with at most one time each."""
        spans, at = list[Span](), 0
        for token in TOKENS.finditer(line):
            if self._is_text(token):
                continue
            self._add(spans, line[at : token.start()])
            at = token.end()
            self._take(token)
        self._add(spans, line[at:])
        return spans

    def _is_text(self, token: re.Match[str]) -> bool:
        tag = token["tag"]
        return tag is not None and tag.lower() not in STYLE_TAGS and tag.lower() not in IGNORED_TAGS

    def _add(self, spans: list[Span], text: str) -> None:
        if text:
            spans.append(Span(unescape(text), self.style, self._time))
            self._time = None

    def _take(self, token: re.Match[str]) -> None:
        if token["time"]:
            self._time = parse_time(token["time"])
        elif token["codes"]:
            self._override(token["codes"])
        elif token["end"]:
            self._close(token["tag"].lower())
        else:
            tag = token["tag"].lower()
            self._open.append((tag, self.style))
            self.style = apply_tag(self.style, tag, token["about"] or "")

    def _close(self, tag: str) -> None:
        if any(tag == name for name, _ in self._open):
            while self._open:
                name, self.style = self._open.pop()
                if name == tag:
                    return

    def _override(self, codes: str) -> None:
        for code in re.findall(r"\\[^\\]*", codes):
            known = CODE.match(code.strip())
            if known is None or not self._obey(known[1], known[2]):
                self.unknown(f"{{{code}}}")

    def _obey(self, name: str, value: str) -> bool:
        """Apply one ASS override. Return whether it is valid."""
        if name in {"an", "a"}:
            number = int(value) if value.isdigit() else 0
            place = number if name == "an" else LEGACY_ALIGNMENTS.get(number, 0)
            self.place = self.place or (place if place <= 9 else 0)
            return 1 <= place <= 9
        if name in {"c", "1c"}:
            digits = value.strip("&H").rjust(6, "0")[-6:]
            self.style = replace(self.style, colour=f"#{digits[4:]}{digits[2:4]}{digits[:2]}".lower() if value else "")
            return True
        self.style = _set_flag(self.style, STYLE_TAGS[name], on=value not in {"", "0"})
        return True


def apply_tag(style: Style, tag: str, about: str) -> Style:
    """Return the style inside a tag. `about` is the text after the name of the tag, such as ` color="red"` or
    `.yellow`.
    """
    if tag in STYLE_TAGS:
        return _set_flag(style, STYLE_TAGS[tag], on=True)
    if tag == "c":
        named = [COLOURS[name] for name in about.split(".") if name in COLOURS]
        hexes = [f"#{name[1:]}" for name in about.split(".") if re.fullmatch(r"x[0-9a-f]{6}", name)]
        style = replace(style, strike=style.strike or "strike" in about.split("."))
        return replace(style, colour=(named + hexes)[-1]) if named or hexes else style
    match = COLOUR.search(about) if tag in {"font", "span"} else None
    return replace(style, colour=parse_colour(match[1]) or style.colour) if match else style


def _set_flag(style: Style, name: str, *, on: bool) -> Style:
    changes: dict[str, Any] = {name: on}
    return replace(style, **changes)


def parse_colour(name: str) -> str:
    """Return `#rrggbb` for a CSS colour name or three or six hexadecimal digits, or "" for anything else."""
    digits = name.removeprefix("#").lower()
    if re.fullmatch(r"[0-9a-f]{3}", digits):
        digits = "".join(digit * 2 for digit in digits)
    return COLOURS.get(name.lower()) or (f"#{digits}" if re.fullmatch(r"[0-9a-f]{6}", digits) else "")


def unescape(text: str) -> str:
    """Return the text with HTML entities decoded."""
    return ENTITY.sub(_decode_entity, text)


def _decode_entity(entity: re.Match[str]) -> str:
    if entity[1]:
        return ENTITIES[entity[1]]
    number = int(entity[2]) if entity[2] else int(entity[3], 16)
    return chr(number) if 31 < number < 0x110000 and not 0xD800 <= number < 0xE000 else entity[0]
