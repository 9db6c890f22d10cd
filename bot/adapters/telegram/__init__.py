"""Telegram through python-telegram-bot. Only this package imports `telegram`."""

import os

# The library gives periods as timedeltas from its next major version on; asked for now, it warns of nothing.
os.environ.setdefault("PTB_TIMEDELTA", "true")

from bot.adapters.telegram.adapter import run

__all__ = ["run"]
