"""The answer to a button whose success takes its own message away."""

import discord

from bot.adapters.base import Limits, Note, cut
from bot.adapters.discord.live import EDIT_SECONDS, FILE_COUNT, TEXT_LENGTH
from bot.card import Card


class WithdrawLive:
    """`interaction` was acknowledged without a message of its own, so its original one is that of the button."""

    def __init__(self, interaction: discord.Interaction) -> None:
        self.limits = Limits(EDIT_SECONDS, TEXT_LENGTH, 0, FILE_COUNT)
        self.note: Note | None = None
        self._interaction = interaction

    async def show(self, card: Card) -> None:
        if card.failed:
            words = cut(discord.utils.escape_markdown(card.text), TEXT_LENGTH)
            await self._interaction.followup.send(words, ephemeral=True)
        elif card.final:
            await self._interaction.delete_original_response()
