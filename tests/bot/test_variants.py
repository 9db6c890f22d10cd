"""Permutations and wildcards: what a prompt stands for."""

from pathlib import Path

import pytest

from bot.variants import Lists, count, variants
from engine.errors import BadInput

NONE = Lists(Path("nowhere"))


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
def test_a_prompt_stands_for_every_choice_in_the_order_of_writing(prompt: str, expected: list[str]) -> None:
    assert variants(prompt, None, NONE) == expected
    assert count(prompt) == len(expected)


def test_what_would_be_millions_is_counted_without_being_made() -> None:
    assert count("{10$$" + "|".join("abcdefghijklmnopqrstuvwxyz") + "}") == 5_311_735


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("a {red|blue car", "a { without its }"),
        ("a red} car", "a } without its {"),
        ("{3$$a|b}", "3 of 2 variants"),
        ("{" * 700, "8 deep"),
        ("__nothing__", "There is no list for __nothing__. The lists are: animal, color, colour"),
    ],
)
def test_what_is_not_written_right_is_refused_by_its_fault(prompt: str, words: str) -> None:
    with pytest.raises(BadInput) as refused:
        variants(prompt, 1, NONE)
    assert words in str(refused.value)


def test_a_wildcard_names_no_file_outside_its_folder() -> None:
    assert variants("__../../etc/passwd__", 1, NONE) == ["__../../etc/passwd__"]
    assert variants("__a/../b__", 1, NONE) == ["__a/../b__"]


def test_a_wildcard_is_a_word_of_the_owners_list_by_the_seed(tmp_path: Path) -> None:
    (tmp_path / "my").mkdir()
    (tmp_path / "my" / "pets.txt").write_text("# a note\n\n{small|large} dog\n__colour__ cat\n")
    (tmp_path / "colour.txt").write_text("teal\n")
    lists = Lists(tmp_path)
    made = {variants("a __my/pets__", seed, lists)[0] for seed in range(40)}
    assert made == {"a small dog", "a large dog", "a teal cat"}
    assert variants("a __my/pets__", 7, lists) == variants("a __my/pets__", 7, lists)
    assert "my/pets" in lists.names()


def test_a_list_that_names_itself_or_is_empty_is_the_owners_to_mend(tmp_path: Path) -> None:
    (tmp_path / "again.txt").write_text("__again__\n")
    (tmp_path / "empty.txt").write_text("# nothing yet\n")
    for name, words in (("again", "names itself"), ("empty", "is empty")):
        with pytest.raises(BadInput, match=words):
            variants(f"__{name}__", 1, Lists(tmp_path))
