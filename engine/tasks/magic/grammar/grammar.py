"""The grammar: an idea and one fitting phrase of some slots, drawn by a seed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from engine.tasks.magic.grammar.idea import Idea, read
from engine.tasks.magic.grammar.lexicon import Facts, Language, Phrase, forms, lexicon, tokens

ENDS = " \t\n.,;:"
PLAIN = ("plain",)
"""The slots of a short prompt."""
MAX_REPEATABLE_LETTERS = 4
"""Letters of words that may stand twice in a prompt."""
COLOURLESS = ("ink", "pencil")
TWICE = frozenset({"light", "with", "soft", "suave", "from", "sobre"})


@dataclass(frozen=True)
class Written:
    """A prompt, the style that it is in, and the idea as it was understood."""

    prompt: str
    style: str
    idea: Idea


def write(text: str, seed: int, style: str = "auto", language: str = "auto", *, short: bool = False) -> Written:
    """The idea first, word for word. `style` is auto or one of the lexicon's; the medium that the idea names wins.

    `short` is for models that draw one simple thing: something plain, after the style where one was asked for.
    """
    idea, chance = read(text), Random(f"{seed} {text}")  # no secret
    drawn = "auto" if short else chance.choice(_suiting(idea))
    chosen = idea.medium or (drawn if style == "auto" else style)
    spoken: Language = "es" if (idea.language if language == "auto" else language) == "es" else "en"
    picker = _Picker(idea.facts, idea, chosen, spoken)
    slots = _short(idea, style) if short else [slot for slot in lexicon().slots if _draw_slot(slot, idea, chance)]
    phrases = list[str]()
    for slot in slots:
        phrase = picker.pick(lexicon().phrases[slot], chance, must=slot == "medium")
        if phrase is not None:
            phrases.append(phrase.text[spoken])
            picker = picker.after(phrase)
    return Written(", ".join([text.strip(ENDS), *phrases]), chosen, idea)


def medium(style: str, seed: int, language: Language) -> str:
    """How a prompt says that it is in this style."""
    phrases = [phrase for phrase in lexicon().phrases["medium"] if style in phrase.only]
    return phrases[seed % len(phrases)].text[language]


def contradicts(idea: Idea, words: str) -> bool:
    """Whether words that somebody would add say otherwise than the idea, or what it rules out, or repeat it."""
    other = read(words)
    facets = other.facts.keys() - {"kind"}
    against = any(_differs(other.facts[facet], idea.facts.get(facet)) for facet in facets)
    ruled_out = any(other.facts[facet] & idea.banned.get(facet, frozenset()) for facet in other.facts)
    return against or ruled_out


def _suiting(idea: Idea) -> Sequence[str]:
    """Styles for the subject; of a camera where the idea names a lens, none without colours where it names one."""
    known = lexicon()
    styles = known.suits.get(idea.kind or "any", known.suits["any"])
    if "lens" in idea.fills:
        return [style for style, family in known.family.items() if family == "camera"]
    return [style for style in styles if style not in COLOURLESS or "hue" not in idea.facts]


def _short(idea: Idea, style: str) -> Sequence[str]:
    return PLAIN if style == "auto" or idea.medium else ("medium", *PLAIN)


def _draw_slot(slot: str, idea: Idea, chance: Random) -> bool:
    """The dice are thrown for every slot, so that a filled one does not change the others."""
    drawn = chance.random() < lexicon().chance[slot]
    return drawn and slot not in idea.fills and not (slot == "medium" and idea.medium)


@dataclass(frozen=True)
class _Picker:
    """What is settled so far, by the idea and the phrases that were picked."""

    facts: Facts
    idea: Idea
    style: str
    language: Language
    said: frozenset[str] = frozenset()

    def pick(self, phrases: Sequence[Phrase], chance: Random, *, must: bool = False) -> Phrase | None:
        """One that fits; those that say something of this subject are as likely as all others together.

        Where there `must` be one, the style alone decides if nothing else fits.
        """
        fitting = [phrase for phrase in phrases if self._fits(phrase)]
        if must and not fitting:
            fitting = [phrase for phrase in phrases if self.style in phrase.only]
        own = [phrase for phrase in fitting if phrase.needs]
        if own and chance.random() < 0.5:
            fitting = own
        return chance.choice(fitting) if fitting else None

    def after(self, phrase: Phrase) -> "_Picker":
        settled = {facet: values for facet, values in phrase.says.items() if facet not in self.facts}
        return replace(
            self, facts={**self.facts, **settled}, said=self.said | _content_words(phrase.text[self.language])
        )

    def _fits(self, phrase: Phrase) -> bool:
        family = lexicon().family.get(self.style)
        if phrase.only and not phrase.only & {self.style, family}:
            return False
        if any(not values & self.facts.get(facet, frozenset()) for facet, values in phrase.needs.items()):
            return False
        if any(_differs(values, self.facts.get(facet)) for facet, values in phrase.says.items()):
            return False
        if any(values & self.idea.banned.get(facet, frozenset()) for facet, values in phrase.says.items()):
            return False
        return not _content_words(phrase.text[self.language]) & (self.said | self.idea.words)


def _differs(values: frozenset[str], known: frozenset[str] | None) -> bool:
    return known is not None and not values <= known


def _content_words(text: str) -> frozenset[str]:
    """The words that should not stand twice in a prompt."""
    words = (word for word in tokens(text) if len(word) > MAX_REPEATABLE_LETTERS and word not in TWICE)
    return frozenset(form for word in words for form in forms(word))
