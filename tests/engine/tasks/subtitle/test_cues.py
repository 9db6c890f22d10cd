"""Cues as a subtitler would cut them."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import Cancelled
from engine.tasks.subtitle.cues import (
    CHARACTERS_PER_SECOND,
    LINE_CELLS,
    MAX_CUE_SECONDS,
    MIN_CUE_SECONDS,
    Cue,
    Word,
    count_cells,
    join_words,
)
from engine.tasks.subtitle.cutting import GAP_SECONDS, cut_cues
from engine.tasks.subtitle.sources import add_translation
from engine.tasks.subtitle.word_times import fill_missing_times
from tests.timing import thread_seconds


def words_of(text: str, start: float = 0.0, pace: float = 15.0) -> list[Word]:
    """`text` said evenly at `pace` characters a second; “/” is a silence of two seconds."""
    words = []
    at = start
    for piece in text.split():
        if piece == "/":
            at += 2
            continue
        end = at + (len(piece) + 1) / pace
        words.append(Word(f" {piece}", at, end))
        at = end
    return words


def texts(words: list[Word]) -> list[str]:
    return [cue.text for cue in cut_cues(words)]


def test_a_short_sentence_is_one_line() -> None:
    assert texts(words_of("We paint it blue.")) == ["We paint it blue."]


def test_sentences_are_kept_apart() -> None:
    assert texts(words_of("This is the first sentence of all. And here begins the second one.")) == [
        "This is the first sentence of all.",
        "And here begins the second one.",
    ]


def test_an_abbreviation_ends_no_cue() -> None:
    said = "Mr. Smith lives on St. James St. near Mrs. Jones. He wakes at 5 p.m. every day. Then he reads No. 7."
    assert [text.replace("\n", " ") for text in texts(words_of(said))] == [
        "Mr. Smith lives on St. James St. near Mrs. Jones.",
        "He wakes at 5 p.m. every day.",
        "Then he reads No. 7.",
    ]


def test_a_quotation_mark_after_the_end_of_a_sentence_does_not_hide_it() -> None:
    said = "“We have been waiting for the boat all day.” Nobody answered her for a long while."
    assert texts(words_of(said)) == [
        "“We have been waiting\nfor the boat all day.”",
        "Nobody answered her for a long while.",
    ]


@pytest.mark.parametrize(
    ("language", "said", "count"),
    [
        ("es", "El Sr. Pérez y la Sra. García viven en EE. UU. desde 2001. Compran fruta, p. ej. manzanas y uvas.", 2),
        ("fr", "M. Dupont et Mme. Durand arrivent ce soir. Ils vont chez le Dr. Petit, p. ex. à six heures.", 2),
    ],
)
def test_the_language_tells_its_abbreviations(language: str, said: str, count: int) -> None:
    assert len(cut_cues(words_of(said), LINE_CELLS, language)) == count


def test_a_long_sentence_breaks_where_a_clause_ends() -> None:
    said = "When the glue has dried and the seat is firm, we sand the legs by hand until the wood is smooth and warm."
    assert [text.replace("\n", " ") for text in texts(words_of(said))] == [
        "When the glue has dried and the seat is firm,",
        "we sand the legs by hand until the wood is smooth and warm.",
    ]


def test_two_lines_are_about_equally_long_and_no_word_stands_alone() -> None:
    [cue] = cut_cues(words_of("Today we are going to build a wooden chair, and paint."))
    assert len(cue.lines) == 2
    assert all(len(line) > 2 for line in cue.lines)


def test_a_silence_ends_a_cue() -> None:
    assert texts(words_of("and then / nothing happened")) == ["and then", "nothing happened"]


def test_a_cue_stays_long_enough_to_be_read() -> None:
    cue, _ = cut_cues([Word(" Yes!", 1.0, 1.1), Word(" Later.", 9.0, 9.4)])
    assert (cue.start, cue.end) == (1.0, 1.0 + MIN_CUE_SECONDS)


def test_chinese_has_half_as_many_characters_in_a_line() -> None:
    said = "我们今天要做一把木头椅子然后把它漆成蓝色首先要仔细测量椅子的四条腿因为短腿会让整把椅子摇晃"
    cues = cut_cues([Word(letter, at * 0.25, at * 0.25 + 0.25) for at, letter in enumerate(said)])
    assert "".join(cue.text.replace("\n", "") for cue in cues) == said
    assert all(len(line) <= LINE_CELLS // 2 for cue in cues for line in cue.text.split("\n"))


def test_a_word_that_no_line_holds_is_cut() -> None:
    cues = cut_cues([Word(" " + "x" * 130, 0, 4)])
    assert "".join(cue.text.replace("\n", "") for cue in cues) == "x" * 130
    assert all(count_cells(line) <= LINE_CELLS for cue in cues for line in cue.text.split("\n"))


def test_words_without_times_share_what_their_neighbours_leave() -> None:
    words = fill_missing_times([("a", None, None), ("b", 2.0, 3.0), ("c", None, None), ("d", None, None)], 1.0, 5.0)
    assert [(word.start, word.end) for word in words] == [(1, 2), (2, 3), (3, 4), (4, 5)]


def test_times_that_run_backwards_are_set_right() -> None:
    words = fill_missing_times([("a", 1.0, 2.0), ("b", 1.5, 1.2)], 0.0, 3.0)
    assert [(word.start, word.end) for word in words] == [(1, 2), (2, 2)]


def test_a_translation_stands_under_the_cue_of_its_time() -> None:
    cues = cut_cues(words_of("Buenos días a todos. / Hasta luego."))
    first, second = add_translation(cues, [Word(" Good morning.", 0.1, 1.0), Word(" Bye.", 3.5, 4.0)], LINE_CELLS)
    assert (first.text, second.text) == ("Buenos días a todos.\nGood morning.", "Hasta luego.\nBye.")


WORDS = st.lists(
    st.tuples(
        st.text(st.characters(codec="utf-8", categories=("L", "N", "Po", "Ps")), min_size=1, max_size=60),
        st.floats(0.05, 1.5),
        st.floats(0, 3),
    ),
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(WORDS, st.integers(10, LINE_CELLS))
def test_whatever_is_said_is_kept_readable_and_in_order(said: list[tuple[str, float, float]], line: int) -> None:
    words, at = [], 0.0
    for text, seconds, silence in said:
        words.append(Word(f" {text}", at, at + seconds))
        at += seconds + silence
    cues = cut_cues(words, line)
    assert "".join("".join(map(join_words, cue.lines)) for cue in cues).replace(" ", "") == "".join(
        text for text, _, _ in said
    ).replace(" ", "")
    for cue in cues:
        assert len(cue.lines) <= 2
        assert all(count_cells(join_words(words)) <= line for words in cue.lines)
        assert 0 < cue.end - cue.start <= MAX_CUE_SECONDS + 0.01
    for before, after in pairwise(cues):
        assert before.end <= after.start


@pytest.mark.parametrize("pace", [10.0, 14.0, 16.0])
def test_speech_at_an_ordinary_pace_can_be_read(pace: float) -> None:
    said = (
        "Good morning everyone, and welcome to our little workshop. Today we are going to build a wooden chair, and "
        "paint it blue. First, measure the legs with great care, because a short leg makes the whole chair wobble. "
    )
    cues = cut_cues(words_of(said * 4, pace=pace))
    assert all(len(cue.text) / (cue.end - cue.start) <= CHARACTERS_PER_SECOND + 2 for cue in cues)
    assert all(cue.end - cue.start >= MIN_CUE_SECONDS - GAP_SECONDS for cue in cues)
    assert all(len(line) > 1 for cue in cues for line in cue.lines)


def test_cutting_an_hour_of_speech_takes_seconds() -> None:
    """It took a minute when each span was measured anew, and nothing looked at a cancel meanwhile."""
    said = "我们今天要做一把木头椅子然后把它漆成蓝色首先要仔细测量"
    words = [Word(said[at % len(said)], at * 0.2, at * 0.2 + 0.2) for at in range(18_000)]
    cues = list[Cue]()
    assert thread_seconds(lambda: cues.extend(cut_cues(words))) < 20
    assert sum(len(line) for cue in cues for line in cue.lines) == len(words)


def test_a_cancel_ends_cutting_at_the_next_word() -> None:
    def cancelled() -> None:
        raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        cut_cues(words_of("one two three"), LINE_CELLS, check=cancelled)


def test_a_translation_of_an_hour_is_placed_in_seconds() -> None:
    words = words_of("Buenos días a todos. " * 2500)
    cues = cut_cues(words)
    placed = list[Cue]()
    assert thread_seconds(lambda: placed.extend(add_translation(cues, words, LINE_CELLS))) < 10
    assert sum(len(" ".join(cue.second).split()) for cue in placed) == 10_000
