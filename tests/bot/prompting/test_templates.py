"""Variants and wildcards: the prompts that a template expands to."""

import os
from collections import Counter
from pathlib import Path

import pytest

from bot.prompting.template_syntax import MAX_CHARACTERS
from bot.prompting.templates import MAX_COUNTED_PROMPTS, MAX_DRAWS, count, expand
from bot.prompting.wildcard_lists import MAX_LIST_BYTES, WildcardLists
from engine.core.errors import BadInput
from tests.timing import thread_seconds

NONE = WildcardLists(Path("nowhere"))


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a plain prompt, (with:1.2) [marks] | and a pipe", ["a plain prompt, (with:1.2) [marks] | and a pipe"]),
        ("{red|blue} car", ["red car", "blue car"]),
        ("{2$$a|b|c}", ["a, b", "a, c", "b, c"]),
        ("{2$$ and $$a|b|c} hat", ["a and b hat", "a and c hat", "b and c hat"]),
        ("{1-2$$a|b}", ["a", "b", "a, b"]),
        ("{-1$$a|b}", ["a", "b"]),
        ("{0-1$$a}b", ["b", "ab"]),
        ("{{big|small} cat|dog}", ["big cat", "small cat", "dog"]),
        ("{a|b} {c|d}", ["a c", "a d", "b c", "b d"]),
        ("{2$${a|b}|c}", ["a, c", "b, c"]),
        ("{0.5::a|2::b}", ["a", "b"]),
        ("{cat}", ["cat"]),
        ("a {|very} old car", ["a old car", "a very old car"]),
        (r"a \{plain\|one\}", ["a {plain|one}"]),
    ],
)
def test_a_prompt_expands_to_every_choice_in_the_order_of_the_text(prompt: str, expected: list[str]) -> None:
    assert expand(prompt, None, NONE) == expected
    assert count(prompt) == len(expected)


@pytest.mark.parametrize(
    "prompt",
    [
        "{10$$" + "|".join("abcdefghijklmnopqrstuvwxyz") + "}",
        "{" * 8 + "a" + ("||||||||||||||||||||" + "}") * 8,
        "{1-8$$" * 8 + "a" + ("|||||||" + "}") * 8,
        "{0-700$$" + "|" * 699 + "}",
        "{a|b}" * 300,
        "{49-50$$" + "{|}|" * 49 + "}",
    ],
)
def test_millions_of_variants_are_counted_only_up_to_the_bound(prompt: str) -> None:
    counted = list[int]()
    assert thread_seconds(lambda: counted.append(count(prompt))) < 2
    assert counted == [MAX_COUNTED_PROMPTS + 1]
    with pytest.raises(BadInput, match="more than 50 prompts"):
        expand(prompt, 1, NONE)


@pytest.mark.parametrize(
    ("prompt", "number"),
    [
        ("{2$$a|b|{c|d}}", 5),
        ("{3$$a|{b|c}|{d|e}}", 4),
        ("{0$$a|b|c}", 1),
        ("{49$$" + "|" * 49 + "}", 50),
        ("{700$$" + "|" * 699 + "}", 1),
        ("{" * 8 + "a" + ("|||||" + "}") * 8, 41),
    ],
)
def test_the_count_is_the_number_of_prompts(prompt: str, number: int) -> None:
    assert count(prompt) == number
    assert len(expand(prompt, 1, NONE)) == number


def test_variants_that_would_make_a_huge_text_are_refused_before_expansion() -> None:
    with pytest.raises(BadInput, match="expands to 1,747,500 characters; the limit is 20,000"):
        count("{700$$" + "x" * 2500 + "$$" + "|" * 699 + "}")
    with pytest.raises(BadInput, match=f"with variants the limit is {MAX_CHARACTERS:,}"):
        count("{a|b}" + "x" * MAX_CHARACTERS)


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("a {red|blue car", "a { without a matching }"),
        ("a red} car", "a } without a matching {"),
        ("{3$$a|b}", "3 of 2 variants"),
        ("{2-1$$a|b}", "variants from 2 to 1. Write the smaller number first: {1-2$$…}"),
        ("{" + "9" * 4400 + "$$a|b}", "asks for too many variants at once (9999…)"),
        ("{5-$$a|b}", "5 of 2 variants"),
        ("__" + "a" * 400 + "__", "There is no wildcard list __aaa"),
        ("__" + "a/" * 2000 + "a__", "There is no wildcard list __a/a/"),
        ("{" * 700, "8 deep"),
        ("__nothing__", "There is no wildcard list __nothing__. Available: animal, color, colour"),
    ],
)
def test_a_syntax_error_is_named(prompt: str, words: str) -> None:
    with pytest.raises(BadInput) as refused:
        expand(prompt, 1, NONE)
    assert words in str(refused.value)


def test_a_wildcard_cannot_name_a_file_outside_its_folder() -> None:
    assert expand("__../../etc/passwd__", 1, NONE) == ["__../../etc/passwd__"]
    assert expand("__a/../b__", 1, NONE) == ["__a/../b__"]


def test_a_wildcard_is_a_word_from_the_owners_list_chosen_by_the_seed(tmp_path: Path) -> None:
    (tmp_path / "my").mkdir()
    (tmp_path / "my" / "pets.txt").write_text("# a note\n\n{small|large} dog\n__colour__ cat\n")
    (tmp_path / "colour.txt").write_text("teal\n")
    lists = WildcardLists(tmp_path)
    prompts = {expand("a __my/pets__", seed, lists)[0] for seed in range(40)}
    assert prompts == {"a small dog", "a large dog", "a teal cat"}
    assert expand("a __my/pets__", 7, lists) == expand("a __my/pets__", 7, lists)
    assert "my/pets" in lists.names()


def test_a_list_that_refers_to_itself_or_is_empty_is_refused(tmp_path: Path) -> None:
    (tmp_path / "again.txt").write_text("__again__\n")
    (tmp_path / "empty.txt").write_text("# nothing yet\n")
    for name, words in (("again", "refers to itself"), ("empty", "is empty")):
        with pytest.raises(BadInput, match=words):
            expand(f"__{name}__", 1, WildcardLists(tmp_path))


def test_a_byte_order_mark_is_not_part_of_a_word(tmp_path: Path) -> None:
    (tmp_path / "pets.txt").write_text("\ufeff# a note\n\ufeffcat\n", "utf-8")
    assert expand("a __pets__", 1, WildcardLists(tmp_path)) == ["a cat"]


def test_a_weight_in_a_list_sets_how_often_its_word_is_drawn(tmp_path: Path) -> None:
    (tmp_path / "colours.txt").write_text("3::red\n0.5::{7::dark|0::light} blue\n0::never\n")
    lists = WildcardLists(tmp_path)
    drawn = Counter(expand("__colours__", seed, lists)[0] for seed in range(400))
    assert set(drawn) == {"red", "dark blue"}
    assert 4 < drawn["red"] / drawn["dark blue"] < 8


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("caf\xe9\n".encode("latin-1"), "is not UTF-8 text. Tell an admin to save pets.txt as UTF-8."),
        ("cat\n".encode("utf-16"), "is not UTF-8 text"),
        ("cat\n".encode("utf-16-le"), "is not UTF-8 text"),
        (b"cat\n" * (MAX_LIST_BYTES // 4 + 1), "is larger than 1 MB"),
        (b"0::cat\n", "add up to zero"),
        (b"9" * 400 + b"::cat\n", "add up to zero or are too large"),
        (b"{cat\n", "pets.txt has a { without a matching }"),
        (b"{300$$" + b"x" * 1000 + b"$$" + b"|" * 299 + b"}\n", "expands to more than 20,000 characters"),
        (b"", "is empty"),
    ],
)
def test_a_list_that_cannot_be_used_is_named(data: bytes, why: str, tmp_path: Path) -> None:
    (tmp_path / "pets.txt").write_bytes(data)
    with pytest.raises(BadInput) as refused:
        expand("a __pets__", 1, WildcardLists(tmp_path))
    assert why in str(refused.value)


def test_a_list_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "loop.txt").symlink_to(tmp_path / "loop.txt")
    (tmp_path / "folder.txt").mkdir()
    for name in ("loop", "folder"):
        with pytest.raises(BadInput, match=f"__{name}__"):
            expand(f"__{name}__", 1, WildcardLists(tmp_path))


def test_lists_that_refer_to_each_other_are_drawn_from_a_bounded_number_of_times(tmp_path: Path) -> None:
    for number in range(7):
        (tmp_path / f"l{number}.txt").write_text(f"__l{number + 1}__ " * 30 + "\n")
    (tmp_path / "l7.txt").write_text("end\n")
    with pytest.raises(BadInput, match=f"The limit for wildcards is {MAX_DRAWS:,}"):
        expand("__l0__", 1, WildcardLists(tmp_path))


def test_a_list_whose_name_cannot_be_written_in_a_prompt_is_not_listed(tmp_path: Path) -> None:
    for name in (b"caf\xe9.txt", b"two words.txt", b"good.txt"):
        (Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))).write_text("a\n")
    names = WildcardLists(tmp_path).names()
    assert "good" in names
    assert not any(" " in name or "caf" in name for name in names)
