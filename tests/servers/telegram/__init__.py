"""A Bot API server on loopback for the real python-telegram-bot."""

from tests.servers.telegram.chats import Json, Room, Seat
from tests.servers.telegram.server import TelegramServer, silent_port

__all__ = ["Json", "Room", "Seat", "TelegramServer", "silent_port"]
