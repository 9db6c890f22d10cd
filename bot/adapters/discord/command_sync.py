"""Tells Discord the commands, but only when they changed: it allows few such calls a day."""

import hashlib
import json
from typing import Any

import discord
import structlog
from discord import app_commands

from storage.store import Store

log = structlog.get_logger()

NOTE = "discord.commands"
"""The store's note that says which commands Discord has, and of which application."""


async def sync(tree: app_commands.CommandTree[Any], store: Store) -> None:
    """Send the tree unless the store notes that Discord has this one. A refusal is logged; the next start tries."""
    mark = f"{tree.client.application_id} {await _digest(tree)}"
    if await store.note(NOTE) == mark:
        return
    try:
        sent = await tree.sync()
    except (discord.HTTPException, app_commands.CommandSyncFailure):
        log.exception("discord did not take the commands; those that it has stay")
        return
    await store.set_note(NOTE, mark)
    log.info("told discord the commands", commands=len(sent))


async def _digest(tree: app_commands.CommandTree[Any]) -> str:
    """SHA-256 of what would be sent."""
    translator = tree.translator
    assert translator is not None, "the tree is synced with its Spanish"
    payload = [await command.get_translated_payload(tree, translator) for command in tree.get_commands()]
    return hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()
