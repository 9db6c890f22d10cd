"""Which commands a person may type, and what is said of a name that is none of them."""

import difflib

from bot.app import AppContext
from bot.core.command import Command, Request
from engine.core.errors import BadInput


def visible_commands(studio: AppContext, request: Request) -> list[Command]:
    """Those that this person reaches by their names."""
    return [each for each in studio.commands if not each.hidden and (request.admin or not each.admin)]


def unknown_command_error(name: str, commands: list[Command]) -> BadInput:
    near = difflib.get_close_matches(name, [each.name for each in commands], n=1)
    if near:
        return BadInput("There is no command /{command}. Did you mean /{near}?", command=name[:40], near=near[0])
    return BadInput("There is no command /{command}. /help lists them.", command=name[:40])
