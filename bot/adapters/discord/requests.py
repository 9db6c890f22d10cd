"""What people do on Discord, as requests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import discord

from bot.adapters.discord.menus import attachment_of
from bot.adapters.discord.origin import followup_origin_of, origin_of
from bot.app import AppContext
from bot.core.command import Attachment, Command, Request
from bot.i18n.translate import language_of
from bot.presentation.buttons import parse_button, parse_target


@dataclass(frozen=True)
class RequestFactory:
    """Makes requests of interactions; `message` is the one that will answer."""

    studio: AppContext

    def from_slash_command(
        self, interaction: discord.Interaction, command: str, given: Mapping[str, Any], message: int
    ) -> Request:
        """A slash command with the options that were given."""
        files = {name: attachment_of(value) for name, value in given.items() if isinstance(value, discord.Attachment)}
        raw = {name: value for name, value in given.items() if name not in files}
        return self._request(interaction, command, raw, files, message)

    def from_button(
        self, interaction: discord.Interaction, button: str, message: int, edited: str | None = None
    ) -> Request:
        """A button. The files in its message stand in for those that are no longer kept here."""
        asked = parse_button(button, self.studio.commands, edited)
        there = interaction.message.attachments if interaction.message else []
        files = {option: _prefer_attachment(file, there) for option, file in asked.files.items()}
        return self._request(interaction, asked.command, asked.raw_options, files, message)

    def from_menu(
        self, interaction: discord.Interaction, command: Command, raw: Mapping[str, Any], file: Attachment, message: int
    ) -> Request:
        """An entry of a message's menu, for the file that somebody posted there."""
        assert command.source is not None, "only commands that take a file are in menus"
        return self._request(interaction, command.name, raw, {command.source.name: file}, message)

    def is_quiet(self, interaction: discord.Interaction, command: str) -> bool:
        """Whether the answer is for the person's eyes only, as is all that comes of a message which already was."""
        known = self.studio.command(command)
        return (
            known is None
            or known.ephemeral
            or (interaction.message is not None and interaction.message.flags.ephemeral)
        )

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
            raw_options=raw,
            user=f"discord:{interaction.user.id}",
            origin=origin_of(interaction.channel_id or 0, message),
            new_message_origin=followup_origin_of(interaction.channel_id or 0, message),
            files=files,
            language=language_of(str(interaction.locale)),
            admin=interaction.user.id in self.studio.settings.discord.admins,
            manages=_manages(interaction),
            private=interaction.guild_id is None or self.is_quiet(interaction, command),
            scope=f"discord:{interaction.guild_id}" if interaction.guild_id else "",
        )


def _manages(interaction: discord.Interaction) -> bool:
    """Return whether the person has Manage Server, in a server that installed the bot itself.

    Anybody can make a server and install the bot there, so this is no right beyond that server.
    """
    return interaction.is_guild_integration() and interaction.permissions.manage_guild


def _prefer_attachment(file: Attachment, there: Sequence[discord.Attachment]) -> Attachment:
    _, number = parse_target(file.result)
    if not 1 <= number <= len(there):
        return file
    return replace(attachment_of(there[number - 1]), result=file.result)
