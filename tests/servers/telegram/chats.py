"""Chats as Telegram stores them, and the people in them."""

import asyncio
import io
import re
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from PIL import Image

from tests.timing import HANG_SECONDS

if TYPE_CHECKING:
    from tests.servers.telegram.server import TelegramServer

Json = dict[str, Any]
MAX_PHOTO = 10 * 1024 * 1024
MAX_DIMENSIONS = 10_000
PHOTO_SIDES = (90, 320, 800, 1280, 2560)
"""The longer sides of a stored photo: https://core.telegram.org/api/files#image-thumbnail-types."""
COMMAND = re.compile(r"/[a-z0-9_]{1,32}(@\w+)?", re.IGNORECASE)


class Refused(Exception):
    """The server refuses a request. `description` is the real server's text."""

    def __init__(self, description: str, status: int = 400, **parameters: int) -> None:
        super().__init__(description)
        self.description, self.status, self.parameters = description, status, parameters


class Upload(bytes):
    """A file from a form."""

    name: str
    mime: str

    @classmethod
    def of(cls, data: bytes, name: str, mime: str) -> "Upload":
        upload = cls(data)
        upload.name, upload.mime = name, mime
        return upload


@dataclass(frozen=True)
class StoredFile:
    id: str
    name: str
    mime: str
    data: bytes
    width: int = 0
    height: int = 0

    def shown(self) -> Json:
        size = {"width": self.width, "height": self.height} if self.width else {}
        return {"file_id": self.id, "file_unique_id": "u" + self.id, "file_size": len(self.data), **size}


def stored(name: str, mime: str, data: bytes, width: int = 0, height: int = 0) -> StoredFile:
    return StoredFile("F" + secrets.token_urlsafe(20), name, mime, data, width, height)


def photo_sizes(data: bytes) -> Iterator[StoredFile]:
    """Yield the sizes in which Telegram stores a photo: JPEGs from a thumbnail up to 2560 pixels. Raises Refused as
    Telegram does.
    """
    if len(data) > MAX_PHOTO:
        raise Refused(
            f"Bad Request: file of size {len(data)} bytes is too big for a photo; the maximum size is {MAX_PHOTO} bytes"
        )
    try:
        picture = Image.open(io.BytesIO(data)).convert("RGB")
    except OSError:
        raise Refused("Bad Request: IMAGE_PROCESS_FAILED") from None
    if sum(picture.size) > MAX_DIMENSIONS or max(picture.size) > 20 * min(picture.size):
        raise Refused("Bad Request: PHOTO_INVALID_DIMENSIONS")
    longest = max(picture.size)
    for side in [*(side for side in PHOTO_SIDES if side < longest), min(longest, PHOTO_SIDES[-1])]:
        smaller = picture.copy()
        smaller.thumbnail((side, side))
        file = io.BytesIO()
        smaller.save(file, "JPEG")
        yield stored(f"photos/{secrets.token_hex(4)}.jpg", "image/jpeg", file.getvalue(), *smaller.size)


EVERYBODY = 0
"""Stands for all members of a group."""


@dataclass(frozen=True)
class Box:
    """The reply box that a ForceReply opens: for whom, and what it shows while it is empty."""

    people: frozenset[int]
    placeholder: str


@dataclass
class Room:
    """One chat. `barred` is the server's answer to anything the bot sends here after it has been removed."""

    server: "TelegramServer"
    id: int
    kind: str
    title: str
    forum: bool = False
    messages: dict[int, Json] = field(default_factory=dict)
    topics: dict[int, Json] = field(default_factory=dict)
    barred: str = ""
    admins: list[Json] = field(default_factory=list)
    boxes: dict[int, Box] = field(default_factory=dict)
    actions: list[str] = field(default_factory=list)

    def shown(self) -> Json:
        name = {"first_name": self.title} if self.kind == "private" else {"title": self.title}
        return {"id": self.id, "type": self.kind, **name, **({"is_forum": True} if self.forum else {})}

    def add(self, sender: Json, content: Json, thread: int | None = None, reply_to: int | None = None) -> Json:
        message = {
            "message_id": self.server.next_message_id(),
            "date": int(time.time()),
            "chat": self.shown(),
            "from": sender,
            **content,
            **self._place(thread, reply_to),
        }
        self.messages[message["message_id"]] = message
        return message

    def topic(self, title: str) -> int:
        """Open a topic in a forum and return its thread."""
        created = {"forum_topic_created": {"name": title, "icon_color": 0x6FB9F0}}
        message = self.add(self.server.stranger, created)
        thread = int(message["message_id"])
        message.update(message_thread_id=thread, is_topic_message=True)
        self.topics[thread] = message
        return thread

    def seat(self, user_id: int, language: str = "en", name: str = "Ana", thread: int | None = None) -> "Seat":
        user = {"id": user_id, "is_bot": False, "first_name": name, "language_code": language}
        return Seat(self, user, thread)

    def of_bot(self) -> list[Json]:
        return [message for message in self.messages.values() if message["from"]["is_bot"]]

    def _place(self, thread: int | None, reply_to: int | None) -> Json:
        """Return the fields that say where the message is. A topic's messages reply to its first one; a reply elsewhere
        opens a thread too.
        """
        answered = self.messages.get(reply_to) if reply_to else self.topics.get(thread or 0)
        place: Json = {"reply_to_message": _without_reply(answered)} if answered else {}
        if thread:
            place |= {"message_thread_id": thread, "is_topic_message": True}
        elif answered and self.kind == "supergroup":
            place |= {"message_thread_id": answered.get("message_thread_id", answered["message_id"])}
        return place


def _without_reply(message: Json) -> Json:
    return {name: value for name, value in message.items() if name != "reply_to_message"}


@dataclass(frozen=True)
class Seat:
    """One person in one chat, or in one topic of it."""

    room: Room
    user: Json
    thread: int | None = None

    def promote(self) -> None:
        """Make the person an admin of the group."""
        self.room.admins.append(self.user)

    async def say(self, text: str, reply_to: Json | None = None, *, as_group: bool = False) -> Json:
        """Send a text. `as_group` sends it as an anonymous admin."""
        hidden = {"sender_chat": self.room.shown()} if as_group else {}
        return await self._send({"text": text, **_entities("entities", text), **hidden}, reply_to)

    async def photo(self, data: bytes, caption: str = "", reply_to: Json | None = None) -> Json:
        sizes = [self.room.server.keep(size).shown() for size in photo_sizes(data)]
        return await self._send({"photo": sizes, **_caption(caption)}, reply_to)

    async def document(
        self, data: bytes, name: str, mime: str, caption: str = "", reply_to: Json | None = None
    ) -> Json:
        kept = self.room.server.keep(stored(f"documents/{name}", mime, data))
        content = {"document": {**kept.shown(), "file_name": name, "mime_type": mime}, **_caption(caption)}
        return await self._send(content, reply_to)

    async def voice(self, data: bytes, caption: str = "", reply_to: Json | None = None) -> Json:
        """Send a voice message: https://core.telegram.org/bots/api#voice."""
        kept = self.room.server.keep(stored(f"voice/{secrets.token_hex(4)}.oga", "audio/ogg", data))
        voice = {**kept.shown(), "duration": 1, "mime_type": "audio/ogg"}
        return await self._send({"voice": voice, **_caption(caption)}, reply_to)

    async def video_note(self, data: bytes, reply_to: Json | None = None) -> Json:
        """Send a round video, which has neither name nor type: https://core.telegram.org/bots/api#videonote."""
        kept = self.room.server.keep(stored(f"video_notes/{secrets.token_hex(4)}.mp4", "video/mp4", data))
        return await self._send({"video_note": {**kept.shown(), "length": 240, "duration": 1}}, reply_to)

    async def album(self, *pictures: bytes, caption: str = "", reply_to: Json | None = None) -> list[Json]:
        """Send photos as an album. Each is a message of its own, and the next one comes when the one before it has been
        fetched: https://core.telegram.org/bots/api#message, `media_group_id`.
        """
        group = {"media_group_id": str(self.room.server.next_message_id())}
        sent = []
        for number, data in enumerate(pictures):
            sizes = [self.room.server.keep(size).shown() for size in photo_sizes(data)]
            words = _caption(caption) if number == 0 else {}
            sent.append(await self._send({"photo": sizes, **group, **words}, reply_to))
            await self.room.server.fetched()
        return sent

    async def edit(self, message: Json, text: str) -> None:
        """Change the text of a message: https://core.telegram.org/bots/api#update, `edited_message`."""
        message.pop("entities", None)
        edited = int(message.get("edit_date") or message["date"]) + 1
        message.update(text=text, edit_date=edited, **_entities("entities", text))
        await self.room.server.push({"edited_message": message})

    def box(self, message: Json) -> Box | None:
        """Return the reply box that the message opened for this person, if it did."""
        box = self.room.boxes.get(message["message_id"])
        return box if box is not None and box.people & {EVERYBODY, self.user["id"]} else None

    async def press(self, message: Json, label: str, within: float = HANG_SECONDS) -> str:
        """Click the button with this label and return the text of the pop-up."""
        rows = message.get("reply_markup", {}).get("inline_keyboard", [])
        buttons = {button["text"]: button for row in rows for button in row}
        return await self.press_data(message, buttons[label]["callback_data"], within)

    async def press_data(self, message: Json, data: str, within: float = HANG_SECONDS) -> str:
        server = self.room.server
        query = secrets.token_hex(8)
        server.queries[query] = None
        pressed = {"id": query, "from": self.user, "message": message, "chat_instance": str(self.room.id), "data": data}
        await server.push({"callback_query": pressed})
        async with asyncio.timeout(within):
            return await server.until(lambda: server.queries[query])

    async def answer(
        self, to: Json | None = None, when: Callable[[Json], bool] = lambda _: True, within: float = HANG_SECONDS
    ) -> Json:
        """Return a message of the bot in this chat that fits `when`, and that replies to `to` if given. Wait for it."""

        def found() -> Json | None:
            fitting = (m for m in self.room.of_bot() if _answers(m, to) and when(m))
            return next(fitting, None)

        try:
            async with asyncio.timeout(within):
                return await self.room.server.until(found)
        except TimeoutError:
            raise AssertionError(f"no such answer within {within} s; the bot said {self.room.of_bot()}") from None

    async def _send(self, content: Json, reply_to: Json | None) -> Json:
        message = self.room.add(self.user, content, self.thread, reply_to["message_id"] if reply_to else None)
        if self.room.kind == "private" or _meant_for_bot(message, self.room.server.me["username"]):
            await self.room.server.push({"message": message})
        return message


def _answers(message: Json, to: Json | None) -> bool:
    return to is None or message.get("reply_to_message", {}).get("message_id") == to["message_id"]


def _caption(caption: str) -> Json:
    return {"caption": caption, **_entities("caption_entities", caption)} if caption else {}


def _entities(name: str, text: str) -> Json:
    found = COMMAND.match(text)
    return {name: [{"type": "bot_command", "offset": 0, "length": found.end()}]} if found else {}


def _meant_for_bot(message: Json, username: str) -> bool:
    """Return whether a bot in privacy mode receives a group's message: commands, mentions, and replies to it."""
    text = message.get("text") or message.get("caption") or ""
    answered = message.get("reply_to_message", {}).get("from", {})
    return text.startswith("/") or f"@{username}" in text.lower() or bool(answered.get("is_bot"))
