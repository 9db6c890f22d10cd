"""Buttons under a result, and what a press of one asks for: both read from the commands' declarations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.core.command import Attachment, Button, Command
from bot.i18n.translate import Language, say
from engine.core.job import Media, Result
from engine.media.files import SCRIPTS

EACH = 4
"""Files of a result that have buttons of their own."""
MOST = 20
"""Buttons of a message, of the 25 that Discord allows. Where there would be more, only the first file has them."""


@dataclass(frozen=True)
class Press:
    """What a pressed button asks for, as a request has it."""

    command: str
    raw: Mapping[str, str]
    files: Mapping[str, Attachment]


def under(job: str, result: Result, commands: Sequence[Command], language: Language) -> tuple[Button, ...]:
    """The buttons of the commands that can do something with what a job made; of bare ones where it made no file."""
    if not job:
        return ()
    offered = (command for command in commands if command.button and (result.media or command.bare))
    offers = [(command, _numbers(command, result)) for command in offered]
    crowded = sum(len(numbers) for _, numbers in offers) > MOST
    return tuple(
        Button(
            _label(command, number if len(numbers) > 1 and not crowded else 0, language),
            command.name,
            name,
            _edit(command, result),
        )
        for command, numbers in offers
        for number in (numbers[:1] if crowded else numbers)
        for name in [job if number == 1 else f"{job}.{number}"]
    )


def meaning(button: str, commands: Sequence[Command], edited: str | None = None) -> Press:
    """What a button's id stands for: its job goes to the option `job`, the file that it names to the file option.

    `edited` is what a person made of the text that the button opened.
    """
    name, _, argument = button.partition(":")
    command = pressed(button, commands)
    if command is None:
        return Press(name, {}, {})
    raw = {"job": job_of(argument)[0]} if "job" in command.params.model_fields else {}
    if edited is not None and command.edits:
        raw[command.edits] = edited
    files = {command.source.name: Attachment(argument, result=argument)} if command.source else {}
    return Press(name, raw, files)


def pressed(button: str, commands: Sequence[Command]) -> Command | None:
    """The command that the button's id names."""
    name = button.partition(":")[0]
    return next((command for command in commands if command.name == name), None)


def asks_for(button: str, commands: Sequence[Command], language: Language) -> str:
    """What the text that the button opens is for, as the command's option says it; empty where it opens none."""
    command = pressed(button, commands)
    if command is None or not command.edits:
        return ""
    return say(command.params.model_fields[command.edits].description or command.edits, language)


def withdraws(button: str, commands: Sequence[Command]) -> bool:
    """Whether the message that carries the button goes once its command succeeds."""
    command = pressed(button, commands)
    return command is not None and command.withdrawing


def replaces(button: str, commands: Sequence[Command]) -> bool:
    """Whether the answer to the button takes the place of the message that carries it."""
    command = pressed(button, commands)
    return command is not None and command.replacing


def job_of(argument: str) -> tuple[str, int]:
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


def _numbers(command: Command, result: Result) -> list[int]:
    """The files, from 1, that the command has a button for; only the first where it takes the result as a whole."""
    if not set(command.needs) <= result.facts.keys() or (command.alone and len(result.media) > 1):
        return []
    if command.source is None:
        return [1]
    return [number for number, media in enumerate(result.media[:EACH], 1) if fits(command, media)]


def _edit(command: Command, result: Result) -> str | None:
    return str(result.facts.get(command.edits, "")) if command.edits else None


def _label(command: Command, number: int, language: Language) -> str:
    label = say(command.button, language)
    return f"{label} {number}" if number else label
