"""Parse an idea: its language, the facts it states, what it rules out, and the parts of a prompt that it
already has.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from engine.tasks.magic.grammar.lexicon import Facts, Language, Meaning, load_lexicon, singular_forms, tokenize
from engine.text.readable import readable_form

_SPANISH = (
    "el la los las un una unos unas de del al su sus que en con sin y por para sobre bajo junto desde entre hacia"
)
_ENGLISH = "the a an its his her of in on at with and by under over near without from into to for"
SPANISH = frozenset(_SPANISH.split())
ENGLISH = frozenset(_ENGLISH.split())
NEGATIONS = frozenset("no not without never except nor sin ni nunca salvo ningun ninguna".split())  # noqa: SIM905
"""Words that negate what follows."""
NEGATION_ENDS = frozenset(",.;:!?()") | {"with", "but", "con", "pero", "sino"}
"""Marks and words that end a negation."""
NEGATION_REACH_WORDS = 4
"""Maximum number of words that a negation covers."""
AMBIGUOUS_WORDS = frozenset({"sea", "red", "pie", "once", "has", "son"})
"""English words that mean something else in Spanish."""


@dataclass(frozen=True)
class Idea:
    """A parsed idea.

    `facts` are its facts by facet, `banned` what it rules out, `fills` the slots that it fills and `kind` the kind of
    its subject, or "".
    """

    text: str
    language: Language
    facts: Facts
    banned: Facts
    fills: frozenset[str]
    kind: str
    medium: str
    words: frozenset[str]


@dataclass(frozen=True)
class _Match:
    """Words that the lexicon knows: `length` tokens from position `at`."""

    at: int
    length: int
    meanings: tuple[Meaning, ...]


def parse_idea(text: str) -> Idea:
    """Return every fact in `text` that the lexicon has words for. Emoji count as their English names in
    both languages.
    """
    written = tokenize(text)
    language = _detect_language(text, written, list(_find_matches(written)))
    words = tokenize(readable_form(text))
    matches = list(_find_matches(words))
    denied = _negated_places(words)
    facts, banned = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    kinds, media = list[str](), list[str]()
    for match in matches:
        for meaning in match.meanings:
            if not _is_meant(meaning, language, words[match.at : match.at + match.length]):
                continue
            (banned if match.at in denied else facts)[meaning.facet].add(meaning.value)
            if match.at not in denied and meaning.facet in ("kind", "medium"):
                (kinds if meaning.facet == "kind" else media).append(meaning.value)
    fills = frozenset(facts.pop("", ()))
    if kinds:
        facts["kind"] = {kinds[0]}
    return Idea(
        text=text,
        language=language,
        facts=_freeze(facts),
        banned=_freeze(banned),
        fills=fills,
        kind=kinds[0] if kinds else "",
        medium=media[0] if media else "",
        words=frozenset(form for word in words for form in singular_forms(word)),
    )


def _find_matches(words: Sequence[str]) -> Iterator[_Match]:
    """Yield the longest known sequences of words, without overlap."""
    known, at = load_lexicon(), 0
    while at < len(words):
        match = next(filter(None, (_match_at(words, at, length) for length in range(known.longest, 0, -1))), None)
        if match is not None:
            yield match
        at += match.length if match else 1


def _match_at(words: Sequence[str], at: int, length: int) -> _Match | None:
    if at + length > len(words):
        return None
    for spelled in product(*(singular_forms(word) for word in words[at : at + length])):
        if spelled in load_lexicon().meanings:
            return _Match(at, length, load_lexicon().meanings[spelled])
    return None


def _detect_language(text: str, words: Sequence[str], matches: Sequence[_Match]) -> Language:
    """Return Spanish if the text looks more Spanish than English, otherwise English."""
    spanish = sum(word in SPANISH for word in words) + 2 * any(letter in text.lower() for letter in "ñ¿¡áéíóú")
    english = sum(word in ENGLISH for word in words)
    for match in matches:
        spoken = {meaning.language for meaning in match.meanings}
        spanish += spoken == {"es"}
        english += spoken == {"en"}
    return "es" if spanish > english else "en"


def _negated_places(words: Sequence[str]) -> frozenset[int]:
    """Return the positions of the words that a negation covers."""
    denied = set[int]()
    for at, word in enumerate(words):
        if word in NEGATIONS:
            for place in range(at + 1, min(at + 1 + NEGATION_REACH_WORDS, len(words))):
                if words[place] in NEGATION_ENDS:
                    break
                denied.add(place)
    return frozenset(denied)


def _is_meant(meaning: Meaning, language: Language, words: Sequence[str]) -> bool:
    """Return whether a meaning applies. A Spanish idea may contain English words, but not the other way round."""
    if language == "en":
        return meaning.language == "en"
    return meaning.language == "es" or not AMBIGUOUS_WORDS.intersection(words)


def _freeze(facts: Mapping[str, set[str]]) -> Facts:
    return {facet: frozenset(values) for facet, values in facts.items()}
