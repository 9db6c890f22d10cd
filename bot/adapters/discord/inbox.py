"""What people do on Discord, as requests."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import discord

from bot.adapters.base import press
from bot.adapters.discord.origin import origin_of
from bot.command import Attachment, Command, Reply, Request
from bot.studio import Studio
from bot.words import language_of


def is_quiet(command: Command | None) -> bool:
    """Whether the answer is for the person's eyes only: what a command says at once, not what it makes."""
    return command is None or inspect.get_annotations(command.run, eval_str=True)["return"] is Reply


@dataclass(frozen=True)
class Inbox:
    """Makes requests of interactions; `message` is the one that will answer."""

    studio: Studio

    def used(self, interaction: discord.Interaction, command: str, given: Mapping[str, Any], message: int) -> Request:
        """A slash command with the options that were given."""
        files = {name: _attachment(value) for name, value in given.items() if isinstance(value, discord.Attachment)}
        raw = {name: value for name, value in given.items() if name not in files}
        return self._request(interaction, command, raw, files, message)

    def pressed(self, interaction: discord.Interaction, button: str, message: int) -> Request:
        """A button: its command with the one word that it carries, for the option that needs no name."""
        name, argument = press(button)
        command = self.studio.command(name)
        options = command.params.options() if command else ()
        positional = next((option.name for option in options if option.positional), "button")
        return self._request(interaction, name, {positional: argument}, {}, message)

    def _request(
        self,
        interaction: discord.Interaction,
        command: str,
        raw: Mapping[str, Any],
        files: Mapping[str, Attachment],
        message: int,
    ) -> Request:
        return Request(
            command=command,
            raw=raw,
            user=f"discord:{interaction.user.id}",
            origin=origin_of(interaction.channel_id or 0, message),
            files=files,
            language=language_of(str(interaction.locale)),
            admin=self._is_admin(interaction),
            private=interaction.guild_id is None or is_quiet(self.studio.command(command)),
        )

    def _is_admin(self, interaction: discord.Interaction) -> bool:
        """Manage Server counts only where the server itself installed the bot, not where a person brought it along."""
        manages = interaction.is_guild_integration() and interaction.permissions.manage_guild
        return manages or interaction.user.id in self.studio.settings.discord.admins


def _attachment(attachment: discord.Attachment) -> Attachment:
    return Attachment(name=attachment.filename, size=attachment.size, url=attachment.url)
