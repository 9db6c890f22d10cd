"""The buttons under a result, and the request that each stands for."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot.commands import COMMANDS
from bot.core.command import Attachment, ButtonAction, ButtonSpec, Command
from bot.presentation.buttons import (
    MAX_BUTTONS,
    MAX_FILES_WITH_BUTTONS,
    action_of,
    buttons_for,
    parse_button,
    parse_target,
)
from engine.core.job import Media, Result


def media(mime: str = "image/png") -> Media:
    return Media(path=Path("a"), mime=mime, sha256="0" * 64, bytes=1)


def labels(result: Result, commands: tuple[Command, ...] = COMMANDS) -> list[str]:
    return [button.label for button in buttons_for("3f9a", result, commands, "en")]


def find_command(name: str) -> Command:
    return next(command for command in COMMANDS if command.name == name)


def test_a_result_has_the_buttons_of_commands_that_accept_its_kind_of_file() -> None:
    drawn = {"prompt": "a cat", "seed": 7}
    assert labels(Result(media=(media(),), facts=drawn)) == ["Again", "Vary", "Upscale", "Animate", "Delete"]
    assert labels(Result(media=(media("video/mp4"),), facts={"seed": 7})) == ["Again", "Upscale", "Delete"]
    assert labels(Result(media=(media("video/mp4"),), facts={"voice": "en"})) == ["Upscale", "Subtitle", "Delete"]
    assert labels(Result(media=(media("audio/ogg"),))) == ["Delete"]


def test_only_a_single_picture_that_can_be_extended_has_the_buttons_to_extend_it() -> None:
    facts = {"prompt": "a cat", "seed": 7, "extends": True}
    more = ["Zoom out", "⬅️", "➡️", "⬆️", "⬇️"]
    shown = labels(Result(media=(media(),), facts=facts))
    assert shown[:7] == ["Again", "Vary", *more]
    assert not {*more} & {*labels(Result(media=(media(), media()), facts=facts))}
    assert not {*more} & {*labels(Result(media=(media(),), facts={"prompt": "a cat", "seed": 7}))}


def test_an_answer_without_a_file_has_no_buttons() -> None:
    assert labels(Result(text="hello", facts={"seed": 7})) == []
    assert buttons_for("", Result(media=(media(),)), COMMANDS, "en") == ()


def test_each_of_several_files_has_its_own_buttons() -> None:
    result = Result(media=(media(), media("audio/ogg"), media()), facts={"seed": 7})
    shown = [button.id for button in buttons_for("3f9a", result, COMMANDS, "en")]
    assert shown == ["again:3f9a", "upscale:3f9a", "upscale:3f9a.3", "animate:3f9a", "animate:3f9a.3", "delete:3f9a"]


def test_if_there_were_too_many_buttons_only_the_first_file_has_them() -> None:
    more = tuple(
        replace(find_command("upscale"), name=f"more_{number}")
        for number in range(MAX_BUTTONS // MAX_FILES_WITH_BUTTONS)
    )
    shown = buttons_for("3f9a", Result(media=(media(),) * MAX_FILES_WITH_BUTTONS), (*COMMANDS, *more), "en")
    assert len(shown) <= MAX_BUTTONS
    assert {button.argument for button in shown} == {"3f9a"}


def test_a_label_is_in_the_users_language() -> None:
    assert buttons_for("3f9a", Result(media=(media(),)), (find_command("delete"),), "es")[0].label == "Borrar"


@pytest.mark.parametrize("name", [command.name for command in COMMANDS if command.button])
def test_a_button_passes_its_job_or_its_file_to_the_matching_option(name: str) -> None:
    command = find_command(name)
    asked = parse_button(f"{name}:3f9a.2", COMMANDS)
    assert asked.command == name
    assert asked.raw_options == ({"job": "3f9a"} if "job" in command.params.model_fields else {})
    assert asked.files == ({command.source.name: Attachment("3f9a.2", result="3f9a.2")} if command.source else {})


def test_a_button_of_a_removed_command_asks_for_that_command() -> None:
    assert (parse_button("explode:1", COMMANDS).command, parse_button("", COMMANDS).command) == ("explode", "")
    assert action_of("explode:1", COMMANDS) is ButtonAction.NEW


def test_the_action_of_a_press_follows_from_the_declaration_of_its_command() -> None:
    actions = {
        name: action_of(f"{name}:3f9a", COMMANDS) for name in ("again", "delete", "no", "yes", "edit", "animate")
    }
    assert actions == {
        "again": ButtonAction.NEW,
        "delete": ButtonAction.DELETE,
        "no": ButtonAction.DELETE,
        "yes": ButtonAction.REPLACE,
        "edit": ButtonAction.EDIT,
        "animate": ButtonAction.EDIT,
    }


@pytest.mark.parametrize(("action", "option"), [(ButtonAction.EDIT, ""), (ButtonAction.REPLACE, "prompt")])
def test_a_button_names_the_option_to_edit_only_with_the_action_edit(action: ButtonAction, option: str) -> None:
    with pytest.raises(ValueError, match="names its edited_option"):
        ButtonSpec("Edit", action=action, edited_option=option)


def test_every_command_whose_button_edits_has_that_option() -> None:
    edited = {command.name: command.button.edited_option for command in COMMANDS if command.button}
    assert all(option in find_command(name).params.model_fields for name, option in edited.items() if option)


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("3f9a", ("3f9a", 1)),
        ("3f9a.2", ("3f9a", 2)),
        ("3f9a.x", ("3f9a", 0)),
        ("3f9a.99999", ("3f9a", 0)),
        ("", ("", 1)),
    ],
)
def test_an_invalid_file_number_is_0(argument: str, expected: tuple[str, int]) -> None:
    assert parse_target(argument) == expected
