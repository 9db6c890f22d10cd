"""Write a prompt: the idea, followed by suitable phrases for some slots, selected by a seed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from engine.tasks.magic.grammar.idea import Idea, parse_idea
from engine.tasks.magic.grammar.lexicon import Facts, Language, Phrase, load_lexicon, singular_forms, tokenize

TRIMMED_CHARACTERS = " \t\n.,;:"
"""Characters removed from both ends of an idea."""
SHORT_SLOTS = ("plain",)
"""Slots of a short prompt."""
MAX_REPEATABLE_LETTERS = 4
"""Words up to this length may appear twice in a prompt."""
COLOURLESS_STYLES = ("ink", "pencil")
"""Styles that have no colours."""
REPEATABLE_WORDS = frozenset({"light", "with", "soft", "suave", "from", "sobre"})
"""Longer words that may appear twice in a prompt."""


@dataclass(frozen=True)
class GrammarPrompt:
    """A prompt, its style, and the parsed idea."""

    prompt: str
    style: str
    idea: Idea


def write(text: str, seed: int, style: str = "auto", language: str = "auto", *, short: bool = False) -> GrammarPrompt:
    """Return a prompt that starts with `text` unchanged.

    `style` is auto or a style of the lexicon; a medium named in the idea takes precedence. `short` is for models that
    draw one simple thing: it adds one plain phrase, after the style if one was requested.
    """
    idea, chance = parse_idea(text), Random(f"{seed} {text}")  # not used for security
    random_style = "auto" if short else chance.choice(_suitable_styles(idea))
    chosen = idea.medium or (random_style if style == "auto" else style)
    output_language: Language = "es" if (idea.language if language == "auto" else language) == "es" else "en"
    picker = _Picker(idea.facts, idea, chosen, output_language)
    slots = (
        _short_slots(idea, style)
        if short
        else [slot for slot in load_lexicon().slots if _draw_slot(slot, idea, chance)]
    )
    phrases = list[str]()
    for slot in slots:
        phrase = picker.pick(load_lexicon().phrases[slot], chance, must=slot == "medium")
        if phrase is not None:
            phrases.append(phrase.text[output_language])
            picker = picker.after(phrase)
    return GrammarPrompt(", ".join([text.strip(TRIMMED_CHARACTERS), *phrases]), chosen, idea)


def medium(style: str, seed: int, language: Language) -> str:
    """Return a phrase that names the style."""
    phrases = [phrase for phrase in load_lexicon().phrases["medium"] if style in phrase.only]
    return phrases[seed % len(phrases)].text[language]


def contradicts(idea: Idea, words: str) -> bool:
    """Return whether `words` contradict the idea, or add something that the idea rules out."""
    other = parse_idea(words)
    facets = other.facts.keys() - {"kind"}
    conflicts = any(_differs(other.facts[facet], idea.facts.get(facet)) for facet in facets)
    ruled_out = any(other.facts[facet] & idea.banned.get(facet, frozenset()) for facet in other.facts)
    return conflicts or ruled_out


def _suitable_styles(idea: Idea) -> Sequence[str]:
    """Return the styles that suit the subject.

    If the idea names a lens, they are camera styles; if it names a colour, styles without colours are left out.
    """
    known = load_lexicon()
    styles = known.suits.get(idea.kind or "any", known.suits["any"])
    if "lens" in idea.fills:
        return [style for style, family in known.family.items() if family == "camera"]
    return [style for style in styles if style not in COLOURLESS_STYLES or "hue" not in idea.facts]


def _short_slots(idea: Idea, style: str) -> Sequence[str]:
    return SHORT_SLOTS if style == "auto" or idea.medium else ("medium", *SHORT_SLOTS)


def _draw_slot(slot: str, idea: Idea, chance: Random) -> bool:
    """Return whether to use a slot. A random number is drawn for each slot, so a filled slot does not change the
    others.
    """
    is_drawn = chance.random() < load_lexicon().chance[slot]
    return is_drawn and slot not in idea.fills and not (slot == "medium" and idea.medium)


@dataclass(frozen=True)
class _Picker:
    """What is settled so far by the idea and the phrases picked."""

    facts: Facts
    idea: Idea
    style: str
    language: Language
    used_words: frozenset[str] = frozenset()

    def pick(self, phrases: Sequence[Phrase], chance: Random, *, must: bool = False) -> Phrase | None:
        """Return a phrase that fits, or None. Phrases about this subject are as likely as all others together.

        With `must`, the style alone decides if nothing else fits.
        """
        fitting = [phrase for phrase in phrases if self._fits(phrase)]
        if must and not fitting:
            fitting = [phrase for phrase in phrases if self.style in phrase.only]
        specific = [phrase for phrase in fitting if phrase.needs]
        if specific and chance.random() < 0.5:
            fitting = specific
        return chance.choice(fitting) if fitting else None

    def after(self, phrase: Phrase) -> "_Picker":
        """Return the picker after picking `phrase`."""
        settled = {facet: values for facet, values in phrase.says.items() if facet not in self.facts}
        return replace(
            self,
            facts={**self.facts, **settled},
            used_words=self.used_words | _content_words(phrase.text[self.language]),
        )

    def _fits(self, phrase: Phrase) -> bool:
        family = load_lexicon().family.get(self.style)
        if phrase.only and not phrase.only & {self.style, family}:
            return False
        if any(not values & self.facts.get(facet, frozenset()) for facet, values in phrase.needs.items()):
            return False
        if any(_differs(values, self.facts.get(facet)) for facet, values in phrase.says.items()):
            return False
        if any(values & self.idea.banned.get(facet, frozenset()) for facet, values in phrase.says.items()):
            return False
        return not _content_words(phrase.text[self.language]) & (self.used_words | self.idea.words)


def _differs(values: frozenset[str], known: frozenset[str] | None) -> bool:
    return known is not None and not values <= known


def _content_words(text: str) -> frozenset[str]:
    """Return the words that should not appear twice in a prompt."""
    words = (word for word in tokenize(text) if len(word) > MAX_REPEATABLE_LETTERS and word not in REPEATABLE_WORDS)
    return frozenset(form for word in words for form in singular_forms(word))
