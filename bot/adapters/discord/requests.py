"""Turn slash commands, button clicks and menu entries into requests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import discord

from bot.adapters.discord.markup import MARKUP
from bot.adapters.discord.menus import attachment_of
from bot.adapters.discord.origin import followup_origin_of, origin_of
from bot.app import AppContext
from bot.core.command import Attachment, Command, Request
from bot.i18n.translate import language_of
from bot.presentation.buttons import parse_button, parse_target


@dataclass(frozen=True)
class RequestFactory:
    """Creates requests from interactions. `message` is the id of the message that will hold the answer."""

    studio: AppContext

    def from_slash_command(
        self, interaction: discord.Interaction, command: str, options: Mapping[str, Any], message: int
    ) -> Request:
        """Return the request of a slash command and its options."""
        files = {name: attachment_of(value) for name, value in options.items() if isinstance(value, discord.Attachment)}
        raw = {name: value for name, value in options.items() if name not in files}
        return self._request(interaction, command, raw, files, message)

    def from_button(
        self, interaction: discord.Interaction, button: str, message: int, edited: str | None = None
    ) -> Request:
        """Return the request of a clicked button. Attachments of the button's message replace files that are no longer
        stored.

        `edited` is the text that the person submitted, for a button that opens one.
        """
        asked = parse_button(button, self.studio.commands, edited)
        attachments = interaction.message.attachments if interaction.message else []
        files = {option: _prefer_attachment(file, attachments) for option, file in asked.files.items()}
        return self._request(interaction, asked.command, asked.raw_options, files, message)

    def from_menu(
        self, interaction: discord.Interaction, command: Command, raw: Mapping[str, Any], file: Attachment, message: int
    ) -> Request:
        """Return the request of a menu entry, for the file in the message it was chosen for."""
        assert command.source is not None, "menus hold only commands that take a file"
        return self._request(interaction, command.name, raw, {command.source.name: file}, message)

    def in_public(self, request: Request, interaction: discord.Interaction, message: int) -> Request:
        """Return the request of a click on an ephemeral `message`, so that everyone in the channel sees its jobs."""
        origin = followup_origin_of(interaction.channel_id or 0, message, ephemeral=False)
        private = interaction.guild_id is None
        return replace(request, new_message_origin=origin, private=private, answers_elsewhere=True)

    def is_ephemeral(self, interaction: discord.Interaction, command: str) -> bool:
        """Return whether only the person sees the answer. A click on an ephemeral message gets an ephemeral answer."""
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
        ephemeral = self.is_ephemeral(interaction, command)
        return Request(
            command=command,
            raw_options=raw,
            user=f"discord:{interaction.user.id}",
            origin=origin_of(interaction.channel_id or 0, message),
            new_message_origin=followup_origin_of(interaction.channel_id or 0, message, ephemeral=ephemeral),
            files=files,
            language=language_of(str(interaction.locale)),
            admin=interaction.user.id in self.studio.settings.discord.admins,
            manages=partial(_can_manage_server, interaction),
            private=interaction.guild_id is None or ephemeral,
            scope=f"discord:{interaction.guild_id}" if interaction.guild_id else "",
            reply_token=interaction.token,
            markup=MARKUP,
            user_name=interaction.user.display_name,
        )


async def _can_manage_server(interaction: discord.Interaction) -> bool:
    """Return whether the person has Manage Server, in a server that installed the bot itself.

    Anyone can create a server and install the bot there, so this gives no rights outside that server.
    """
    return interaction.is_guild_integration() and interaction.permissions.manage_guild


def _prefer_attachment(file: Attachment, attachments: Sequence[discord.Attachment]) -> Attachment:
    """Return the attachment that holds the file, or `file` where the message does not have it."""
    _, number = parse_target(file.result)
    if not 1 <= number <= len(attachments):
        return file
    return replace(attachment_of(attachments[number - 1]), result=file.result)
