"""The commands that a user may type, and the error for a name that is not one of them."""

import difflib

from bot.core.command import Command, Request
from bot.requests.contexts import CommandFinder
from engine.core.errors import BadInput

MAX_SHOWN_CHARACTERS = 40
"""Characters of an unknown name that are compared and shown."""


def visible_commands(studio: CommandFinder, request: Request) -> list[Command]:
    """Return the commands that this user may type."""
    return [command for command in studio.commands if not command.hidden and (request.admin or not command.admin)]


def unknown_command_error(name: str, commands: list[Command]) -> BadInput:
    """Return the error for an unknown command. It suggests the nearest name, if there is one."""
    name = name[:MAX_SHOWN_CHARACTERS]
    near = difflib.get_close_matches(name, [command.name for command in commands], n=1)
    if near:
        return BadInput("There is no command /{command}. Did you mean /{near}?", command=name, near=near[0])
    return BadInput("There is no command /{command}. Use /help to see them all.", command=name)
