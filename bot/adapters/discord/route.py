"""The ways to reach a person on Discord: the interaction's token, the channel, and direct messages."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import aiohttp
import discord
import structlog

from bot.adapters.discord.origin import origin_of

log = structlog.get_logger()
T = TypeVar("T")
Arguments = Callable[[], dict[str, Any]]
"""Returns the arguments of `send` anew for each attempt, which closes the files among them."""

EXPIRED_TOKEN_CODES = (10015, 50027)
"""Unknown Webhook, Invalid Webhook Token: the interaction is more than fifteen minutes old."""

RETRY_SECONDS, MAX_RETRY_SECONDS = 1.0, 120.0
"""Seconds before a final card is sent again after a network failure: doubled each time, up to the maximum."""

RETRYABLE_ERRORS = (OSError, aiohttp.ClientError, TimeoutError, discord.DiscordServerError)
"""Failures of the network or of Discord's servers, after which the same edit may succeed."""


@dataclass
class Route:
    """How to reach the `user` of a request.

    `webhook` posts by the interaction's token and is None once that has expired. `private` says whether the answer is
    for the user alone, as an ephemeral one is: Discord shows such a message to the token, and to nothing else.
    """

    client: discord.Client
    user: int
    webhook: discord.Webhook | None
    private: bool

    async def send_new_message(self, replaced: int, arguments: Arguments) -> str | None:
        """Send a message instead of the message `replaced`: by the token, else directly to the user. Return its origin,
        or None where Discord allows neither.
        """
        for send in (self._send_by_token, partial(self._send_directly, f"dm-{replaced}")):
            try:
                if (message := await send(arguments)) is not None:
                    return origin_of(message.channel.id, message.id)
            except discord.HTTPException as error:
                log.warning("the result cannot be sent this way", user=self.user, why=str(error))
        return None

    async def _send_by_token(self, arguments: Arguments) -> discord.WebhookMessage | None:
        if self.webhook is None:
            return None
        return await self.webhook.send(**arguments_given(arguments()), wait=True, ephemeral=self.private)

    async def _send_directly(self, nonce: str, arguments: Arguments) -> discord.Message:
        """Send a direct message. The nonce makes Discord return the same message if it is sent again."""

        async def send() -> discord.Message:
            channel = await self.client.create_dm(discord.Object(self.user))
            return await channel.send(**arguments_given(arguments()), nonce=nonce)

        return await retry_until_sent(send)


def arguments_given(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments that have a value: `send` takes no None."""
    return {name: value for name, value in arguments.items() if value is not None}


async def retry_until_sent(send: Callable[[], Awaitable[T]]) -> T:
    """Call `send` until the network and Discord's servers let it through, and return its result. Raises HTTPException
    where Discord refuses the message.
    """
    wait = RETRY_SECONDS
    while True:
        try:
            return await send()
        except RETRYABLE_ERRORS as error:
            log.warning("answer not sent yet", why=str(error), retry_seconds=wait)
        await asyncio.sleep(wait)
        wait = min(2 * wait, MAX_RETRY_SECONDS)
