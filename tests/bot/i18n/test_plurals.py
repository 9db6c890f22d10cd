"""A sentence that states a count agrees with it, in every language."""

import re
from string import Formatter

import pytest

from bot.i18n.catalogue import forms_of, read_messages
from bot.i18n.extraction import Sentences
from bot.i18n.translate import CATALOGUES, Language, translate, translate_message
from engine.core.errors import BadInput, UserMessage

NOT_NOUNS = {
    "done", "failed", "cancelled", "in", "from", "of",
    "con", "de", "en",
}  # fmt: skip
"""Words after a count that do not change with it."""
ADJECTIVES = "active|audio|tracked"
"""Words between a count and its noun."""
VERBS = {
    "accepts", "appears", "asks", "belongs", "contains", "draws", "expands", "has", "lacks", "lasts", "makes", "needs",
    "nests", "refers", "uses", "was",
}  # fmt: skip
"""Words that end like a plural but are none. They follow the name of an option, a file or a job."""


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_no_count_stands_beside_a_noun_of_the_other_number(count: int, language: Language, found: Sentences) -> None:
    wrong = [text for text in render_all(found, count, language) if disagrees(text, count)]
    assert not wrong


def test_the_check_of_agreement_finds_faults() -> None:
    assert disagrees("You have 1 jobs.", 1)
    assert disagrees("Hay 1 trabajos", 1)
    assert disagrees("You have 2 job waiting.", 2)
    assert disagrees("0 imagen", 0)
    assert disagrees("1 active users", 1)
    assert not disagrees("You have 1 job, 2 files and 5 s.", 1)


def test_a_sentence_with_a_number_before_a_plural_noun_has_a_singular_too(found: Sentences) -> None:
    """Check English and every translation. A size such as 640 x 480 pixels is always plural."""
    translated = [form for language in CATALOGUES for form in plain_translations(language)]
    english = [text for text in found.templates if text not in found.plurals]
    wrong = [text for text in english + translated if number_before_plural(text)]
    assert not wrong


def test_a_plural_is_chosen_by_the_count() -> None:
    texts = {
        count: [translate("{count:,} job", language, plural="{count:,} jobs", count=count) for language in ("en", "es")]
        for count in (0, 1, 2)
    }
    assert texts == {
        0: ["0 jobs", "0 trabajos"],
        1: ["1 job", "1 trabajo"],
        2: ["2 jobs", "2 trabajos"],
    }


def test_a_plural_without_a_translation_stays_english() -> None:
    assert [translate("{count} cat", "es", plural="{count} cats", count=count) for count in (1, 2)] == [
        "1 cat",
        "2 cats",
    ]


def test_an_error_keeps_its_plural_on_its_way_through_the_worker() -> None:
    error = BadInput("{count} job", plural="{count} jobs", count=3)
    sent = UserMessage.model_validate_json(error.sentence.model_dump_json())
    assert str(BadInput.revive("BadInput", sent)) == str(error) == "3 jobs"
    assert translate_message(sent, "en") == "3 jobs"


def render_all(found: Sentences, count: int, language: Language) -> list[str]:
    """Return every sentence that states a count, for this one."""
    return [
        translate_message(
            UserMessage(template=one, plural=many, facts={**sample_facts(many), "count": count}), language
        )
        for one, many in found.plurals.items()
    ]


def sample_facts(template: str) -> dict[str, str | int | float]:
    """Return a number for each fact that has a format, and a letter for each other one."""
    return {name: 7 if form else "x" for _, name, form, _ in Formatter().parse(template) if name}


def disagrees(text: str, count: int) -> bool:
    """Return whether the word after the count is a plural for 1, or a singular for another count."""
    words = [
        word
        for word in re.findall(rf"(?<![\w.,]){count} (?:(?:{ADJECTIVES}) )?(\w{{2,}})", text)
        if word not in NOT_NOUNS
    ]
    return any(word.endswith("s") == (count == 1) for word in words)


def number_before_plural(template: str) -> bool:
    found = re.findall(r"(?<! x )\{\w+(?::(?!bytes|duration)[^}]*)?\} (\w{3,}s)\b", template)
    return not VERBS.issuperset(found)


def plain_translations(language: str) -> list[str]:
    messages = [message for message in read_messages(language) if message.id and not message.pluralizable]
    return [form for message in messages for form in forms_of(message.string)]
