"""Message menus, which run a command on a file that somebody posted."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any

import discord
from discord import app_commands

from bot.adapters.discord.localisation import TITLE_LENGTH, localise
from bot.core.command import Attachment, Command
from engine.core.options import Option
from engine.media.files import kinds_of_name

OnMenu = Callable[[discord.Interaction, Command, discord.Message], Awaitable[None]]
"""Receives a chosen menu entry: the interaction, the command, and the message it was chosen for."""
_MEDIA_KINDS = {"audio": "sound"}
"""Names of a MIME type's first part, where Atelier calls the kind otherwise."""


def build_menus(commands: Iterable[Command], on_menu: OnMenu) -> Iterator[app_commands.ContextMenu]:
    """Yield a menu entry for each command that declares one."""
    for command in commands:
        if command.menu:
            yield app_commands.ContextMenu(
                name=localise(command.menu, TITLE_LENGTH), callback=_callback(command, on_menu)
            )


def first_attachment(message: discord.Message, command: Command) -> Attachment | None:
    """Return the first file in the message that the command accepts: attached, forwarded, or embedded from a link.
    Return None if there is none.
    """
    accepts = command.source.accepts if command.source else ()
    forwarded = [attachment for snapshot in message.message_snapshots for attachment in snapshot.attachments]
    for attachment in (*message.attachments, *forwarded):
        if not accepts or _possible_kinds(attachment) & set(accepts):
            return attachment_of(attachment)
    embedded = (media.proxy_url for embed in message.embeds for media in (embed.image, embed.thumbnail))
    url = next((url for url in embedded if url), None)  # Discord's proxy, so no other server is contacted
    return Attachment(name="", url=url) if url and (not accepts or "image" in accepts) else None


def _possible_kinds(attachment: discord.Attachment) -> frozenset[str]:
    """Return the kinds of media the file may be: by the type that Discord states, or else by its file name (HEIC has no
    type).
    """
    kind = (attachment.content_type or "").partition("/")[0]
    return (
        frozenset({_MEDIA_KINDS.get(kind, kind)})
        if kind in ("image", "audio", "video")
        else kinds_of_name(attachment.filename)
    )


def attachment_of(attachment: discord.Attachment) -> Attachment:
    """Return Discord's attachment as the file of a request."""
    return Attachment(name=attachment.filename, size=attachment.size, url=attachment.url)


def required_options(command: Command) -> list[Option]:
    """Return the options that a person must type before the command can run."""
    return [option for option in command.params.options() if option.required and option.kind != "media"]


def _callback(command: Command, on_menu: OnMenu) -> Any:
    async def choose(interaction: discord.Interaction, message: discord.Message) -> None:
        await on_menu(interaction, command, message)

    return choose
