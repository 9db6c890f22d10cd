"""Options that people write into the prompt out of habit."""

from collections.abc import Mapping
from typing import Any

import pytest

from bot.commands import COMMANDS
from bot.core.command import Command, Request
from bot.requests.prompt_flags import read_flags
from engine.core.errors import BadInput


def command_named(name: str) -> Command:
    return next(command for command in COMMANDS if command.name == name)


def read(command: str, raw: Mapping[str, Any], *, from_program: bool = False) -> tuple[dict[str, Any], list[str]]:
    request = Request(command, raw, "discord:1", "2/3", from_program=from_program)
    request, notes = read_flags(command_named(command), request)
    return dict(request.raw_options), [str(note) for note in notes]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a cat --ar 16:9 --seed 5", {"prompt": "a cat", "shape": "16:9", "seed": "5"}),
        ("a cat --shape wide", {"prompt": "a cat", "shape": "wide"}),
        ("a cat --no text", {"prompt": "a cat", "negative": "text"}),
        ("a cat, well--lit", {"prompt": "a cat, well--lit"}),
        ("a cat -- asleep", {"prompt": "a cat -- asleep"}),
        ("a cat — asleep", {"prompt": "a cat — asleep"}),
        ("--seed 3 a cat", {"prompt": "a cat", "seed": "3"}),
    ],
)
def test_options_in_a_prompt_are_options(prompt: str, expected: dict[str, Any]) -> None:
    assert read("imagine", {"prompt": prompt}) == (expected, [])


def test_an_option_without_an_equivalent_is_left_out_with_a_note() -> None:
    raw, notes = read("imagine", {"prompt": "a cat --v 6 --stylize 250 --ar 3:2"})
    assert raw == {"prompt": "a cat", "shape": "3:2"}
    assert notes == [f"--{name} has no effect here, so it was left out." for name in ("v", "stylize")]


def test_options_typed_on_another_platform_are_noted_too() -> None:
    assert read("imagine", {"prompt": "a cat", "v": "6"})[0] == {"prompt": "a cat"}


def test_an_option_that_is_given_twice_is_refused() -> None:
    with pytest.raises(BadInput, match="seed is given twice"):
        read("imagine", {"prompt": "a cat --seed 5", "seed": 7})


def test_an_unknown_option_is_named_when_the_options_are_checked() -> None:
    raw, _ = read("imagine", {"prompt": "a cat --sed 5"})
    with pytest.raises(BadInput, match="no option sed here"):
        command_named("imagine").params.check_words(raw, (), complete=True)


@pytest.mark.parametrize(("command", "option"), [("animate", "text"), ("video", "text")])
def test_words_to_speak_are_left_as_they_are(command: str, option: str) -> None:
    assert read(command, {option: "Well --you know"}) == ({option: "Well --you know"}, [])


def test_the_prompt_of_a_program_is_left_as_it_is() -> None:
    raw = {"prompt": "a cat --ar 16:9"}
    assert read("imagine", raw, from_program=True) == (raw, [])
