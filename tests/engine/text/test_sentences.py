"""Sentences in the languages that are spoken, and texts on which a splitter could hang."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.tasks.speech import languages
from engine.text.sentences import MAX_BLOCK_CHARACTERS, sentence_ends, split_sentences
from tests.timing import grows_linearly


@pytest.mark.parametrize(
    ("language", "text", "count"),
    [
        (
            "en",
            "Mr. Smith lives on St. James St. near Mrs. Jones. He wakes at 5 p.m. every day. Then he reads No. 7.",
            3,
        ),
        ("en", "Dr. Brown vs. the U.S. government, e.g. in court. It was on Jan. 5. It went well.", 3),
        ("en", "We arrived at 5 p.m. The train had left.", 2),
        ("en", "He lives in the U.S. It is big.", 2),
        ("en", "J. R. R. Tolkien wrote it. J.K. Rowling did not.", 2),
        ("en", "It costs $3.50. Pi is 3.14159. Visit https://example.com/a.b?c=d. Then go.", 4),
        ("en", "Prof. Lee, Ph.D., works at Acme Inc. in Calif. He likes i.e. tea, cf. coffee, approx. 5 cups.", 2),
        ("en", "At 9 a.m. Monday he left for Washington, D.C. with Ms. Green. Bye.", 2),
        ("en", '"Is it you?" she asked. "Yes!" he said.', 2),
        ("en", "Version 2.0.1 is out. Write to a.b@c.com. Thanks.", 3),
        ("es", "El Sr. Pérez y la Sra. García viven en EE. UU. desde 2001. Compran fruta, p. ej. manzanas. Ya.", 3),
        ("es", "La Dra. Ruiz llegó a las 5 p.m. ¿Cómo está Ud.? ¡Muy bien! Pág. 7 del libro.", 4),
        ("de", "Das ist z. B. gut, d. h. fein. Dr. Müller kommt am 3. Mai. Der 1. FC Köln spielt.", 3),
        ("fr", "M. Dupont et Mme. Durand arrivent. Ils vont chez le Dr. Petit. C'est p. ex. ici.", 3),
        ("it", "Il Sig. Rossi e la Sig.ra Bianchi arrivano. L'Ing. Verdi no.", 2),
        ("pt-br", "O Sr. Silva e a Sra. Costa chegam. O Dr. João mora na Av. Paulista n.º 5. Fim.", 3),
        ("nl", "Dhr. Jansen en mevr. de Vries komen o.a. bijv. morgen. Goed.", 2),
        ("pl", "Mieszkam przy ul. Długiej nr. 5, np. tutaj. Prof. Nowak też. Dobrze.", 3),
        ("ja", "これはペンです。それは本です。はい！", 3),  # noqa: RUF001  # full-width
        ("yue", "你好。你係邊個？我好好！", 3),  # noqa: RUF001  # full-width
        ("hi", "यह एक किताब है। वह कौन है? ठीक है।", 3),
        ("ar", "مرحبا. كيف حالك؟ أنا بخير.", 3),
        ("eo", "Bonan tagon. Kiel vi fartas? Bone!", 3),
    ],
)
def test_abbreviations_end_no_sentence(language: str, text: str, count: int) -> None:
    found = split_sentences(text, language)
    assert len(found) == count, found
    assert "".join(found).replace(" ", "") == text.replace(" ", "")
    assert [text[:end][-3:] for end in sentence_ends(text, language)] == [each[-3:] for each in found]


def test_every_language_that_is_spoken_has_rules() -> None:
    for language in languages.espeak_voices():
        assert split_sentences("1 2 3! 4 5 6!", language) == ["1 2 3!", "4 5 6!"]


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("abZ.!?…;: \n\t\"'()[]«»“”0123。！？éMr\x1e\u200b\u2028\r\U0001f431"), max_size=80))  # noqa: RUF001
def test_no_letter_is_lost_and_ends_are_in_order(text: str) -> None:
    assert "".join("".join(split_sentences(text, "en")).split()) == "".join(text.split())
    ends = sentence_ends(text, "en")
    assert ends == sorted(set(ends))
    assert all(0 < end <= len(text) for end in ends)


@pytest.mark.parametrize("unit", ["a", "A", ".", "...", "(", "[", "Mr. ", "a.B ", '"a. ', "\n1. ", "J.", "!?", "。"])
def test_time_grows_with_the_length_of_a_hostile_text(unit: str) -> None:
    lengths = (4 * MAX_BLOCK_CHARACTERS, 16 * MAX_BLOCK_CHARACTERS)
    short, long = ((unit * length)[:length] for length in lengths)
    assert grows_linearly(lambda text: split_sentences(text, "en"), short, long)


def test_a_long_text_is_not_cut_inside_a_sentence() -> None:
    text = "It rained all day in the hills near St. James. " * 200
    assert set(split_sentences(text, "en")) == {"It rained all day in the hills near St. James."}
