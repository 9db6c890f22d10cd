"""Keep the bot connected to Discord. A rejected token ends the adapter; network failures are retried."""

import asyncio

import aiohttp
import discord
import structlog

from bot.adapters.discord.client import Client
from bot.config.platforms import DISCORD
from bot.requests.service import Service
from engine.core.errors import UserMessage

log = structlog.get_logger()

FIRST_RETRY_SECONDS, MAX_RETRY_SECONDS = 5.0, 300.0
"""Seconds between attempts to connect to Discord: doubled after each failure, up to the maximum."""
INVALID_TOKEN_CODE = 4004
"""The gateway's close code for a token that is no longer valid."""
CONNECTION_ERRORS = (OSError, aiohttp.ClientError, TimeoutError, discord.HTTPException, discord.GatewayNotFound)
"""Failures after which the connection is retried."""


async def run(service: Service) -> None:
    """Serve Discord until cancelled, or until Discord rejects the token."""
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # Atelier uses no voice, so no warning
    token = service.studio.settings.discord.token
    assert token is not None, "the registry starts Discord only with a token"
    wait = FIRST_RETRY_SECONDS
    while True:
        try:
            async with Client(service) as client:
                client.report_state("connecting")
                await client.start(token.get_secret_value())
        except discord.LoginFailure:
            return _report_refused_token(service)
        except discord.ConnectionClosed as closed:
            if closed.code != INVALID_TOKEN_CODE:
                raise
            return _report_refused_token(service)
        except CONNECTION_ERRORS as error:
            _report_unreachable(service, wait, error)
        await asyncio.sleep(wait)
        wait = min(2 * wait, MAX_RETRY_SECONDS)


def _report_refused_token(service: Service) -> None:
    template = "off: Discord rejected the token; set a new one in {variable} and restart"
    state = service.studio.adapters["discord"] = UserMessage(
        template=template, facts={"variable": DISCORD.token_variable}
    )
    log.error("discord", state=str(state))


def _report_unreachable(service: Service, wait: float, error: Exception) -> None:
    template = "off: can't reach Discord; trying again in {seconds:duration}"
    state = service.studio.adapters["discord"] = UserMessage(template=template, facts={"seconds": round(wait)})
    log.warning("discord", state=str(state), why=type(error).__name__)
