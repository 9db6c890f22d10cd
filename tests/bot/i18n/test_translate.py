from string import Formatter

from bot.i18n.translate import SPANISH, language_of, translate
from tests.bot.i18n.sentences import sentences

FOUND = sentences()


def test_every_sentence_has_a_translation() -> None:
    missing = [f"{place} {template}" for template, place in FOUND.templates.items() if template not in SPANISH]
    assert not missing, "\n".join(missing)


def test_no_translation_is_unused() -> None:
    unused = [template for template in SPANISH if template not in FOUND.templates]
    assert not unused, "\n".join(unused)


def test_no_sentence_is_built_from_parts() -> None:
    assert not FOUND.built


def test_translations_have_the_same_placeholders() -> None:
    assert not {english: spanish for english, spanish in SPANISH.items() if names(english) != names(spanish)}


def test_translations_end_with_the_same_punctuation() -> None:
    assert not {english: spanish for english, spanish in SPANISH.items() if ending(english) != ending(spanish)}


def test_every_kind_of_sentence_is_found() -> None:
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
    missed = [text for text, place in expected.items() if not FOUND.templates.get(text, "").startswith(place)]
    assert not missed


def test_all_spanish_locales_are_spanish_and_all_others_english() -> None:
    assert [language_of(tag) for tag in ("es", "es-419", "es_ES", "ES")] == ["es"] * 4
    assert [language_of(tag) for tag in (None, "", "en-US", "est", "pt-BR")] == ["en"] * 5


def test_a_sentence_is_translated_with_its_facts() -> None:
    assert translate("Number {place} in the queue.", "es", place=3) == "Número 3 en la cola."
    assert translate("Number {place} in the queue.", place=3) == "Number 3 in the queue."


def names(template: str) -> set[tuple[str, str | None]]:
    return {(name, form) for _, name, form, _ in Formatter().parse(template) if name is not None}


def ending(template: str) -> str:
    return template[-1] if template[-1] in ".:…?" else ""
