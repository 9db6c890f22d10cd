"""Buttons whose id says all that a press means, so that they work after a restart and a year later."""

import re
from collections.abc import Sequence
from typing import Any, Protocol, Self

import discord
from discord import ui

from bot.core.command import Button

LABEL_LENGTH = 80


class ButtonHandler(Protocol):
    """The client that hears of presses."""

    async def handle_button(self, interaction: discord.Interaction, button: str) -> None: ...


class ResultButton(ui.DynamicItem[ui.Button[Any]], template=r"[a-z_]+:.+"):
    """Any button of ours, on any message of any age."""

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction, item: ui.Item[Any], _match: re.Match[str], /
    ) -> Self:
        assert isinstance(item, ui.Button)
        return cls(item)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        client: ButtonHandler = interaction.client
        await client.handle_button(interaction, self.custom_id)


def row_of(buttons: Sequence[Button]) -> ui.View | None:
    """The buttons as a message carries them; None for none."""
    if not buttons:
        return None
    view = ui.View(timeout=None)
    for button in buttons:
        view.add_item(ResultButton(ui.Button(label=button.label[:LABEL_LENGTH], custom_id=button.id)))
    view.stop()  # Press hears of every press; the library need not keep a view for each message
    return view
