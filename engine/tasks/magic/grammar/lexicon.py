"""The lexicon of lexicon.toml, read once: what words of an idea say, and the phrases that a prompt is made of."""

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
"""Values by facet, such as night and dusk by time."""

FILE = Path(__file__).with_name("lexicon.toml")
_TOKEN = re.compile(r"\d+|[^\W\d_]+|[,.;:!?()]")
_PLURALS = (("ces", "z"), ("ies", "y"), ("es", ""), ("s", ""))


@dataclass(frozen=True)
class Meaning:
    """What words of an idea say: a value of a facet, or, where `facet` is empty, that they fill the slot `value`."""

    facet: str
    value: str
    language: Language


@dataclass(frozen=True)
class Phrase:
    """What a prompt may say in a slot. `only` are styles and families of styles; empty for all."""

    text: Mapping[Language, str]
    says: Facts
    needs: Facts
    only: frozenset[str]


@dataclass(frozen=True)
class Lexicon:
    """`meanings` by tokens, `longest` of them in a row; `chance` that a slot is used; styles by `family`."""

    meanings: Mapping[tuple[str, ...], tuple[Meaning, ...]]
    longest: int
    slots: tuple[str, ...]
    chance: Mapping[str, float]
    family: Mapping[str, str]
    suits: Mapping[str, tuple[str, ...]]
    phrases: Mapping[str, tuple[Phrase, ...]]


@cache
def lexicon() -> Lexicon:
    read = tomllib.loads(FILE.read_text("utf-8"))
    meanings = defaultdict[tuple[str, ...], list[Meaning]](list)
    for words, meaning in _meanings(read):
        meanings[tuple(tokens(words))].append(meaning)
    return Lexicon(
        meanings={words: tuple(found) for words, found in meanings.items()},
        longest=max(map(len, meanings)),
        slots=tuple(read["slots"]),
        chance=read["chance"],
        family=read["family"],
        suits={kind: tuple(styles) for kind, styles in read["suits"].items()},
        phrases={slot: tuple(map(_phrase, phrases)) for slot, phrases in read["phrases"].items()},
    )


def tokens(text: str) -> list[str]:
    """Words, numbers and marks in lower case without accents; a hyphen parts words."""
    plain = unicodedata.normalize("NFKD", text.lower())
    return _TOKEN.findall("".join(letter for letter in plain if not unicodedata.combining(letter)))


def forms(token: str) -> Iterator[str]:
    """The word, and what its singular may be in English or Spanish."""
    yield token
    for ending, singular in _PLURALS:
        if token.endswith(ending) and len(token) > len(ending) + 1:
            yield token.removesuffix(ending) + singular


def _meanings(read: Mapping[str, Any]) -> Iterator[tuple[str, Meaning]]:
    facets: Iterable[tuple[str, Any]] = [*read["facts"].items(), ("", read["fills"])]
    languages: tuple[Language, ...] = ("en", "es")
    for facet, values in facets:
        for value, words in values.items():
            for language in languages:
                yield from ((word, Meaning(facet, value, language)) for word in words[language])


def _phrase(read: Mapping[str, Any]) -> Phrase:
    return Phrase(
        text={"en": read["en"], "es": read["es"]},
        says=_facts(read.get("says", {})),
        needs=_facts(read.get("needs", {})),
        only=frozenset(read.get("only", ())),
    )


def _facts(read: Mapping[str, str | list[str]]) -> Facts:
    return {facet: frozenset([values] if isinstance(values, str) else values) for facet, values in read.items()}
