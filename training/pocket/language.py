"""Write the captions of recipes, with colours, relations and styles, in English and Spanish."""

import re
from dataclasses import dataclass

from numpy.random import Generator

COLOURS = {  # name -> (Spanish, red, green, blue)
    "red": ("rojo", 225, 35, 45),
    "orange": ("naranja", 250, 135, 25),
    "yellow": ("amarillo", 252, 210, 35),
    "green": ("verde", 55, 175, 70),
    "teal": ("turquesa", 20, 165, 160),
    "blue": ("azul", 40, 105, 225),
    "purple": ("morado", 130, 65, 200),
    "pink": ("rosa", 250, 115, 180),
    "brown": ("marrón", 130, 80, 45),
    "black": ("negro", 25, 25, 28),
    "white": ("blanco", 245, 245, 248),
    "gray": ("gris", 135, 138, 145),
    "gold": ("dorado", 225, 170, 40),
}
ALSO = {"gray": "grey", "purple": "violet", "teal": "turquoise", "gold": "golden"}
RELATIONS = {
    "beside": (["and", "and", "with", "next to", "beside"], ["y", "y", "con", "junto a", "al lado de"]),
    "on": (["on", "on", "on top of", "sitting on", "riding"], ["sobre", "encima de", "en", "sentado en", "montando"]),
    "under": (["under", "under", "below", "beneath"], ["debajo de", "bajo"]),
    "above": (["above", "over"], ["por encima de", "sobre"]),
    "holding": (["holding", "holding", "with", "carrying"], ["sosteniendo", "con", "llevando"]),
    "wearing": (["wearing", "with", "in"], ["con", "con", "llevando"]),
}
STYLES = {
    "3d": (["3d", "3d render", "3d style"], ["3d", "estilo 3d"]),
    "glossy": (["3d", "glossy", "shiny"], ["3d", "brillante"]),
    "flat": (["flat", "flat style", "flat design"], ["plano", "estilo plano"]),
    "cartoon": (["cartoon", "cartoon style"], ["dibujo animado", "caricatura"]),
    "sticker": (["sticker", "minimal"], ["pegatina", "minimalista"]),
    "vector": (["vector", "vector art"], ["vectorial", "arte vectorial"]),
    "blob": (["blob style", "soft blob"], ["estilo blando"]),
    "comic": (["comic", "comic style"], ["cómic"]),
    "outline": (["outline", "line art", "with thick outlines"], ["contorno", "dibujo de líneas"]),
    "weather icon": (["weather icon"], ["icono del tiempo"]),
}
STYLED = {"blob", "comic", "outline", "weather icon"}  # named in every caption, so that they leak into no other
STARTS = (
    ["", "", "", "", "", "a picture of ", "an image of ", "a drawing of ", "draw ", "a cute ", "an illustration of "],
    ["", "", "", "", "", "un dibujo de ", "una imagen de ", "dibuja ", "una ilustración de "],
)
COUNTS = {2: ("two", "dos"), 3: ("three", "tres"), 4: ("four", "cuatro")}
MASS = re.compile(r"s$|water|rain|snow|bread|rice|fog|fire|milk|money|hair|sushi|pizza|honey|corn|the |fruit")
FEMININE = re.compile(r"(a|ción|dad|z|flor|nube|mano|moto|serpiente|nieve|llave|torre|leche|miel)$")


@dataclass(frozen=True)
class Thing:
    """How a caption describes one object."""

    noun: str
    colour: str | None = None
    count: int = 1


def plural(noun: str) -> str:
    """Return an English plural. It is right for the regular nouns of the icon sets."""
    if noun.endswith("s"):
        return noun
    if re.search("[^aeiou]y$", noun):
        return noun[:-1] + "ies"
    return noun + ("es" if re.search("(ch|sh|x|s)$", noun) else "s")


def plural_es(noun: str) -> str:
    """Return the Spanish plural of the noun's first word, followed by the rest."""
    first, _, rest = noun.partition(" ")
    made = first if first.endswith("s") else first + ("s" if first[-1] in "aeiouáéó" else "es")
    return re.sub("zes$", "ces", re.sub("ones$", "ones", made)) + (" " + rest if rest else "")


def say(r: Generator, thing: Thing, spanish: bool) -> str:
    """Return a noun phrase, usually with an article."""
    return _say_es(r, thing) if spanish else _say_en(r, thing)


def _say_en(r: Generator, thing: Thing) -> str:
    colour = thing.colour or ""
    if colour in ALSO and r.random() < 0.3:
        colour = ALSO[colour]
    if thing.count > 1:
        return " ".join(filter(None, [COUNTS[thing.count][0], colour, plural(thing.noun)]))
    phrase = f"{colour} {thing.noun}".strip()
    if r.random() < 0.3 or MASS.search(thing.noun):
        return phrase
    return ("an " if phrase[0] in "aeiou" else "a ") + phrase


def _say_es(r: Generator, thing: Thing) -> str:
    she = bool(FEMININE.search(thing.noun.split(" ")[0].rstrip("s")))
    colour = COLOURS[thing.colour][0] if thing.colour else ""
    if she and colour.endswith("o"):
        colour = colour[:-1] + "a"
    if thing.count > 1:
        tint = plural_es(colour) if colour else ""
        return " ".join(filter(None, [COUNTS[thing.count][1], plural_es(thing.noun), tint]))
    bare = f"{thing.noun} {colour}".strip()
    return bare if r.random() < 0.35 or thing.noun.endswith("s") else ("una " if she else "un ") + bare


def join(r: Generator, relation: str, first: str, second: str, spanish: bool) -> str:
    """Return two noun phrases joined by a random word for their relation."""
    words = RELATIONS[relation][spanish]
    if spanish and relation == "wearing" and r.random() < 0.6:
        second = re.sub("^una? ", "", second)
    return f"{first} {words[r.integers(len(words))]} {second}"


def finish(r: Generator, phrase: str, style: str, spanish: bool) -> str:
    """Return the phrase with a random start and, always for some styles and sometimes for others, its style."""
    start = STARTS[spanish][r.integers(len(STARTS[spanish]))]
    text = re.sub(r"^a cute an? ", "a cute ", start + phrase)
    if style in STYLED or r.random() < 0.25:
        words = STYLES[style][spanish]
        text += ", " + words[r.integers(len(words))]
    return text
