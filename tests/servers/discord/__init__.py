"""A Discord server on loopback for the real discord.py: SimCord's state in memory, real HTTP and a real gateway."""

from tests.servers.discord.history import File, Shown

from .people import Answer, Person
from .server import DiscordServer
from .world import Place

__all__ = ["Answer", "DiscordServer", "File", "Person", "Place", "Shown"]
