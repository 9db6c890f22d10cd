"""A Discord on loopback: SimCord's in-memory state behind real HTTP and a real gateway, for the real discord.py."""

from tests.servers.discord.history import File, Shown

from .people import Answer, Person
from .server import DiscordServer
from .world import Place

__all__ = ["Answer", "DiscordServer", "File", "Person", "Place", "Shown"]
