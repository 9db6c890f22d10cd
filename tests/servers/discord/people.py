"""People who use the loopback Discord, and the bot's answers to them."""

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from simcord.backend import serializers
from simcord.backend.models import Interaction
from simcord.interactions import base_payload, build_options, nest_options, walk_to_subcommand

from tests.servers.discord.history import Shown
from tests.timing import HANG_SECONDS

from .rest import MIB
from .world import GROUP_DM, PRIVATE_CHANNEL, Place

if TYPE_CHECKING:
    from .server import DiscordServer

COMMAND, COMPONENT, AUTOCOMPLETE, FORM, CHAT_INPUT, MESSAGE_MENU, BUTTON = 2, 3, 4, 5, 1, 3, 2


class Answer:
    """The bot's answer to one interaction, awaited with a time limit."""

    def __init__(self, server: "DiscordServer", record: Interaction) -> None:
        self._server, self._record = server, record

    @property
    def message(self) -> int:
        """Return the id of the message that answers. Raises AssertionError if there is none yet."""
        assert self._messages, "nothing answered yet"
        return self._messages[-1]

    @property
    def states(self) -> list[Shown]:
        """Return every state of the answering message, in order."""
        return [state for message in self._messages for state in self._server.history.states.get(message, [])]

    @property
    def _messages(self) -> list[int]:
        """Return the answer's id, followed by the messages that the bot sent after it had deleted the answer."""
        first = self._record.message_id
        if first is None:
            return []
        is_there = first in self._server.backend.messages[self._record.channel_id]
        return [first] if is_there else [first, *self._record.followup_ids]

    @property
    def now(self) -> Shown:
        return self.states[-1]

    async def until(self, holds: Callable[[Shown], object], within: float = HANG_SECONDS) -> Shown:
        """Return the first state for which `holds` is true. Raises AssertionError with the states that were seen."""
        await self._server.until(lambda: any(holds(state) for state in self.states), within)
        return next(state for state in self.states if holds(state))

    async def form(self, within: float = HANG_SECONDS) -> dict[str, Any]:
        """Return the form that the bot opened for the person."""
        await self._server.until(lambda: self._record.modal, within)
        assert self._record.modal is not None
        return self._record.modal

    async def choices(self, within: float = HANG_SECONDS) -> dict[str, str]:
        """Return the values that the bot suggests for an option, by their labels."""
        await self._server.until(lambda: self._record.autocomplete_choices is not None, within)
        return {choice["name"]: choice["value"] for choice in self._record.autocomplete_choices or ()}

    async def acknowledged(self, within: float = HANG_SECONDS) -> None:
        await self._server.until(lambda: self._record.responded, within)


@dataclass(frozen=True)
class Person:
    """Somebody in a channel. `limit` is the largest file allowed there, in bytes."""

    server: "DiscordServer"
    name: str
    place: Place
    locale: str = "en-US"
    limit: int = 10 * MIB

    @property
    def id(self) -> int:
        return self.server.world.user(self.name)

    def slash(self, command: str, **options: Any) -> Answer:
        """Use a slash command as Discord's client would: a synced one, with options that fit it. A file is `(name,
        bytes)`. Raises AssertionError, or SimCord's SetupError, where the client would not allow it.
        """
        name, *rest = command.split()
        root = self.server.backend.find_command(name, None)
        assert root is not None, f"/{name} was never synced"
        assert self.place.context in root["contexts"], f"/{name} is not shown there"
        assert self.place.install in root["integration_types"], f"/{name} cannot be installed so"
        leaf, nesting = walk_to_subcommand(root, rest)
        actor: Any = SimpleNamespace(_env=SimpleNamespace(backend=self.server.backend), id=self.id)
        built, resolved = build_options(actor, command, leaf, options, channel_id=self.place.channel)
        nested = nest_options(root, nesting, built)
        data = {"id": root["id"], "name": name, "type": CHAT_INPUT, "options": nested, "resolved": resolved}
        return self._interact(COMMAND, data)

    async def type(self, command: str, option: str, typed: str, within: float = HANG_SECONDS) -> dict[str, str]:
        """Type into an option of a slash command, and return the values that the bot suggests, by their labels."""
        root = self.server.backend.find_command(command, None)
        assert root is not None, f"/{command} was never synced"
        (declared,) = (each for each in root["options"] if each["name"] == option)
        assert declared.get("autocomplete"), f"{option} of /{command} has no suggestions"
        focused = {"name": option, "type": declared["type"], "value": typed, "focused": True}
        data = {"id": root["id"], "name": command, "type": CHAT_INPUT, "options": [focused]}
        return await self._interact(AUTOCOMPLETE, data).choices(within)

    def press(self, label: str, message: int) -> Answer:
        """Click the message's button with this label."""
        buttons = self.server.history.states[message][-1].buttons
        assert label in buttons, f"there is no button {label}, only {list(buttons)}"
        stored = self.server.backend.get_message(self.place.channel, message)
        shown = dict(serializers.message_payload(self.server.backend, stored))
        return self._interact(COMPONENT, {"custom_id": buttons[label], "component_type": BUTTON}, shown)

    def post(self, words: str, *files: tuple[str, bytes]) -> int:
        """Post a message in the channel and return its id."""
        backend = self.server.backend
        self.server.world.join(self.id, self.place)
        attachments = backend.store_attachments(self.place.channel, files)
        message = backend.create_message(self.place.channel, self.id, words, attachments=attachments)
        self.server.history.note()
        return message.id

    def choose(self, entry: str, message: int) -> Answer:
        """Choose an entry of a message's menu."""
        root = self.server.backend.find_command(entry, None, MESSAGE_MENU)
        assert root is not None, f"the menu has no entry {entry}"
        stored = self.server.backend.get_message(self.place.channel, message)
        resolved = {"messages": {str(message): dict(serializers.message_payload(self.server.backend, stored))}}
        data = {"id": root["id"], "name": entry, "type": MESSAGE_MENU, "target_id": str(message), "resolved": resolved}
        return self._interact(COMMAND, data)

    def fill(self, form: dict[str, Any], words: str) -> Answer:
        """Fill in a form of one field and submit it."""
        (label,) = form["components"]
        field = {"type": label["component"]["type"], "custom_id": label["component"]["custom_id"], "value": words}
        components = [{"type": label["type"], "component": field}]
        return self._interact(FORM, {"custom_id": form["custom_id"], "components": components})

    def _interact(self, kind: int, data: dict[str, Any], message: dict[str, Any] | None = None) -> Answer:
        backend, place = self.server.backend, self.place
        self.server.world.join(self.id, place)
        record, payload = base_payload(
            backend, type=kind, channel_id=place.channel, guild_id=place.guild, user_id=self.id, data=data
        )
        if message is not None:
            record.source_message_id, payload["message"] = int(message["id"]), message
        self.server.rest.upload_limits[record.token] = self.limit
        backend.emit("INTERACTION_CREATE", payload | self._circumstances())
        return Answer(self.server, record)

    def _circumstances(self) -> dict[str, Any]:
        """Return the fields of an interaction that SimCord sets alike for every channel."""
        place = self.place
        owner = self.id if place.install else place.guild or 0
        said: dict[str, Any] = {"context": place.context, "locale": self.locale, "attachment_size_limit": self.limit}
        said["authorizing_integration_owners"] = {str(place.install): str(owner)}
        if place.guild is not None:
            said["guild"] = {"id": str(place.guild), "locale": self.locale, "features": []}
        if place.context == PRIVATE_CHANNEL:
            said["channel"] = self._group_channel()
        return said

    def _group_channel(self) -> dict[str, Any]:
        backend = self.server.backend
        people = [backend.get_user(person) for person in backend.get_channel(self.place.channel).recipient_ids]
        recipients = [dict(serializers.user_payload(person)) for person in people]
        owner = str(people[0].id)
        channel = {"id": str(self.place.channel), "type": GROUP_DM, "name": None, "icon": None, "last_message_id": None}
        return {**channel, "recipients": recipients, "owner_id": owner}
