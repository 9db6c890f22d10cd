"""Discord through discord.py. Only this package imports `discord`."""

from bot.requests.service import Service


async def run(service: Service) -> None:
    """Serve Discord until cancelled, or until it refuses the token. Loads the library: without a token nothing does."""
    from bot.adapters.discord.adapter import run as connect

    await connect(service)
