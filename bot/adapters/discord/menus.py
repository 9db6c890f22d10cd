"""What can be done with any picture that somebody posted: message menus made from the declared commands."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any

import discord
from discord import app_commands, ui

from bot.adapters.base import cut
from bot.adapters.discord.localisation import TITLE_LENGTH, words
from bot.core.command import Attachment, Command
from bot.i18n.translate import Language, translate
from engine.core.params import Option
from engine.media.files import kinds_of_name

OnMenu = Callable[[discord.Interaction, Command, discord.Message], Awaitable[None]]
"""Hears of a chosen menu entry: the interaction, its command, and the message that it was chosen for."""
OnForm = Callable[[discord.Interaction, dict[str, Any]], Awaitable[None]]
"""Hears of a filled form: its own interaction, and the options by name."""

LABEL_LENGTH, EDIT_LENGTH = 45, 4000
_KINDS = {"audio": "sound"}


def menus(commands: Iterable[Command], chosen: OnMenu) -> Iterator[app_commands.ContextMenu]:
    """One entry for each command that has a word for it."""
    for command in commands:
        if command.menu:
            yield app_commands.ContextMenu(name=words(command.menu, TITLE_LENGTH), callback=_callback(command, chosen))


def first_attachment(message: discord.Message, command: Command) -> Attachment | None:
    """The first file of a message that the command takes: attached, forwarded, or shown of a link."""
    accepts = command.source.accepts if command.source else ()
    forwarded = [attachment for snapshot in message.message_snapshots for attachment in snapshot.attachments]
    for attachment in (*message.attachments, *forwarded):
        if not accepts or _kinds(attachment) & set(accepts):
            return attachment_of(attachment)
    shown = (media.proxy_url for embed in message.embeds for media in (embed.image, embed.thumbnail))
    found = next((url for url in shown if url), None)  # Discord's copy: nobody else's server is asked
    return Attachment(name="", url=found) if found and (not accepts or "image" in accepts) else None


def _kinds(attachment: discord.Attachment) -> frozenset[str]:
    """The kinds that a file may be: by the type that Discord tells, or else by its name, as of a HEIC."""
    kind = (attachment.content_type or "").partition("/")[0]
    return (
        frozenset({_KINDS.get(kind, kind)})
        if kind in ("image", "audio", "video")
        else kinds_of_name(attachment.filename)
    )


def attachment_of(attachment: discord.Attachment) -> Attachment:
    return Attachment(name=attachment.filename, size=attachment.size, url=attachment.url)


def required_options(command: Command) -> list[Option]:
    """What a person has to write before the command can run."""
    return [option for option in command.params.options() if option.required and option.kind != "media"]


class Form(ui.Modal):
    """Asks for what is `required_options`."""

    def __init__(self, command: Command, language: Language, filled: OnForm) -> None:
        super().__init__(title=cut(translate(command.menu, language), TITLE_LENGTH))
        self._filled = filled
        self._fields = {option.name: _text_input(option) for option in required_options(command)}
        for option in required_options(command):
            label = cut(translate(option.description, language), LABEL_LENGTH)
            self.add_item(ui.Label(text=label, component=self._fields[option.name]))

    async def on_submit(self, interaction: discord.Interaction, /) -> None:
        await self._filled(interaction, {name: field.value for name, field in self._fields.items()})


class EditForm(ui.Modal):
    """Holds a text that the person changes and sends."""

    def __init__(
        self, title: str, label: str, text: str, filled: Callable[[discord.Interaction, str], Awaitable[None]]
    ) -> None:
        super().__init__(title=cut(title, TITLE_LENGTH))
        self._filled = filled
        self._field: ui.TextInput[EditForm] = ui.TextInput(
            style=discord.TextStyle.paragraph, default=text or None, min_length=1, max_length=EDIT_LENGTH
        )
        self.add_item(ui.Label(text=cut(label, LABEL_LENGTH), component=self._field))

    async def on_submit(self, interaction: discord.Interaction, /) -> None:
        await self._filled(interaction, self._field.value)


def _text_input(option: Option) -> "ui.TextInput[Form]":
    low, high = (None if bound is None else int(bound) for bound in (option.minimum, option.maximum))
    style = discord.TextStyle.paragraph if option.rest else discord.TextStyle.short
    return ui.TextInput(style=style, min_length=low, max_length=min(high or EDIT_LENGTH, EDIT_LENGTH))


def _callback(command: Command, chosen: OnMenu) -> Any:
    async def choose(interaction: discord.Interaction, message: discord.Message) -> None:
        await chosen(interaction, command, message)

    return choose
