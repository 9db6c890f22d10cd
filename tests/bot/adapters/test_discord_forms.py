"""Discord's forms keep to Discord's bounds, whatever an option accepts."""

import pytest

from bot.adapters.discord.menus import EDIT_LENGTH, Form
from bot.commands import COMMANDS
from bot.core.command import Command


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command.name))
async def test_a_field_stays_within_discords_limits(command: Command) -> None:
    async def filled(*_: object) -> None: ...

    for field in Form(command, "en", filled)._fields.values():
        assert field.max_length is not None
        assert 1 <= field.max_length <= EDIT_LENGTH
