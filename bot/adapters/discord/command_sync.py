"""Send the slash commands to Discord, but only when they have changed: Discord allows few such calls a day."""

import hashlib
import json
from typing import Any

import discord
import structlog
from discord import app_commands

from storage.store import Store

log = structlog.get_logger()

SYNCED_COMMANDS_NOTE = "discord.commands"
"""Name of the store's note that holds the application's id and a digest of the commands that Discord has."""


async def sync(tree: app_commands.CommandTree[Any], store: Store) -> None:
    """Send the tree's commands, unless the store's note says that Discord already has them. A refusal is logged, and
    the next start tries again.
    """
    current = f"{tree.client.application_id} {await _digest(tree)}"
    if await store.get_note(SYNCED_COMMANDS_NOTE) == current:
        return
    try:
        sent = await tree.sync()
    except (discord.HTTPException, app_commands.CommandSyncFailure):
        log.exception("discord refused the commands and keeps the ones it has")
        return
    await store.set_note(SYNCED_COMMANDS_NOTE, current)
    log.info("sent the commands to discord", commands=len(sent))


async def _digest(tree: app_commands.CommandTree[Any]) -> str:
    """Return the SHA-256 of the payload that would be sent."""
    translator = tree.translator
    assert translator is not None, "setup_hook sets the translator before it syncs"
    payload = [await command.get_translated_payload(tree, translator) for command in tree.get_commands()]
    return hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()
