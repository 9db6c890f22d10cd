"""Limit the connections to the server: how many are open, how many come from one address, and how long one may leave
data unread.

aiohttp closes a connection that sends no complete request within its keep-alive time, but does not limit their number.
"""

import asyncio
import socket
from collections import Counter
from collections.abc import Callable

import structlog
from aiohttp import web

from bot.adapters.web.session import network_of

log = structlog.get_logger()

UNREAD_SECONDS = 60.0
"""Seconds that a response may wait for a client that has stopped reading."""
KEEPALIVE_OPTIONS = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}
"""TCP keep-alive: seconds of silence before the first probe, seconds between probes, and unanswered probes before the
connection is closed. An event stream lives as long as its client.
"""
BUSY_RESPONSE = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nRetry-After: 10\r\n"
    b"Content-Length: 46\r\nConnection: close\r\n\r\nToo many connections. Close some, then retry.\n"
)
"""The response to a connection over the limit."""

Factory = Callable[[], asyncio.BaseProtocol]
"""Creates aiohttp's protocol for one connection."""


class Connections:
    """Counts open connections: all of them, and those from one address or IPv6 /64 network."""

    def __init__(self, max_connections: int, max_per_address: int) -> None:
        self._max_connections = max_connections
        self._max_per_address = max_per_address
        self._open: Counter[str] = Counter()
        self._has_logged = False

    def acquire(self, address: str) -> bool:
        """Count one more connection from `address` and return True. Return False, and count nothing, where a limit is
        reached.
        """
        full = self._open.total() >= self._max_connections
        if full or self._open[address] >= self._max_per_address:
            self._log_refusal(address)
            return False
        self._open[address] += 1
        return True

    def release(self, address: str) -> None:
        """Uncount a connection from `address`."""
        self._open[address] -= 1
        if not self._open[address]:
            del self._open[address]
        self._has_logged = False

    def _log_refusal(self, address: str) -> None:
        """Log the first refusal, then none until a connection is closed, so that a flood does not fill the log."""
        if not self._has_logged:
            log.warning("refused a connection: too many are open", address=address, open=self._open.total())
        self._has_logged = True


class GuardedProtocol(asyncio.Protocol):
    """Wraps aiohttp's protocol of one connection and forwards events if the connection is within the limits."""

    def __init__(self, connections: Connections, factory: Factory) -> None:
        self._connections = connections
        self._factory = factory
        self._inner: asyncio.Protocol | None = None
        self._address = ""
        self._transport: asyncio.Transport | None = None
        self._unread_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start aiohttp's protocol, or send BUSY_RESPONSE and close where there are too many connections."""
        assert isinstance(transport, asyncio.Transport)
        peer = transport.get_extra_info("peername")
        self._address, self._transport = network_of(peer[0] if peer else None), transport
        if not self._connections.acquire(self._address):
            transport.write(BUSY_RESPONSE)
            transport.close()
            return
        _enable_keepalive(transport.get_extra_info("socket"))
        inner = self._factory()
        assert isinstance(inner, asyncio.Protocol)
        self._inner = inner
        inner.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Uncount the connection."""
        self._stop_timer()
        if self._inner is not None:
            self._connections.release(self._address)
            self._inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Forward the data."""
        if self._inner is not None:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        """Forward the end of the client's data."""
        return self._inner.eof_received() if self._inner is not None else None

    def pause_writing(self) -> None:
        """Forward it, and abort the connection if the client reads nothing for UNREAD_SECONDS."""
        if self._inner is not None and self._transport is not None:
            loop = asyncio.get_running_loop()
            self._unread_timer = loop.call_later(UNREAD_SECONDS, self._transport.abort)
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Forward it, and stop the timer."""
        self._stop_timer()
        if self._inner is not None:
            self._inner.resume_writing()

    def _stop_timer(self) -> None:
        if self._unread_timer is not None:
            self._unread_timer.cancel()
            self._unread_timer = None


class GuardedSite(web.BaseSite):
    """Listens at `host` and `port`, with each connection behind a GuardedProtocol."""

    def __init__(self, runner: web.BaseRunner, connections: Connections, host: str, port: int) -> None:
        super().__init__(runner)
        self._connections = connections
        self._host = host
        self._port = port

    @property
    def name(self) -> str:
        """Return the address, as aiohttp shows it."""
        return f"http://{self._host}:{self._port}"

    async def start(self) -> None:
        """Start listening. Raises OSError where the address cannot be used."""
        await super().start()
        server = self._runner.server
        assert server is not None, "Server.start sets up the runner first"
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: GuardedProtocol(self._connections, server), self._host, self._port, backlog=self._backlog
        )


def _enable_keepalive(connection: socket.socket) -> None:
    """Have the operating system detect a peer that has disappeared, where it supports these options."""
    for name, value in KEEPALIVE_OPTIONS.items():
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
