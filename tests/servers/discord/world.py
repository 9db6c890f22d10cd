"""The people, servers and channels of the loopback Discord."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import discord
from simcord._clock import Clock
from simcord.backend import Backend, serializers
from simcord.backend.models import User

GUILD, BOT_DM, PRIVATE_CHANNEL = 0, 1, 2
GUILD_INSTALL, USER_INSTALL = 0, 1
GROUP_DM = 3


class WallClock(Clock):
    """A real clock for SimCord, whose own stands still. Tokens expire as they do on Discord, or after `advance`."""

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.elapsed)


@dataclass(frozen=True)
class Place:
    """A channel as an interaction describes it. `context` and `install` are Discord's numbers."""

    channel: int
    guild: int | None
    context: int
    install: int = GUILD_INSTALL


class World:
    """Creates people, servers and channels. The bot can reach the channels in `closed` only through interactions."""

    def __init__(self, backend: Backend) -> None:
        self.closed: set[int] = set()
        self._backend = backend
        self._people: dict[str, int] = {}

    def user(self, name: str, number: int | None = None) -> int:
        """Return the id of the person with this name, created at first use. `number` asks for a certain id."""
        if name not in self._people:
            made = User(self._backend.reserve_id(number), name) if number else self._backend.make_user(name)
            self._backend.users[made.id] = made
            self._people[name] = made.id
        return self._people[name]

    def guild(self, name: str = "Studio") -> Place:
        """Return the first text channel of a new server that has the bot."""
        guild = self._backend.create_guild(name)
        return Place(self._backend.create_channel(guild.id, "general").id, guild.id, GUILD)

    def foreign_guild(self, name: str = "Elsewhere") -> Place:
        """Return a channel of a server without the bot, whose members installed the bot for themselves."""
        place = self.guild(name)
        assert place.guild is not None
        self._backend.guilds[place.guild].members.pop(self._backend.bot_user.id)
        self._backend.emit("GUILD_DELETE", {"id": str(place.guild)})
        self.closed.add(place.channel)
        return Place(place.channel, place.guild, GUILD, USER_INSTALL)

    def join_guild(self, name: str = "New here", *, locale: str = "en-US", may_write: bool = True) -> Place:
        """Let a new server add the bot. Its first channel is its system channel."""
        place = self.foreign_guild(name)
        assert place.guild is not None
        guild = self._backend.guilds[place.guild]
        guild.preferred_locale, guild.system_channel_id = locale, place.channel
        if not may_write:
            everyone = guild.roles[guild.id]
            everyone.permissions &= ~discord.Permissions(send_messages=True).value
        self.closed.discard(place.channel)
        self._backend.add_member(guild.id, self._backend.bot_user.id)
        joined = dict(serializers.guild_create_payload(self._backend, guild))
        joined.pop("unavailable")  # Guild Create has it only for a server that was unavailable
        self._backend.emit("GUILD_CREATE", joined)
        return Place(place.channel, place.guild, GUILD)

    def direct(self, name: str = "ana") -> Place:
        """Return the person's direct messages with the bot."""
        return Place(self._backend.get_dm_channel(self.user(name)).id, None, BOT_DM)

    def group(self, *names: str) -> Place:
        """Return a group chat of these people without the bot."""
        channel = self._backend.create_channel(None, None, type=GROUP_DM)
        channel.recipient_ids = [self.user(name) for name in names]
        self.closed.add(channel.id)
        return Place(channel.id, None, PRIVATE_CHANNEL, USER_INSTALL)

    def join(self, user: int, place: Place) -> None:
        if place.guild is not None and user not in self._backend.guilds[place.guild].members:
            self._backend.add_member(place.guild, user)

    def allow(self, user: int, place: Place, permission: str) -> None:
        """Give a person a role with one permission, such as manage_guild."""
        assert place.guild is not None
        self.join(user, place)
        bits = discord.Permissions(**{permission: True}).value
        role = self._backend.create_role(place.guild, permission, permissions=bits)
        self._backend.add_member_role(place.guild, user, role.id)
