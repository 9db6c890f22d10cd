"""Message menus, which run a command on a file that somebody posted, and the forms that ask for text."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any

import discord
from discord import app_commands, ui

from bot.adapters.base import truncate
from bot.adapters.discord.localisation import TITLE_LENGTH, localise
from bot.core.command import Attachment, Command
from bot.i18n.translate import Language, translate
from engine.core.options import Option
from engine.media.files import kinds_of_name

OnMenu = Callable[[discord.Interaction, Command, discord.Message], Awaitable[None]]
"""Receives a chosen menu entry: the interaction, the command, and the message it was chosen for."""
OnForm = Callable[[discord.Interaction, dict[str, Any]], Awaitable[None]]
"""Receives a submitted form: the form's own interaction, and the options by name."""

LABEL_LENGTH, EDIT_LENGTH = 45, 4000
"""Characters that Discord allows in a field's label, and in the text of a field."""
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


class Form(ui.Modal):
    """Asks for the command's required options."""

    def __init__(self, command: Command, language: Language, on_submit: OnForm) -> None:
        super().__init__(title=truncate(translate(command.menu, language), TITLE_LENGTH))
        self._on_submit = on_submit
        self._fields = {option.name: _text_input(option) for option in required_options(command)}
        for option in required_options(command):
            label = truncate(translate(option.description, language), LABEL_LENGTH)
            self.add_item(ui.Label(text=label, component=self._fields[option.name]))

    async def on_submit(self, interaction: discord.Interaction, /) -> None:
        """Pass the typed options on."""
        await self._on_submit(interaction, {name: field.value for name, field in self._fields.items()})


class EditForm(ui.Modal):
    """Shows a text for the person to edit and submit."""

    def __init__(
        self, title: str, label: str, text: str, on_submit: Callable[[discord.Interaction, str], Awaitable[None]]
    ) -> None:
        super().__init__(title=truncate(title, TITLE_LENGTH))
        self._on_submit = on_submit
        self._field: ui.TextInput[EditForm] = ui.TextInput(
            style=discord.TextStyle.paragraph, default=text or None, min_length=1, max_length=EDIT_LENGTH
        )
        self.add_item(ui.Label(text=truncate(label, LABEL_LENGTH), component=self._field))

    async def on_submit(self, interaction: discord.Interaction, /) -> None:
        """Pass the edited text on."""
        await self._on_submit(interaction, self._field.value)


def _text_input(option: Option) -> "ui.TextInput[Form]":
    low, high = (None if bound is None else int(bound) for bound in (option.minimum, option.maximum))
    style = discord.TextStyle.paragraph if option.rest else discord.TextStyle.short
    return ui.TextInput(style=style, min_length=low, max_length=min(high or EDIT_LENGTH, EDIT_LENGTH))


def _callback(command: Command, on_menu: OnMenu) -> Any:
    async def choose(interaction: discord.Interaction, message: discord.Message) -> None:
        await on_menu(interaction, command, message)

    return choose
