"""Telegram through python-telegram-bot. Only this package imports `telegram`."""

import os

from bot.requests.service import Service


async def run(service: Service) -> None:
    """Serve Telegram until cancelled, or until it rejects the token.

    The library is imported here, so that a studio without a Telegram token never loads it.
    """
    # The library gives periods as timedeltas from its next major version on; asked for now, it warns of nothing.
    os.environ.setdefault("PTB_TIMEDELTA", "true")
    from bot.adapters.telegram.adapter import run as connect

    await connect(service)
