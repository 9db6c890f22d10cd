"""The web adapter: an HTTP API and a chat page that uses it. Only this package imports aiohttp.web."""

from bot.adapters.web.server import Server, run

__all__ = ["Server", "run"]
