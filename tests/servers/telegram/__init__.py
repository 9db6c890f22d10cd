"""A loopback Bot API server that the real python-telegram-bot talks to."""

from tests.servers.telegram.chats import Json, Room, Seat
from tests.servers.telegram.server import TelegramServer, silent_port

__all__ = ["Json", "Room", "Seat", "TelegramServer", "silent_port"]
