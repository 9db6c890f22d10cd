"""Forms that ask for text. Their ids say what a submitted form is for, so that a restart meanwhile does not matter."""

import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import discord
from discord import ui

from bot.adapters.base import truncate
from bot.adapters.discord.localisation import TITLE_LENGTH
from bot.adapters.discord.menus import required_options
from bot.core.command import Attachment, Command
from bot.i18n.translate import Language, translate
from engine.core.options import Option
from storage.store import Store

LABEL_LENGTH, EDIT_LENGTH = 45, 4000
"""Characters that Discord allows in a field's label, and in the text of a field."""
EDIT, MENU = "edit", "menu"
"""The first part of a form's id: the second is the button whose text is edited, or the name of a stored form."""
TEXT = "text"
"""The id of the field that holds an edited text."""
FORM_SECONDS = 24 * 3600.0
"""Seconds for which a menu's form can be submitted: the address of its file is valid for a day."""


async def menu_form(store: Store, command: Command, file: Attachment, language: Language) -> ui.Modal:
    """Return a form for the command's required options, and store which file it is for."""
    name = secrets.token_hex(8)
    body = {"command": command.name, "file": {**asdict(file), "path": None}}
    await store.add_form(name, json.dumps(body), FORM_SECONDS)
    form = ui.Modal(title=truncate(translate(command.menu, language), TITLE_LENGTH), custom_id=f"{MENU}/{name}")
    for option in required_options(command):
        label = truncate(translate(option.description, language), LABEL_LENGTH)
        form.add_item(ui.Label(text=label, component=_text_input(option)))
    return _without_memory(form)


async def load_menu_form(store: Store, name: str) -> tuple[str, Attachment] | None:
    """Return the command and the file of a menu's form, or None if it has expired."""
    body = await store.get_form(name)
    if body is None:
        return None
    stored = json.loads(body)
    return stored["command"], Attachment(**stored["file"])


def edit_form(title: str, label: str, text: str, button: str) -> ui.Modal:
    """Return a form with a text for the person to edit and submit."""
    form = ui.Modal(title=truncate(title, TITLE_LENGTH), custom_id=f"{EDIT}/{button}")
    field: ui.TextInput[ui.Modal] = ui.TextInput(
        custom_id=TEXT,
        style=discord.TextStyle.paragraph,
        default=text or None,
        min_length=1,
        max_length=EDIT_LENGTH,
    )
    form.add_item(ui.Label(text=truncate(label, LABEL_LENGTH), component=field))
    return _without_memory(form)


def submitted_form(interaction: discord.Interaction) -> tuple[str, str, dict[str, str]]:
    """Return both parts of the submitted form's id, and the texts by the ids of their fields."""
    data: Mapping[str, Any] = interaction.data or {}
    kind, _, rest = str(data.get("custom_id", "")).partition("/")
    return kind, rest, dict(_fields(data.get("components", ())))


def _fields(parts: Any) -> Iterator[tuple[str, str]]:
    """Yield the id and the text of each field: fields lie within labels, and in older forms within rows."""
    for part in parts:
        if "value" in part:
            yield part["custom_id"], part["value"]
        yield from _fields([part["component"]] if "component" in part else part.get("components", ()))


def _without_memory(form: ui.Modal) -> ui.Modal:
    """Return the form marked as finished, so that discord.py does not keep it: the client handles what is submitted."""
    form.stop()
    return form


def _text_input(option: Option) -> ui.TextInput[ui.Modal]:
    low, high = (None if bound is None else int(bound) for bound in (option.minimum, option.maximum))
    style = discord.TextStyle.paragraph if option.rest else discord.TextStyle.short
    return ui.TextInput(
        custom_id=option.name, style=style, min_length=low, max_length=min(high or EDIT_LENGTH, EDIT_LENGTH)
    )
