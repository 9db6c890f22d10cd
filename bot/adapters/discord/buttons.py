"""Buttons whose id holds everything a click means, so that they still work after a restart or a year later."""

import re
from collections.abc import Sequence
from typing import Any, Protocol, Self

import discord
from discord import ui

from bot.core.command import Button

LABEL_LENGTH = 80
"""Characters that Discord allows in a button's label."""


class ButtonHandler(Protocol):
    """The client that handles clicks."""

    async def handle_button(self, interaction: discord.Interaction, button: str) -> None:
        """Answer a click on the button with the id `button`."""


class ResultButton(ui.DynamicItem[ui.Button[Any]], template=r"[a-z_]+:.+"):
    """Any button of Atelier's, on any message of any age."""

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction, item: ui.Item[Any], _match: re.Match[str], /
    ) -> Self:
        """Return the item for a clicked button. discord.py calls this for every id that matches the template."""
        assert isinstance(item, ui.Button)
        return cls(item)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Pass the click to the client."""
        client: ButtonHandler = interaction.client
        await client.handle_button(interaction, self.custom_id)


def build_view(buttons: Sequence[Button]) -> ui.View | None:
    """Return the buttons as the view of a message, or None if there are no buttons."""
    if not buttons:
        return None
    view = ui.View(timeout=None)
    for button in buttons:
        view.add_item(ResultButton(ui.Button(label=button.label[:LABEL_LENGTH], custom_id=button.id)))
    view.stop()  # ResultButton handles every click, so the library need not keep a view for each message
    return view
