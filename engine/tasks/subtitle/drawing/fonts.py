"""The font families in the weights folder. libass sees no others, so the result is the same on every machine."""

import unicodedata

REGULAR, BOLD = 400, 700
LATIN, SERIF, EMOJI, SYMBOLS = "Noto Sans", "Noto Serif", "Noto Emoji", "Noto Sans Symbols"
ITALIC = "Noto Sans Italic"
"""The family name inside this font is Noto Sans. libass uses the font for italic text."""
CJK = {"zh": "Noto Sans CJK SC", "ja": "Noto Sans CJK JP", "ko": "Noto Sans CJK KR"}
"""Chinese characters are drawn in the form that the language of the text uses."""
SCRIPTS = (
    "Arabic", "Devanagari", "Bengali", "Tamil", "Telugu", "Thai", "Georgian", "Armenian", "Ethiopic", "Gujarati",
    "Gurmukhi", "Kannada", "Khmer", "Lao", "Malayalam", "Myanmar", "Oriya", "Sinhala",
)  # fmt: skip
"""Scripts with a font of their own."""
FILES = (
    {LATIN: "NotoSans.ttf", ITALIC: "NotoSans-Italic.ttf", SERIF: "NotoSerif.ttf"}
    | {f"Noto Sans {script}": f"NotoSans{script}.ttf" for script in SCRIPTS}
    | {"Noto Sans Hebrew Light": "NotoSansHebrew.ttf"}
    | {SYMBOLS: "NotoSansSymbols.ttf", EMOJI: "NotoEmoji.ttf"}
    | dict.fromkeys(CJK.values(), "NotoSansCJK-VF.otf.ttc")
)
"""File name of each family in the `fonts` folder."""


def fallback_order(language: str, latin: str) -> tuple[str, ...]:
    """Return the families in the order in which they are tried for a character."""
    cjk = CJK.get(language, CJK["zh"])
    return tuple(dict.fromkeys((latin, LATIN, SYMBOLS, cjk, *FILES)))


def guess_language(text: str) -> str:
    """Return `ja` or `ko` if the letters of `text` show it, otherwise "". Fonts need no other distinction."""
    scripts = {unicodedata.name(letter, "").split(" ")[0] for letter in set(text)}
    return "ja" if scripts & {"HIRAGANA", "KATAKANA"} else "ko" if "HANGUL" in scripts else ""
