"""What an idea says: its language, its facts, what it rules out, and which parts of a prompt it has already."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from engine.tasks.magic.grammar.lexicon import Facts, Language, Meaning, forms, lexicon, tokens
from engine.text.readable import readable_form

_SPANISH = (
    "el la los las un una unos unas de del al su sus que en con sin y por para sobre bajo junto desde entre hacia"
)
_ENGLISH = "the a an its his her of in on at with and by under over near without from into to for"
SPANISH = frozenset(_SPANISH.split())
ENGLISH = frozenset(_ENGLISH.split())
NOT = frozenset("no not without never except nor sin ni nunca salvo ningun ninguna".split())  # noqa: SIM905
MARKS = frozenset(",.;:!?()") | {"with", "but", "con", "pero", "sino"}
"""What ends the reach of a negation."""
NEGATION_REACH_WORDS = 4
"""Words that a negation reaches at most."""
MISLEADING = frozenset({"sea", "red", "pie", "once", "has", "son"})
"""English words that are something else in Spanish."""


@dataclass(frozen=True)
class Idea:
    """`facts` by facet, `banned` what it says is not there, `fills` the slots that it fills, `kind` of its subject."""

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
    at: int
    length: int
    meanings: tuple[Meaning, ...]


def read(text: str) -> Idea:
    """Return every fact that the lexicon knows words for. Emoji say what their English names do, in any language."""
    written = tokens(text)
    language = _language(text, written, list(_matches(written)))
    words = tokens(readable_form(text))
    matches = list(_matches(words))
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
        facts=_frozen(facts),
        banned=_frozen(banned),
        fills=fills,
        kind=kinds[0] if kinds else "",
        medium=media[0] if media else "",
        words=frozenset(form for word in words for form in forms(word)),
    )


def _matches(words: Sequence[str]) -> Iterator[_Match]:
    """The longest known words at each place, none of them twice."""
    known, at = lexicon(), 0
    while at < len(words):
        match = next(filter(None, (_match(words, at, length) for length in range(known.longest, 0, -1))), None)
        if match is not None:
            yield match
        at += match.length if match else 1


def _match(words: Sequence[str], at: int, length: int) -> _Match | None:
    if at + length > len(words):
        return None
    for spelled in product(*(forms(word) for word in words[at : at + length])):
        if spelled in lexicon().meanings:
            return _Match(at, length, lexicon().meanings[spelled])
    return None


def _language(text: str, words: Sequence[str], matches: Sequence[_Match]) -> Language:
    """Spanish where more of it looks Spanish; English where neither does."""
    spanish = sum(word in SPANISH for word in words) + 2 * any(letter in text.lower() for letter in "ñ¿¡áéíóú")
    english = sum(word in ENGLISH for word in words)
    for match in matches:
        spoken = {meaning.language for meaning in match.meanings}
        spanish += spoken == {"es"}
        english += spoken == {"en"}
    return "es" if spanish > english else "en"


def _negated_places(words: Sequence[str]) -> frozenset[int]:
    """The places of words that a negation reaches."""
    denied = set[int]()
    for at, word in enumerate(words):
        if word in NOT:
            for place in range(at + 1, min(at + 1 + NEGATION_REACH_WORDS, len(words))):
                if words[place] in MARKS:
                    break
                denied.add(place)
    return frozenset(denied)


def _is_meant(meaning: Meaning, language: Language, words: Sequence[str]) -> bool:
    """In a Spanish idea English words count too, as people use them; not the other way round."""
    if language == "en":
        return meaning.language == "en"
    return meaning.language == "es" or not MISLEADING.intersection(words)


def _frozen(facts: Mapping[str, set[str]]) -> Facts:
    return {facet: frozenset(values) for facet, values in facts.items()}
