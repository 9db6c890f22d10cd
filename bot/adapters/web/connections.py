"""Bound the connections to the server: how many are open, how many from one address, how long one may be unread.

aiohttp closes a connection that sends no whole request within its keep-alive time, and has no bound on their number.
"""

import asyncio
import socket
from collections import Counter
from collections.abc import Callable

import structlog
from aiohttp import web

from bot.adapters.web.session import network

log = structlog.get_logger()

UNREAD_SECONDS = 60.0
"""Seconds that an answer may wait for a client which reads nothing of it."""
DEAD_PEER = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}
"""Seconds of silence until the system asks whether the other side is still there, between two such probes, and how many
of them may stay unanswered. An event stream lives as long as its client does.
"""
BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nRetry-After: 10\r\n"
    b"Content-Length: 46\r\nConnection: close\r\n\r\nToo many connections. Close some, then retry.\n"
)

Factory = Callable[[], asyncio.BaseProtocol]


class Connections:
    """Counts open connections. `most` bounds all of them, `most_each` those of one address or IPv6 /64 network."""

    def __init__(self, most: int, most_each: int) -> None:
        self._most = most
        self._most_each = most_each
        self._open: Counter[str] = Counter()
        self._full = False

    def enter(self, address: str) -> bool:
        """Count one more connection; return False, and count none, where it would be one too many."""
        full = self._open.total() >= self._most
        if full or self._open[address] >= self._most_each:
            self._tell(address)
            return False
        self._open[address] += 1
        return True

    def leave(self, address: str) -> None:
        self._open[address] -= 1
        if not self._open[address]:
            del self._open[address]
        self._full = False

    def _tell(self, address: str) -> None:
        """Once, until a connection is closed: a flood of connections makes no flood of lines."""
        if not self._full:
            log.warning("too many connections: one is refused", address=address, open=self._open.total())
        self._full = True


class Guard(asyncio.Protocol):
    """Stands before aiohttp's protocol of one connection, and passes on what it lets through."""

    def __init__(self, connections: Connections, factory: Factory) -> None:
        self._connections = connections
        self._factory = factory
        self._inner: asyncio.Protocol | None = None
        self._address = ""
        self._transport: asyncio.Transport | None = None
        self._unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        peer = transport.get_extra_info("peername")
        self._address, self._transport = network(peer[0] if peer else None), transport
        if not self._connections.enter(self._address):
            transport.write(BUSY)
            transport.close()
            return
        _watch_peer(transport.get_extra_info("socket"))
        inner = self._factory()
        assert isinstance(inner, asyncio.Protocol)
        self._inner = inner
        inner.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        if self._inner is not None:
            self._connections.leave(self._address)
            self._inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._inner is not None:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._inner is not None else None

    def pause_writing(self) -> None:
        if self._inner is not None and self._transport is not None:
            loop = asyncio.get_running_loop()
            self._unread = loop.call_later(UNREAD_SECONDS, self._transport.abort)
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._stop_timer()
        if self._inner is not None:
            self._inner.resume_writing()

    def _stop_timer(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None


class GuardedSite(web.BaseSite):
    """Listens at `host` and `port`, each connection behind a Guard."""

    def __init__(self, runner: web.BaseRunner, connections: Connections, host: str, port: int) -> None:
        super().__init__(runner)
        self._connections = connections
        self._host = host
        self._port = port

    @property
    def name(self) -> str:
        return f"http://{self._host}:{self._port}"

    async def start(self) -> None:
        """Raise OSError for an address that cannot be had."""
        await super().start()
        server = self._runner.server
        assert server is not None, "the runner is set up"
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Guard(self._connections, server), self._host, self._port, backlog=self._backlog
        )


def _watch_peer(connection: socket.socket) -> None:
    """Have the system find a peer that is gone without a word, where it can be told how."""
    for name, value in DEAD_PEER.items():
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
