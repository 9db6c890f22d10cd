"""Discord through discord.py. Only this package imports `discord`."""

from bot.adapters.discord.adapter import run

__all__ = ["run"]
