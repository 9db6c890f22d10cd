"""The grammar: what it keeps of an idea, and what it never says."""

import re
from collections.abc import Iterator

import pytest

from engine.tasks.magic.grammar.grammar import GrammarPrompt, contradicts, write
from engine.tasks.magic.grammar.idea import parse_idea
from engine.tasks.magic.grammar.lexicon import Phrase, load_lexicon, tokenize
from engine.tasks.magic.params import Params
from engine.tasks.magic.task import STYLES, in_style

SEEDS = range(100)
IDEAS = (
    "a lighthouse at noon",
    "a cat",
    "watercolour of a fox in the snow",
    "un faro al mediodía",
    "una bruja en la cocina de noche",
    "black and white portrait of an old sailor, 50mm",
    "a city street without people, no night",
    "un dragón dormido sobre monedas de oro",
    "a red apple (on a blue plate): 3 leaves!",
    "ice cream",
    "Ñandú, ¿qué tal?",
    "x",
)


def test_an_emoji_says_what_it_shows() -> None:
    assert (parse_idea("🐱").kind, parse_idea("un 🐱 de noche").kind) == ("animal", "animal")
    assert (parse_idea("🐱 at night").language, parse_idea("un 🐱 de noche").language) == ("en", "es")
    assert write("🐱", 1).prompt.startswith("🐱, ")


def added_words(written: GrammarPrompt) -> str:
    """What the grammar wrote behind the idea."""
    return written.prompt[len(written.idea.text.rstrip(" .,;:")) :]


def all_of(idea: str, style: str = "auto", language: str = "auto") -> Iterator[GrammarPrompt]:
    return (write(idea, seed, style, language) for seed in SEEDS)


@pytest.mark.parametrize("idea", IDEAS)
def test_every_word_of_the_idea_stays_where_it_was(idea: str) -> None:
    assert all(written.prompt.startswith(idea) for written in all_of(idea))


@pytest.mark.parametrize("idea", IDEAS)
def test_nothing_that_is_added_reads_against_the_idea(idea: str) -> None:
    understood = parse_idea(idea)
    phrases = {phrase for written in all_of(idea) for phrase in added_words(written).split(", ") if phrase}
    assert not [phrase for phrase in phrases if contradicts(understood, phrase)]


@pytest.mark.parametrize(
    ("idea", "never"),
    [
        ("a lighthouse at noon", "night|moon|dusk|dawn|sunset|lamp|setting|star|morning|storm|overcast|sundown"),
        ("un faro al mediodía", "noche|luna|alba|pone|lámpara|estrella|mañana|nublada"),
        ("watercolour of a fox in the snow", "mm|lens|photo|oil|render|f/8|warm|amber|summer"),
        ("acuarela de un zorro", "mm|objetivo|foto|óleo|render"),
        ("black and white photo of a sailor", "colours|pastel|amber|blues|greens|jewel|teal"),
        ("a city street without people, no night", "figures|night|moon|lamps"),
        ("a happy dog at a birthday party", "melancholy|ominous|eerie|stillness|quiet|peaceful|dark atmosphere"),
        ("a bird's-eye view of a harbour", "low angle|close|macro"),
        ("a storm at sea", "stillness|peaceful|playful|joyful|clear daylight|dappled"),
        ("a fish under water, underwater", "sun|moon|lamp|window|street|horizon|clouds"),
        ("a red car", "teal|blues|greens|ochre|amber"),
        ("a cheerful birthday party", "blues|starlight|melancholy|contemplative"),
        ("an abandoned train station", "gleaming|lived-in|inviting|figures|joyful|playful"),
        ("a minimalist logo of an owl", "light|lens|eyes|posture|moonlight|close view|mood"),
        ("un logotipo de un búho", "luz|objetivo|ojos|postura|luna"),
        ("graphite drawing of a cat", "blues|amber|greens|teal|colours|jewel"),
        ("a cat wearing sunglasses on the beach", "night|moonlight|lamps|lamplight|studio|window"),
        ("a sad clown in the rain", "studio|midday|window|dappled|joyful|playful"),
        ("a wide shot of a whale jumping", "close|eyes|shallow"),
        ("a face, 85mm, golden hour", "mm lens|sundown|midday|moonlight|oil|watercolour"),
    ],
)
def test_what_would_contradict_the_idea_is_never_said(idea: str, never: str) -> None:
    assert not {found[0] for written in all_of(idea) for found in re.finditer(rf"\b({never})\b", added_words(written))}


def test_an_idea_in_spanish_is_completed_in_spanish_and_in_english_where_that_is_asked() -> None:
    spanish = {
        word for phrases in load_lexicon().phrases.values() for each in phrases for word in tokenize(each.text["es"])
    }
    english = {
        word for phrases in load_lexicon().phrases.values() for each in phrases for word in tokenize(each.text["en"])
    }
    assert all(set(tokenize(added_words(each))) <= spanish for each in all_of("un gato negro en la nieve"))
    assert all(
        set(tokenize(added_words(each))) <= english for each in all_of("un gato negro en la nieve", language="en")
    )
    assert all(set(tokenize(added_words(each))) <= spanish for each in all_of("a cat", language="es"))


def test_the_same_seed_writes_the_same_and_others_write_otherwise() -> None:
    assert write("a cat", 7) == write("a cat", 7)
    assert len({written.prompt for written in all_of("a cat")}) > 90


def test_the_style_that_was_asked_for_is_said_unless_the_idea_names_another() -> None:
    assert all("16-bit" in each.prompt or "pixel art" in each.prompt for each in all_of("a cat", style="pixel"))
    assert {each.style for each in all_of("an oil painting of a cat", style="photo")} == {"oil"}
    assert {each.style for each in all_of("a cat, 35mm")} <= {"photo", "cinematic"}


def test_a_short_prompt_adds_one_simple_thing() -> None:
    for seed in SEEDS:
        assert len(tokenize(added_words(write("a red apple", seed, short=True)))) < 12


def test_a_short_prompt_says_the_style_that_was_asked_for_and_claims_none_that_it_does_not_say() -> None:
    assert all("pixel art" in write("a cat", seed, "pixel", short=True).prompt for seed in SEEDS)
    assert {write("a cat", seed, short=True).style for seed in SEEDS} == {"auto"}
    assert write("watercolour of a cat", 3, "pixel", short=True).style == "watercolour"


def test_the_words_of_an_idea_are_understood() -> None:
    assert parse_idea("two foxes at night").facts["kind"] == {"animal"}
    assert parse_idea("ice cream").facts == {"kind": {"food"}}
    assert parse_idea("dos luces del norte, peces y lápices").facts["kind"] == {"animal"}
    assert parse_idea("golden hour, 50mm").fills == {"light", "lens"}
    assert parse_idea("no rain, with a sunny sky").facts["time"] == {"day"}
    assert parse_idea("no rain, with a sunny sky").banned == {"weather": {"rain"}}
    assert parse_idea("un mar en calma").language == "es"
    assert parse_idea("a calm sea").language == "en"


def test_the_lexicon_speaks_of_what_it_knows() -> None:
    known: dict[str, set[str]] = {}
    for meanings in load_lexicon().meanings.values():
        for meaning in meanings:
            known.setdefault(meaning.facet, set()).add(meaning.value)
    free = {"weather": {"cloud"}, "mood": {"wonder"}, "view": {"front"}}
    for phrase in every_phrase():
        for facet, values in (*phrase.says.items(), *phrase.needs.items()):
            assert values <= known[facet] | free.get(facet, set())
        assert phrase.only <= {*load_lexicon().family, *load_lexicon().family.values()}
        assert all(phrase.text.values())
    assert known[""] <= {*load_lexicon().slots}
    assert {*load_lexicon().chance} == {*load_lexicon().slots}


def test_no_phrase_says_in_words_what_it_does_not_declare() -> None:
    """A phrase that speaks of night has to say so, or it could stand in a prompt for noon."""
    undeclared = []
    for phrase in every_phrase():
        for text in phrase.text.values():
            said, declared = parse_idea(text).facts, phrase.says
            facets = [facet for facet in ("time", "weather") if facet in said]
            undeclared += [(text, facet) for facet in facets if not said[facet] & declared.get(facet, frozenset())]
    assert not undeclared


def test_the_styles_are_those_of_the_lexicon_and_all_are_named() -> None:
    style = next(option for option in Params.options() if option.name == "style")
    assert [word for word in tokenize(style.description) if word in STYLES] == [*STYLES]
    assert {each.style for each in all_of("a cat", style="ink")} == {"ink"}


def test_a_style_alone_adds_its_medium_unless_the_prompt_has_one() -> None:
    assert in_style("a cat.", "pixel") == ("a cat, detailed pixel art with a limited palette", ())
    assert in_style("un gato con botas", "pixel") == ("un gato con botas, pixel art detallado de paleta limitada", ())
    prompt, notes = in_style("a watercolour of a cat", "pixel")
    assert (prompt, len(notes)) == ("a watercolour of a cat", 1)


def every_phrase() -> Iterator[Phrase]:
    return (phrase for phrases in load_lexicon().phrases.values() for phrase in phrases)
