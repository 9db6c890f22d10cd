"""Buttons under a result, and the request that a pressed button stands for. Both follow from the declared commands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.core.command import Attachment, Button, ButtonAction, ButtonSpec, Command
from bot.i18n.translate import Language, translate
from engine.core.job import Media, Result
from engine.media.files import SCRIPTS

MAX_FILES_WITH_BUTTONS = 4
"""Files of a result that get buttons of their own."""
MAX_BUTTONS = 20
"""Buttons of a message; Discord allows 25. If there would be more, only the first file gets buttons."""


@dataclass(frozen=True)
class ButtonRequest:
    """The command, the options and the files that a pressed button asks for."""

    command: str
    raw_options: Mapping[str, str]
    files: Mapping[str, Attachment]


def buttons_for(job: str, result: Result, commands: Sequence[Command], language: Language) -> tuple[Button, ...]:
    """Return the buttons of all commands that can use the job's result.

    A result without files gets the buttons of the commands that are `without_files`.
    """
    if not job:
        return ()
    offered = [
        (command, command.button)
        for command in commands
        if command.button and command.button.label and (result.media or command.button.without_files)
    ]
    offers = [(command, spec, _numbers(command, spec, result)) for command, spec in offered]
    crowded = sum(len(numbers) for _, _, numbers in offers) > MAX_BUTTONS
    return tuple(
        Button(
            _label(spec, number if len(numbers) > 1 and not crowded else 0, language),
            command.name,
            name,
            _edit(spec, result),
        )
        for command, spec, numbers in offers
        for number in (numbers[:1] if crowded else numbers)
        for name in [job if number == 1 else f"{job}.{number}"]
    )


def parse_button(button: str, commands: Sequence[Command], edited: str | None = None) -> ButtonRequest:
    """Return the request of the button with this id.

    Its job becomes the option `job`, and its file the command's file option. `edited` is the text after the user has
    edited it, if the button opened a text.
    """
    name, _, argument = button.partition(":")
    command = command_of(button, commands)
    if command is None:
        return ButtonRequest(name, {}, {})
    raw = {"job": parse_target(argument)[0]} if "job" in command.params.model_fields else {}
    if edited is not None and command.button and command.button.edited_option:
        raw[command.button.edited_option] = edited
    files = {command.source.name: Attachment(argument, result=argument)} if command.source else {}
    return ButtonRequest(name, raw, files)


def command_of(button: str, commands: Sequence[Command]) -> Command | None:
    """Return the command that the button's id names, or None if there is none."""
    name = button.partition(":")[0]
    return next((command for command in commands if command.name == name), None)


def edit_prompt(button: str, commands: Sequence[Command], language: Language) -> str:
    """Return the description of the text that the button opens for editing, or an empty string if it opens none."""
    command = command_of(button, commands)
    if command is None or command.button is None or not command.button.edited_option:
        return ""
    option = command.button.edited_option
    return translate(command.params.model_fields[option].description or option, language)


def label_of(button: str, commands: Sequence[Command], language: Language) -> str:
    """Return the label of the button; empty for a command that no longer exists."""
    command = command_of(button, commands)
    return translate(command.button.label, language) if command and command.button else ""


def action_of(button: str, commands: Sequence[Command]) -> ButtonAction:
    """Return what a press of the button does; NEW for a command that no longer exists."""
    command = command_of(button, commands)
    return command.button.action if command and command.button else ButtonAction.NEW


def parse_target(argument: str) -> tuple[str, int]:
    """Return the job that a button's argument names, and the number of the file, counted from 1; 0 if it is invalid."""
    job, dot, number = argument.partition(".")
    if not dot:
        return job, 1
    return job, int(number) if number.isascii() and number.isdecimal() and len(number) < 4 else 0


def fits(command: Command, media: Media) -> bool:
    """Return whether the command accepts files of this kind."""
    source = command.source
    return source is not None and (not source.accepts or kind_of(media) in source.accepts)


def kind_of(media: Media) -> str:
    """Return the kind of the file as options name it: image, sound, video, subtitles or script."""
    if media.mime in SCRIPTS.values():
        return "script"
    kind = media.mime.partition("/")[0]
    return {"audio": "sound", "text": "subtitles", "application": "subtitles"}.get(kind, kind)


def _numbers(command: Command, spec: ButtonSpec, result: Result) -> list[int]:
    """Return the numbers, from 1, of the files that get a button of the command.

    A command that uses the result as a whole has one button, for file 1.
    """
    if not set(spec.required_facts) <= result.facts.keys() or (spec.single_file and len(result.media) > 1):
        return []
    if command.source is None:
        return [1]
    return [number for number, media in enumerate(result.media[:MAX_FILES_WITH_BUTTONS], 1) if fits(command, media)]


def _edit(spec: ButtonSpec, result: Result) -> str | None:
    return str(result.facts.get(spec.edited_option, "")) if spec.edited_option else None


def _label(spec: ButtonSpec, number: int, language: Language) -> str:
    label = translate(spec.label, language)
    return f"{label} {number}" if number else label
