"""Keeps the bot on Discord: a refused token is said and given up, a missing network is said and tried again."""

import asyncio

import aiohttp
import discord
import structlog

from bot.adapters.discord.client import Client
from bot.config.settings import TOKENS
from bot.requests.service import Service
from engine.core.errors import UserMessage

log = structlog.get_logger()

FIRST_RETRY_SECONDS, MAX_RETRY_SECONDS = 5.0, 300.0
"""Seconds between two tries to reach Discord: twice as long after each, up to the longest."""
WRONG_TOKEN = 4004
"""The gateway's close code for a token that is no longer valid."""
UNREACHABLE = (OSError, aiohttp.ClientError, TimeoutError, discord.HTTPException, discord.GatewayNotFound)


async def run(service: Service) -> None:
    """Serve Discord until cancelled, or until Discord refuses the token."""
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # no voice here, and no word about its lack
    token = service.studio.settings.discord.token
    assert token is not None, "launch starts Discord only with a token"
    wait = FIRST_RETRY_SECONDS
    while True:
        try:
            async with Client(service) as client:
                client.report_state("connecting")
                await client.start(token.get_secret_value())
        except discord.LoginFailure:
            return _report_refused_token(service)
        except discord.ConnectionClosed as closed:
            if closed.code != WRONG_TOKEN:
                raise
            return _report_refused_token(service)
        except UNREACHABLE as error:
            _unreachable(service, wait, error)
        await asyncio.sleep(wait)
        wait = min(2 * wait, MAX_RETRY_SECONDS)


def _report_refused_token(service: Service) -> None:
    template = "off: Discord refused the token; set a new one in {variable} and start again"
    said = service.studio.adapters["discord"] = UserMessage(template=template, facts={"variable": TOKENS["discord"]})
    log.error("discord", state=str(said))


def _unreachable(service: Service, wait: float, error: Exception) -> None:
    template = "off: Discord cannot be reached; the next try is in {seconds} s"
    said = service.studio.adapters["discord"] = UserMessage(template=template, facts={"seconds": round(wait)})
    log.warning("discord", state=str(said), why=type(error).__name__)
