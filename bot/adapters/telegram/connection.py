"""Create the bot, and report the state of its connection."""

import structlog
from telegram.ext import ExtBot
from telegram.request import HTTPXRequest

from bot.adapters.telegram.message import Bot
from bot.adapters.telegram.rate_limiter import ProgressAwareRateLimiter
from bot.config.platforms import TELEGRAM
from bot.config.sections import TelegramSection
from bot.requests.service import Service
from engine.core.errors import UserMessage

log = structlog.get_logger()

ON = UserMessage(template="on")
REJECTED = UserMessage(
    template="off: Telegram rejected the token in {variable}; get the right one from @BotFather and restart",
    facts={"variable": TELEGRAM.token_variable},
)
UNREACHABLE = UserMessage(template="can't reach Telegram; check the network. Trying again")
TOKEN_CONFLICT = UserMessage(template="another program is using this Telegram token; stop it. Trying again")


def create_bot(settings: TelegramSection) -> Bot:
    """Return the bot for these settings, with its time limits and rate limiter. A local Bot API server is used where
    `base_url` names one.
    """
    assert settings.token is not None, "the registry starts Telegram only with a token"
    server = (settings.base_url or "https://api.telegram.org").rstrip("/")
    return ExtBot(
        settings.token.get_secret_value().strip(),
        base_url=f"{server}/bot",
        base_file_url=f"{server}/file/bot",
        request=HTTPXRequest(
            connect_timeout=10, read_timeout=20, write_timeout=20, media_write_timeout=120, pool_timeout=60
        ),
        get_updates_request=HTTPXRequest(connect_timeout=10),
        rate_limiter=ProgressAwareRateLimiter(),
    )


def update_status(service: Service, state: UserMessage) -> None:
    """Show the state in `status`, and log it where it has changed."""
    if service.studio.adapters.get("telegram") != state:
        (log.info if state == ON else log.warning)("telegram", state=str(state))
    service.studio.adapters["telegram"] = state
