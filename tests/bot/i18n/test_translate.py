from bot.i18n.translate import language_of, translate


def test_all_spanish_locales_are_spanish_and_all_others_english() -> None:
    assert [language_of(tag) for tag in ("es", "es-419", "es_ES", "ES")] == ["es"] * 4
    assert [language_of(tag) for tag in (None, "", "en-US", "est", "pt-BR")] == ["en"] * 5


def test_a_sentence_is_translated_with_its_facts() -> None:
    assert translate("Number {place:,} in the queue.", "es", place=3) == "Puesto 3 de la cola."
    assert translate("Number {place:,} in the queue.", place=3) == "Number 3 in the queue."
