"""The language of a text, by most of its words."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.text.language import MODEL_BYTES, LanguageDetector, main_script

DETECTOR = LanguageDetector()


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("An apple a day.", "en"), ("Meow", "en"), ("A cat on a mat", "en"), ("No", "en"), ("", "en"),
        ("1 2 3 ☃", "en"),
        ("The word привет means hello in Russian.", "en"), ("My friend Ελένη lives in 東京 now.", "en"),
        ("안녕 means hello, my friend.", "en"), ("ＨＥＬＬＯ there, how are you?", "en"),  # noqa: RUF001  # full-width
        ("The naïve café owner smiled.", "en"), ("Then the wind turned.", "en"),
        ("Hola, yo soy un gato", "es"), ("La palabra Mädchen es alemana.", "es"), ("Buenos días", "es"),
        ("O gato está na mesa e não dorme", "pt"), ("Muito obrigado", "pt"), ("Bonjour, je suis un chat", "fr"),
        ("La nuit tombe sur la ville", "fr"), ("Guten Morgen", "de"), ("Ich trinke Wasser mit José in Madrid.", "de"),
        ("Grazie mille", "it"), ("De nacht valt over de stad", "nl"), ("Dzień dobry", "pl"), ("Tack så mycket", "sv"),
        ("Привет", "ru"), ("Он сказал hello и ушёл домой", "ru"), ("Ніч опускається на місто, її не видно", "uk"),
        ("こんにちは", "ja"), ("漢字とかな", "ja"), ("早上好", "zh"), ("안녕하세요", "ko"), ("Καλημέρα", "el"),
        ("صباح الخير", "ar"), ("صبح بخیر همه شما چطور هستید", "fa"), ("सुप्रभात", "hi"), ("שלום", "he"), ("สวัสดี", "th"),
    ],
)  # fmt: skip
def test_the_language_of_a_text_is_detected_and_defaults_to_english(text: str, language: str) -> None:
    assert DETECTOR.detect(text) == language


def test_the_model_is_loaded_for_the_first_text_that_needs_it_until_close() -> None:
    detector = LanguageDetector()
    assert (detector.detect("Καλημέρα"), detector.bytes) == ("el", 0)
    assert (detector.detect("Good morning"), detector.bytes) == ("en", MODEL_BYTES)
    detector.close()
    assert detector.bytes == 0
    assert detector.detect("Buenos días") == "es"


def test_threads_do_not_interfere() -> None:
    texts = ["Good morning to all of you", "Доброе утро всем друзьям", "صباح الخير"] * 40
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(DETECTOR.detect, texts)) == ["en", "ru", "ar"] * 40


def test_the_words_of_a_text_are_those_of_its_main_script() -> None:
    assert main_script("The word привет means hello") == ("LATIN", ["The", "word", "means", "hello"])
    assert main_script("123 !?") == ("", [])
