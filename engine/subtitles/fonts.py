"""Which font of the weights folder shows which letters. libass is given these alone: every machine draws the same."""

import unicodedata
from collections.abc import Iterator

LATIN = "Noto Sans"
SERIF = "Noto Serif"
BY_SCRIPT = {
    "ARABIC": "Noto Sans Arabic",
    "HEBREW": "Noto Sans Hebrew Light",
    "DEVANAGARI": "Noto Sans Devanagari",
    "BENGALI": "Noto Sans Bengali",
    "TAMIL": "Noto Sans Tamil",
    "TELUGU": "Noto Sans Telugu",
    "THAI": "Noto Sans Thai",
    "GEORGIAN": "Noto Sans Georgian",
    "ARMENIAN": "Noto Sans Armenian",
    "HANGUL": "Noto Sans CJK KR",
    "HIRAGANA": "Noto Sans CJK JP",
    "KATAKANA": "Noto Sans CJK JP",
    "CJK": "Noto Sans CJK SC",
    "IDEOGRAPHIC": "Noto Sans CJK SC",
    "FULLWIDTH": "Noto Sans CJK SC",
}
"""The family by the first word of a letter's Unicode name."""
EMOJI = "Noto Emoji"
HEIGHTS = {
    LATIN: 1.519,
    SERIF: 1.458,
    EMOJI: 1.172,
    "Noto Sans Arabic": 2.169,
    "Noto Sans Hebrew Light": 1.36,
    "Noto Sans Devanagari": 1.906,
    "Noto Sans Bengali": 1.403,
    "Noto Sans Tamil": 1.24,
    "Noto Sans Telugu": 1.478,
    "Noto Sans Thai": 1.511,
    "Noto Sans Georgian": 1.378,
    "Noto Sans Armenian": 1.36,
    "Noto Sans CJK KR": 1.448,
    "Noto Sans CJK JP": 1.448,
    "Noto Sans CJK SC": 1.448,
}
"""The height of a font in ems (winAscent and winDescent of its OS/2 table), which is what libass sizes by."""
HAN = {"ja": "Noto Sans CJK JP", "ko": "Noto Sans CJK KR"}
"""Chinese characters are drawn as their reader's language draws them."""


def runs(text: str, language: str, latin: str = LATIN) -> Iterator[tuple[str, str]]:
    """`text` in pieces of one family each: (family, piece). Spaces and marks stay with what is before them."""
    held, family = "", ""
    for letter in text:
        found = family_of(letter, language, latin) or family or latin
        if held and found != family:
            yield family, held
            held = ""
        held, family = held + letter, found
    if held:
        yield family, held


def family_of(letter: str, language: str, latin: str = LATIN) -> str | None:
    """The family that shows the letter, `latin` for Latin, Greek and Cyrillic; None for a space or a mark."""
    category = unicodedata.category(letter)
    if letter.isspace() or category in {"Mn", "Me", "Cf"}:
        return None
    if category == "So" or 0x1F000 <= ord(letter) < 0x20000:
        return EMOJI
    script = unicodedata.name(letter, "").split(" ")[0].split("-")[0]
    wide = unicodedata.east_asian_width(letter) in {"W", "F"}
    family = BY_SCRIPT.get(script, BY_SCRIPT["CJK"] if wide else latin)
    return HAN.get(language, family) if family.startswith("Noto Sans CJK") else family


def language_of(text: str) -> str:
    """The language that the letters of `text` tell, as far as fonts need it: ja, ko or none."""
    scripts = {unicodedata.name(letter, "").split(" ")[0] for letter in text}
    return "ja" if scripts & {"HIRAGANA", "KATAKANA"} else "ko" if "HANGUL" in scripts else ""
