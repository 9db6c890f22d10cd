"""The languages that Whisper hears, as ISO 639 codes (its tokenizer's list)."""

_AF_TO_HT = "af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht"
_HU_TO_PL = "hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl"
_PS_TO_YUE = "ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo zh yue"
CODES = frozenset(f"{_AF_TO_HT} {_HU_TO_PL} {_PS_TO_YUE}".split())
"""ISO 639 codes of the languages that Whisper transcribes, from its tokenizer."""
