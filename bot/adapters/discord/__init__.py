"""Discord through discord.py. Only this package imports `discord`."""

from bot.requests.service import Service


async def run(service: Service) -> None:
    """Serve Discord until cancelled, or until it rejects the token.

    The library is imported here, so that a studio without a Discord token never loads it.
    """
    from bot.adapters.discord.adapter import run as connect

    await connect(service)
