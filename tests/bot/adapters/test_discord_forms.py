"""Forms of Discord keep to its bounds, whatever an option takes."""

import pytest

from bot.adapters.discord.menus import EDIT_LENGTH, Form
from bot.commands import COMMANDS
from bot.core.command import Command


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command.name))
async def test_a_field_asks_for_no_more_than_discord_takes(command: Command) -> None:
    async def filled(*_: object) -> None: ...

    for field in Form(command, "en", filled)._fields.values():
        assert field.max_length is not None
        assert 1 <= field.max_length <= EDIT_LENGTH
