"""Discord's gateway over a real WebSocket: hello, identify, heartbeat, resume, and compressed events filtered by
intents.
"""

import asyncio
import json
import zlib
from collections.abc import Callable, Mapping
from enum import IntEnum
from secrets import token_hex
from types import SimpleNamespace
from typing import Any

import discord
from aiohttp import WSMsgType, web
from simcord.backend import Backend, serializers
from simcord.gateway import ShardRouter

BEAT_MILLISECONDS = 41_250
WRONG_TOKEN = 4004


class Op(IntEnum):
    """Gateway opcodes, as Discord's documentation numbers them."""

    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    RESUME = 6
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11


class Session:
    """One identified client: its intents, and every event that it was sent, so that it can resume."""

    def __init__(self, backend: Backend, intents: int, url: str) -> None:
        self.id, self.events, self.fresh = token_hex(8), list[tuple[str, Any]](), asyncio.Event()
        self._backend, self._url = backend, url
        state = SimpleNamespace(intents=discord.Intents._from_value(intents), parsers=_Parsers(self.send), guilds=[])
        self._router = ShardRouter(backend, state, lambda *_: None, 1, (0,))

    def open(self) -> None:
        self._router.identify(0)
        for guild in self._backend.guilds.values():
            self._router.feed("GUILD_CREATE", serializers.guild_create_payload(self._backend, guild))
        self._backend.subscribers.append(self._router.feed)

    def close(self) -> None:
        if self._router.feed in self._backend.subscribers:
            self._backend.subscribers.remove(self._router.feed)

    def send(self, event: str, payload: dict[str, Any]) -> None:
        if event == "READY":
            payload |= {"session_id": self.id, "resume_gateway_url": self._url}
        if not self._elsewhere(event, payload):
            self.events.append((event, payload))
            self.fresh.set()

    def _elsewhere(self, event: str, payload: dict[str, Any]) -> bool:
        """Return whether the event belongs to a guild without the bot. Interactions are excepted: user installs send
        them from anywhere.
        """
        named = payload.get("guild_id") or (payload.get("id") if event.startswith("GUILD_") else None)
        guild = self._backend.guilds.get(int(named)) if named else None
        return event != "INTERACTION_CREATE" and guild is not None and self._backend.bot_user.id not in guild.members


class _Parsers(dict[str, Callable[[dict[str, Any]], None]]):
    """Writes to the wire what SimCord would pass to a client's parsers."""

    def __init__(self, send: Callable[[str, dict[str, Any]], None]) -> None:
        super().__init__()
        self._send = send

    def __missing__(self, event: str) -> Callable[[dict[str, Any]], None]:
        return lambda payload: self._send(event, payload)


class Gateway:
    """All connections and sessions. The server sets `url` once it knows its port. `changed` is called when a connection
    changes.
    """

    def __init__(self, backend: Backend, token: str, changed: Callable[[], None]) -> None:
        self.url = ""
        self.sessions: dict[str, Session] = {}
        self.live: set[web.WebSocketResponse] = set()
        self._backend, self._token, self._changed = backend, token, changed

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        wire = _Wire(socket, request.query.get("compress", ""))
        await wire.send({"op": Op.HELLO, "d": {"heartbeat_interval": BEAT_MILLISECONDS}})
        writer: asyncio.Task[None] | None = None
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    writer = await self._take(wire, json.loads(message.data)) or writer
        finally:
            self.live.discard(socket)
            if writer is not None:
                writer.cancel()
                await asyncio.gather(writer, return_exceptions=True)
        return socket

    async def drop(self) -> None:
        """Cut every connection, as a network failure does. Clients may resume."""
        for socket in tuple(self.live):
            await socket.close(code=4000)

    def close(self) -> None:
        for session in self.sessions.values():
            session.close()

    async def _take(self, wire: "_Wire", message: Mapping[str, Any]) -> asyncio.Task[None] | None:
        match message["op"]:
            case Op.HEARTBEAT:
                await wire.send({"op": Op.HEARTBEAT_ACK})
            case Op.IDENTIFY | Op.RESUME if message["d"]["token"] != self._token:
                await wire.socket.close(code=WRONG_TOKEN, message=b"Authentication failed.")
            case Op.IDENTIFY:
                return self._start(wire, self._identify(message["d"]), 0)
            case Op.RESUME if message["d"]["session_id"] in self.sessions:
                return self._start(wire, self.sessions[message["d"]["session_id"]], message["d"]["seq"])
            case Op.RESUME:
                await wire.send({"op": Op.INVALID_SESSION, "d": False})
        return None

    def _identify(self, identity: Mapping[str, Any]) -> Session:
        session = Session(self._backend, identity["intents"], self.url)
        self.sessions[session.id] = session
        session.open()
        return session

    def _start(self, wire: "_Wire", session: Session, sent: int) -> asyncio.Task[None]:
        self.live.add(wire.socket)
        self._changed()
        return asyncio.create_task(wire.follow(session, sent))


class _Wire:
    """One connection: JSON, compressed as one stream if the client asked for it."""

    def __init__(self, socket: web.WebSocketResponse, compress: str) -> None:
        if compress not in ("", "zlib-stream"):
            raise web.HTTPBadRequest(text=f"this gateway does not speak {compress}")
        self.socket = socket
        self._stream = zlib.compressobj() if compress else None

    async def send(self, message: Mapping[str, Any]) -> None:
        text = json.dumps(message)
        if self._stream is None:
            await self.socket.send_str(text)
        else:
            packed = self._stream.compress(text.encode()) + self._stream.flush(zlib.Z_SYNC_FLUSH)
            await self.socket.send_bytes(packed)

    async def follow(self, session: Session, sent: int) -> None:
        """Send the events that the client has not seen, then each new one."""
        if sent:
            session.events.append(("RESUMED", {}))
        while True:
            while sent < len(session.events):
                event, payload = session.events[sent]
                sent += 1
                await self.send({"op": Op.DISPATCH, "t": event, "s": sent, "d": payload})
            session.fresh.clear()
            await session.fresh.wait()
