"""Acknowledge an interaction, which Discord allows once and within three seconds."""

from collections.abc import Awaitable, Callable
from typing import Any

import discord
import structlog

from bot.adapters.discord.route import RETRYABLE_ERRORS

log = structlog.get_logger()
Respond = Callable[[], Awaitable[discord.InteractionCallbackResponse[Any] | None]]
"""Responds to an interaction. Each call is one attempt."""

ACKNOWLEDGED_CODE = 40060
"""Interaction has already been acknowledged."""
ATTEMPTS = 2
"""How often an interaction is responded to if Discord does not confirm it. There is no time for more."""


async def defer(interaction: discord.Interaction, *, ephemeral: bool) -> int:
    """Defer the interaction and return the id of the message that will hold the answer.

    If only Discord's answer was lost, Discord is asked for that message.
    """
    deferred = await respond_until_confirmed(lambda: interaction.response.defer(ephemeral=ephemeral, thinking=True))
    if deferred is not None and deferred.message_id is not None:
        return deferred.message_id
    return (await interaction.original_response()).id


async def defer_update(interaction: discord.Interaction) -> None:
    """Defer a click whose answer goes into the button's own message."""
    await respond_until_confirmed(interaction.response.defer)


async def respond_until_confirmed(respond: Respond) -> discord.InteractionCallbackResponse[Any] | None:
    """Return Discord's answer, or None if it was lost, although Discord may have received the response."""
    for _ in range(ATTEMPTS):
        try:
            return await respond()
        except RETRYABLE_ERRORS as error:
            log.warning("a response is not confirmed", why=str(error))
        except discord.HTTPException as error:
            if error.code != ACKNOWLEDGED_CODE:
                raise
            return None
    return None
