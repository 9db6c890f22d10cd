"""The answer to a button that takes the place of the message which carries it."""

import discord

from bot.adapters.base import Within, cut
from bot.adapters.discord.live import TEXT_LENGTH, DiscordLive
from bot.card import Card


class ReplaceLive(Within[DiscordLive]):
    """`live` edits the button's own message; a refusal leaves that as it is and is told to the person alone."""

    def __init__(self, interaction: discord.Interaction, live: DiscordLive) -> None:
        super().__init__(live)
        self._interaction = interaction
        self._replaced = False

    async def show(self, card: Card) -> None:
        if card.failed and not self._replaced:
            words = cut(discord.utils.escape_markdown(card.text), TEXT_LENGTH)
            await self._interaction.followup.send(words, ephemeral=True)
        else:
            self._replaced = True
            await self._live.show(card)
