"""Parsing of typed commands."""

import pytest

from bot.core.command_line import parse, split_command
from engine.core.errors import BadInput
from engine.tasks.imagine.params import Params


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("/imagine a red cat", ("imagine", "", "a red cat")),
        ("  /Imagine@studio_bot a cat", ("imagine", "studio_bot", "a cat")),
        ("/status", ("status", "", "")),
        ("hello /imagine", None),
    ],
)
def test_a_line_is_a_command_if_it_begins_with_one(line: str, expected: object) -> None:
    assert split_command(line) == expected


@pytest.mark.parametrize(
    ("words", "raw"),
    [
        ("a red cat --shape wide --seed 7", {"prompt": "a red cat", "shape": "wide", "seed": "7"}),
        ("--shape wide a red cat", {"prompt": "a red cat", "shape": "wide"}),
        ("a cat —seed=-1", {"prompt": "a cat", "seed": "-1"}),
        ("a cat's hat, well-lit", {"prompt": "a cat's hat, well-lit"}),
        ("a cat --negative blurry, dark --seed 3", {"prompt": "a cat", "negative": "blurry, dark", "seed": "3"}),
        ('a cat --negative "blurry" on a mat', {"prompt": "a cat on a mat", "negative": "blurry"}),
        ('--prompt "a red cat"', {"prompt": "a red cat"}),
        ("a cat --colour red", {"prompt": "a cat", "colour": "red"}),
        ("a cat --ar 16:9 --no text, signature", {"prompt": "a cat", "shape": "16:9", "negative": "text, signature"}),
        ("a cat --aspect 1:1 --tile", {"prompt": "a cat", "shape": "square", "tiling": "on"}),
        ("a cat --repeat 2 --fast on a mat", {"prompt": "a cat on a mat", "count": "2", "fast": "on"}),
        ("a cat —ar 3:2 —v 6.1", {"prompt": "a cat", "shape": "3:2", "v": "6.1"}),
        ("a cat —sleeping— on a mat", {"prompt": "a cat —sleeping— on a mat"}),
        ("a cat —sleeping on a mat", {"prompt": "a cat —sleeping on a mat"}),
        ("", {}),
    ],
)
def test_options_are_parsed_by_name_and_the_rest_is_the_prompt(words: str, raw: dict[str, str]) -> None:
    assert parse(Params, words) == raw


def test_words_that_no_option_takes_are_refused() -> None:
    with pytest.raises(BadInput, match="“and more” doesn't belong to any option"):
        parse(Params, "--prompt cat --seed 3 and more")
