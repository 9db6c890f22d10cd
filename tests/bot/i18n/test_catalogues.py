"""The catalogues hold a complete translation of every sentence in the code, and nothing else."""

from collections.abc import Iterator
from io import BytesIO
from string import Formatter

import pytest
from babel.messages import Catalog, Message
from babel.messages.pofile import read_po

from bot.i18n.catalogue import LOCALE_FOLDER, build_catalogue, forms_of, is_finished, read_messages
from bot.i18n.extraction import Sentences
from bot.i18n.translate import CATALOGUES
from bot.i18n.update import build_template, format_catalogue, update_catalogue

LANGUAGES = sorted(path.name for path in LOCALE_FOLDER.iterdir())


@pytest.fixture(scope="module")
def template(found: Sentences) -> Catalog:
    return build_template(found)


@pytest.fixture(params=LANGUAGES)
def messages(request: pytest.FixtureRequest) -> Catalog:
    return read_messages(request.param)


def test_every_catalogue_is_used() -> None:
    assert sorted(CATALOGUES) == LANGUAGES


def test_every_sentence_has_a_translation(messages: Catalog, found: Sentences) -> None:
    known = {forms_of(message.id) for message in messages}
    missing = [
        f"{place} {text}"
        for text, place in found.templates.items()
        if forms_of((text, found.plurals[text]) if text in found.plurals else text) not in known
    ]
    assert not missing, "Run scripts/translations, then translate:\n" + "\n".join(missing)


def test_no_translation_is_unused(messages: Catalog, found: Sentences) -> None:
    unused = [message.id for message in sentences(messages) if forms_of(message.id)[0] not in found.templates]
    assert not unused, f"Run scripts/translations: {unused}"
    assert not messages.obsolete, "Run scripts/translations"


def test_no_translation_is_fuzzy_empty_or_without_a_plural_form(messages: Catalog) -> None:
    assert not [message.id for message in sentences(messages) if not is_finished(message)]
    wanted = {True: messages.num_plurals, False: 1}
    assert not [
        message.id for message in sentences(messages) if len(forms_of(message.string)) != wanted[message.pluralizable]
    ]


def test_no_sentence_is_built_from_parts(found: Sentences) -> None:
    assert not found.built


def test_translations_have_the_same_placeholders(messages: Catalog) -> None:
    wrong = {
        message.id: form
        for message in sentences(messages)
        for form in forms_of(message.string)
        if names(form) != names(forms_of(message.id)[-1])
    }
    assert not wrong


def test_a_singular_and_its_plural_have_the_same_placeholders(found: Sentences) -> None:
    assert not {one: many for one, many in found.plurals.items() if names(one) != names(many)}


def test_translations_end_with_the_same_punctuation(messages: Catalog) -> None:
    wrong = {
        message.id: form
        for message in sentences(messages)
        for form in forms_of(message.string)
        if ending(form) != ending(forms_of(message.id)[-1])
    }
    assert not wrong


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_update_changes_nothing_when_no_sentence_changed(language: str, template: Catalog) -> None:
    updated = update_catalogue(language, template)
    assert translations(updated) == translations(read_messages(language))
    assert translations(read_po(BytesIO(format_catalogue(updated)), locale=language)) == translations(updated)


def test_a_new_language_starts_with_every_sentence_untranslated(template: Catalog) -> None:
    french = update_catalogue("fr", template)
    assert {forms_of(message.id) for message in sentences(french)} == {forms_of(m.id) for m in sentences(template)}
    assert not any(is_finished(message) for message in sentences(french))


def test_a_translation_that_nobody_checked_is_not_shown() -> None:
    text = 'msgid "one"\nmsgstr "uno"\n\n#, fuzzy\nmsgid "two"\nmsgstr "uno"\n\nmsgid "three"\nmsgstr ""\n'
    messages = read_po(BytesIO(text.encode()), locale="es")
    assert build_catalogue(messages).translations == {"one": "uno"}


def test_every_kind_of_sentence_is_found(found: Sentences) -> None:
    """Check errors, commands, options, messages, stages, tables, and helpers that pass a sentence on."""
    expected = {
        "The studio is shutting down. Try again in a minute.": "bot/requests/service.py",
        "You have no jobs in progress.": "bot/commands/cancel.py",
        "Draw pictures from a description": "bot/commands/imagine.py",
        "What to draw": "engine/tasks/imagine/params.py",
        "The worker is starting.": "engine/host/supervisor.py",
        "drawing": "engine/tasks",
        "{option} is “{value}”; it must be on or off.": "engine/core/validation_errors.py",
        "off: set {variable} and restart": "bot/adapters/registry.py",
    }
    missed = [text for text, place in expected.items() if not found.templates.get(text, "").startswith(place)]
    assert not missed


def sentences(messages: Catalog) -> Iterator[Message]:
    """Yield the messages without the header."""
    return (message for message in messages if message.id)


def translations(messages: Catalog) -> dict[tuple[str, ...], tuple[str, ...]]:
    return {forms_of(message.id): forms_of(message.string) for message in sentences(messages)}


def names(template: str) -> set[tuple[str, str | None]]:
    """Return the facts and their formats. Any form may leave out the count: "a job" is one."""
    return {(name, form) for _, name, form, _ in Formatter().parse(template) if name not in (None, "count")}


def ending(template: str) -> str:
    return template[-1] if template[-1] in ".:…?" else ""
