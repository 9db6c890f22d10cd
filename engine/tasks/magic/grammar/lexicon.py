"""Load lexicon.toml: what the words of an idea mean, and the phrases for prompts."""

import re
import tomllib
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

Language = Literal["en", "es"]
Facts = Mapping[str, frozenset[str]]
"""Values by facet, such as night and dusk for the facet time."""

FILE = Path(__file__).with_name("lexicon.toml")
_TOKEN = re.compile(r"\d+|[^\W\d_]+|[,.;:!?()]")
_PLURALS = (("ces", "z"), ("ies", "y"), ("es", ""), ("s", ""))


@dataclass(frozen=True)
class Meaning:
    """What words of an idea mean: a value of a facet or, if `facet` is "", that they fill the slot `value`."""

    facet: str
    value: str
    language: Language


@dataclass(frozen=True)
class Phrase:
    """A phrase for a slot. `only` lists the styles and style families it suits; empty means all.

    `says` are the facts that it states, `needs` the facts that the idea must state.
    """

    text: Mapping[Language, str]
    says: Facts
    needs: Facts
    only: frozenset[str]


@dataclass(frozen=True)
class Lexicon:
    """The lexicon.

    `meanings` are by tokens, of which `longest` is the maximum number. `chance` is the probability of each slot,
    `family` the family of each style and `suits` the styles for each kind of subject.
    """

    meanings: Mapping[tuple[str, ...], tuple[Meaning, ...]]
    longest: int
    slots: tuple[str, ...]
    chance: Mapping[str, float]
    family: Mapping[str, str]
    suits: Mapping[str, tuple[str, ...]]
    phrases: Mapping[str, tuple[Phrase, ...]]


@cache
def load_lexicon() -> Lexicon:
    """Return the lexicon. The file is read once."""
    read = tomllib.loads(FILE.read_text("utf-8"))
    meanings = defaultdict[tuple[str, ...], list[Meaning]](list)
    for words, meaning in _read_meanings(read):
        meanings[tuple(tokenize(words))].append(meaning)
    return Lexicon(
        meanings={words: tuple(found) for words, found in meanings.items()},
        longest=max(map(len, meanings)),
        slots=tuple(read["slots"]),
        chance=read["chance"],
        family=read["family"],
        suits={kind: tuple(styles) for kind, styles in read["suits"].items()},
        phrases={slot: tuple(map(_read_phrase, phrases)) for slot, phrases in read["phrases"].items()},
    )


def tokenize(text: str) -> list[str]:
    """Return words, numbers and punctuation in lower case, without accents. A hyphen separates words."""
    plain = unicodedata.normalize("NFKD", text.lower())
    return _TOKEN.findall("".join(letter for letter in plain if not unicodedata.combining(letter)))


def singular_forms(token: str) -> Iterator[str]:
    """Yield the word and its possible singulars in English and Spanish."""
    yield token
    for ending, singular in _PLURALS:
        if token.endswith(ending) and len(token) > len(ending) + 1:
            yield token.removesuffix(ending) + singular


def _read_meanings(read: Mapping[str, Any]) -> Iterator[tuple[str, Meaning]]:
    facets: Iterable[tuple[str, Any]] = [*read["facts"].items(), ("", read["fills"])]
    languages: tuple[Language, ...] = ("en", "es")
    for facet, values in facets:
        for value, words in values.items():
            for language in languages:
                yield from ((word, Meaning(facet, value, language)) for word in words[language])


def _read_phrase(read: Mapping[str, Any]) -> Phrase:
    return Phrase(
        text={"en": read["en"], "es": read["es"]},
        says=_read_facts(read.get("says", {})),
        needs=_read_facts(read.get("needs", {})),
        only=frozenset(read.get("only", ())),
    )


def _read_facts(read: Mapping[str, str | list[str]]) -> Facts:
    return {facet: frozenset([values] if isinstance(values, str) else values) for facet, values in read.items()}
