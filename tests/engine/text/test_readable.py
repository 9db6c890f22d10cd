"""Prompts as English text encoders read them."""

import unicodedata

import emoji
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.text.readable import PLAIN_SIGNS, readable_form, unreadable_words, without_unreadable_words
from tests.timing import grows_linearly


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("🐱", "cat face"),
        ("a 🐱 on a🚲, at night", "a cat face on a bicycle, at night"),
        ("🐱🐶3", "cat face dog face 3"),
        ("(🐱:1.3) and [🌵]", "(cat face:1.3) and [cactus]"),
        ("👩🏽‍🚀", "woman astronaut medium skin tone"),
        ("👨‍👩‍👧", "family man woman girl"),
        ("👩‍🦩", "woman flamingo"),  # no emoji of its own
        ("🇪🇸 and 🏴󠁧󠁢󠁥󠁮󠁧󠁿", "flag of Spain and flag of England"),
        ("1️⃣ #️⃣", "keycap 1 keycap #"),
        ("🅰️", "A button blood type"),  # brackets would be a weight
        ("I ❤ NY, ☀︎ and ❤️", "I red heart NY, sun and red heart"),
        ("12 cats #1 * Disney™ ©", "12 cats #1 * Disney™ ©"),
        ("ｃａｔ 𝓬𝓪𝓽 🄲", "cat cat C"),  # noqa: RUF001  # full-width
        ("c\u200bat \ufeff\u202ed\u00adog\u202c", "cat dog"),
        ("cafe\u0301 ñandú ½", "cafe\u0301 ñandú ½"),
    ],
)
def test_emoji_become_names_and_ornamental_letters_plain_ones(written: str, read: str) -> None:
    assert readable_form(written) == read


def test_every_emoji_has_a_name_that_is_read() -> None:
    for sign, about in emoji.EMOJI_DATA.items():
        if sign[0] in PLAIN_SIGNS and "\u20e3" not in sign:
            continue
        name = readable_form(sign)
        assert without_unreadable_words(name) == name, (sign, name, about)
        assert not set(name) & set("()[]:\\_"), name


@pytest.mark.parametrize(
    ("text", "unread", "kept"),
    [
        ("a red apple", [], "a red apple"),
        ("猫 a red apple", ["猫"], "a red apple"),
        ("a 黒い猫cat, красный дом", ["黒い猫", "красный", "дом"], "a cat,"),
        ("قطة צִפּוֹר แมว बिल्ली π", ["قطة", "צִפּוֹר", "แมว", "बिल्ली", "π"], ""),
        ("Æsop’s İstanbul, ß, Łódź, đường 1st 2ª", [], "Æsop’s İstanbul, ß, Łódź, đường 1st 2ª"),  # noqa: RUF001
        ("... !? →", [], ""),
        ("♪ song ٣", ["♪", "٣"], "song"),
    ],
)
def test_unreadable_words_are_found_and_removed(text: str, unread: list[str], kept: str) -> None:
    assert unreadable_words(text) == unread
    assert without_unreadable_words(text) == kept


@given(st.text(max_size=60))
def test_the_remaining_text_is_readable(text: str) -> None:
    left = without_unreadable_words(readable_form(text))
    assert unreadable_words(left) == []
    assert not any(unicodedata.category(letter) in {"So", "Co", "Cs"} for letter in left)


@pytest.mark.parametrize("unit", ["👩‍", "👩🏽‍", "👩", "\u200d", "🇪", "🏴\U000e0067", "1️⃣", "猫a", "(", "a\u0301"])
def test_time_grows_with_the_length_of_a_hostile_prompt(unit: str) -> None:
    short, long = ((unit * length)[:length] for length in (4_000, 16_000))
    assert grows_linearly(lambda text: without_unreadable_words(readable_form(text)), short, long)


def test_too_many_joined_emoji_are_named_one_by_one() -> None:
    assert readable_form("👩‍" * 6 + "🚀") == "woman " * 6 + "rocket"
