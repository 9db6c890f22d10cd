"""Buttons under a result, and what a press of one asks for: both read from the commands' declarations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.core.command import Attachment, Button, ButtonAction, ButtonSpec, Command
from bot.i18n.translate import Language, translate
from engine.core.job import Media, Result
from engine.media.files import SCRIPTS

MAX_FILES_WITH_BUTTONS = 4
"""Files of a result that have buttons of their own."""
MAX_BUTTONS = 20
"""Buttons of a message, of the 25 that Discord allows. Where there would be more, only the first file has them."""


@dataclass(frozen=True)
class ButtonRequest:
    """What a pressed button asks for, as a request has it."""

    command: str
    raw_options: Mapping[str, str]
    files: Mapping[str, Attachment]


def buttons_for(job: str, result: Result, commands: Sequence[Command], language: Language) -> tuple[Button, ...]:
    """The buttons of the commands that can do something with what a job made; of bare ones where it made no file."""
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
    """What a button's id stands for: its job goes to the option `job`, the file that it names to the file option.

    `edited` is what a person made of the text that the button opened.
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
    """The command that the button's id names."""
    name = button.partition(":")[0]
    return next((command for command in commands if command.name == name), None)


def edit_prompt(button: str, commands: Sequence[Command], language: Language) -> str:
    """What the text that the button opens is for, as the command's option says it; empty where it opens none."""
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
    """The job that a button's argument names, and the number of its file from 1; 0 for one that cannot be."""
    job, dot, number = argument.partition(".")
    if not dot:
        return job, 1
    return job, int(number) if number.isascii() and number.isdecimal() and len(number) < 4 else 0


def fits(command: Command, media: Media) -> bool:
    """Whether the command takes such a file."""
    source = command.source
    return source is not None and (not source.accepts or kind_of(media) in source.accepts)


def kind_of(media: Media) -> str:
    """What an option says that it accepts: image, sound, video, subtitles or script."""
    if media.mime in SCRIPTS.values():
        return "script"
    kind = media.mime.partition("/")[0]
    return {"audio": "sound", "text": "subtitles", "application": "subtitles"}.get(kind, kind)


def _numbers(command: Command, spec: ButtonSpec, result: Result) -> list[int]:
    """The files, from 1, that the command has a button for; only the first where it takes the result as a whole."""
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
