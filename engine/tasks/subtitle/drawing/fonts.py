"""The families of the weights folder. libass is given these alone: every machine draws the same."""

import unicodedata

REGULAR, BOLD = 400, 700
LATIN, SERIF, EMOJI, SYMBOLS = "Noto Sans", "Noto Serif", "Noto Emoji", "Noto Sans Symbols"
ITALIC = "Noto Sans Italic"
"""Its own family name is Noto Sans; libass takes it where a text is italic."""
CJK = {"zh": "Noto Sans CJK SC", "ja": "Noto Sans CJK JP", "ko": "Noto Sans CJK KR"}
"""Chinese characters are drawn as the reader's language draws them."""
SCRIPTS = (
    "Arabic", "Devanagari", "Bengali", "Tamil", "Telugu", "Thai", "Georgian", "Armenian", "Ethiopic", "Gujarati",
    "Gurmukhi", "Kannada", "Khmer", "Lao", "Malayalam", "Myanmar", "Oriya", "Sinhala",
)  # fmt: skip
FILES = (
    {LATIN: "NotoSans.ttf", ITALIC: "NotoSans-Italic.ttf", SERIF: "NotoSerif.ttf"}
    | {f"Noto Sans {script}": f"NotoSans{script}.ttf" for script in SCRIPTS}
    | {"Noto Sans Hebrew Light": "NotoSansHebrew.ttf"}
    | {SYMBOLS: "NotoSansSymbols.ttf", EMOJI: "NotoEmoji.ttf"}
    | dict.fromkeys(CJK.values(), "NotoSansCJK-VF.otf.ttc")
)
"""The file of each family in the folder `fonts`."""


def order(language: str, latin: str) -> tuple[str, ...]:
    """Return the families in the order in which they are asked for a character."""
    cjk = CJK.get(language, CJK["zh"])
    return tuple(dict.fromkeys((latin, LATIN, SYMBOLS, cjk, *FILES)))


def language_of(text: str) -> str:
    """The language that the letters of `text` tell, as far as fonts need it: ja, ko or none."""
    scripts = {unicodedata.name(letter, "").split(" ")[0] for letter in set(text)}
    return "ja" if scripts & {"HIRAGANA", "KATAKANA"} else "ko" if "HANGUL" in scripts else ""
