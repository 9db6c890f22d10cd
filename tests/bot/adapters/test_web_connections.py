"""Connections to the real server: those without a request, too many of them, and streams, which stay open."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from engine.core.settings import WorkerSettings
from engine.host.engine import Engine, HostSettings
from storage.store import Store
from tests.bot.adapters.website import Site, serving
from tests.fakes import until
from tests.timing import HANG_SECONDS

pytestmark = pytest.mark.asyncio(loop_scope="module")
Open = Callable[..., AbstractAsyncContextManager[Site]]
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest_asyncio.fixture(loop_scope="module")
async def open_site(tmp_path: Path) -> AsyncIterator[Open]:
    """A site whose engine has no worker."""
    async with Store.open(":memory:") as store:
        yield partial(
            serving, Engine(HostSettings(devices=(), worker=WorkerSettings(folder=tmp_path))), tmp_path, store
        )


class Connection:
    """One connection of a client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def to(cls, site: Site, stack: AsyncExitStack) -> "Connection":
        line = cls(*await asyncio.open_connection("127.0.0.1", int(site.url.rpartition(":")[2])))
        stack.callback(line.writer.close)
        return line

    async def ask(self) -> int:
        self.writer.write(REQUEST)
        return await self.status()

    async def status(self) -> int:
        async with asyncio.timeout(HANG_SECONDS):
            code = int((await self.reader.readline()).split()[1])
            while (await self.reader.readline()).strip():
                pass
            return code

    async def drip(self, head: bytes) -> None:
        """Send the head, then one header line after another until the server closes the connection."""
        self.writer.write(head)
        number = 0
        while not self.reader.at_eof():
            number += 1
            self.writer.write(b"X-%d: y\r\n" % number)
            await asyncio.sleep(0.02)

    async def closed(self) -> None:
        async with asyncio.timeout(HANG_SECONDS):
            while await self.reader.read(1000):
                pass


async def test_half_open_connections_are_closed(open_site: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.adapters.web.server.IDLE_SECONDS", 2)
    async with open_site() as site, AsyncExitStack() as stack:
        silent, begun, dripping, between = [await Connection.to(site, stack) for _ in range(4)]
        begun.writer.write(REQUEST[:20])
        assert await between.ask() == 200
        between.writer.write(REQUEST[:20])
        drip = asyncio.create_task(dripping.drip(REQUEST[:-2]))
        await asyncio.gather(*(line.closed() for line in (silent, begun, dripping, between)), return_exceptions=False)
        await drip


async def test_a_stream_outlives_the_idle_time(open_site: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.adapters.web.server.IDLE_SECONDS", 0.5)
    monkeypatch.setattr("bot.adapters.web.job_events.HEARTBEAT_SECONDS", 0.6)
    async with open_site() as site, site.visitor() as visitor, visitor.session.get("/events") as stream:
        beats = [await stream.content.readline() for _ in range(8)]
    assert beats.count(b": still here\n") >= 3


async def test_connections_from_one_address_are_limited(open_site: Open) -> None:
    async with open_site(web={"connections_per_address": 3}) as site, AsyncExitStack() as stack:
        lines = [await Connection.to(site, stack) for _ in range(3)]
        assert [await line.ask() for line in lines] == [200, 200, 200]
        refused = await Connection.to(site, stack)
        assert await refused.status() == 503
        lines[0].writer.close()
        await until(lambda: len(_connections(site)) == 2)
        assert await (await Connection.to(site, stack)).ask() == 200


async def test_all_connections_together_are_limited(open_site: Open) -> None:
    async with open_site(web={"connections": 2}) as site, AsyncExitStack() as stack:
        lines = [await Connection.to(site, stack) for _ in range(3)]
        assert [await lines[0].ask(), await lines[1].ask(), await lines[2].status()] == [200, 200, 503]


async def test_an_unread_answer_is_dropped(open_site: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.adapters.web.connections.UNREAD_SECONDS", 0.2)
    async with open_site() as site, AsyncExitStack() as stack:
        line = await Connection.to(site, stack)
        line.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport that reads
        for _ in range(2000):
            line.writer.write(b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        await until(lambda: not _connections(site))


async def test_the_rest_of_a_refused_body_is_not_read_for_long(
    open_site: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.adapters.web.server.LINGER_SECONDS", 0.2)
    async with open_site(web={"token": "open-sesame"}) as site, AsyncExitStack() as stack:
        line = await Connection.to(site, stack)
        line.writer.write(b"POST /jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000000\r\n\r\n")
        assert await line.status() == 401
        await line.closed()


def _connections(site: Site) -> list[object]:
    runner = site.server._runner
    assert runner.server is not None
    return list(runner.server.connections)


async def test_malformed_requests_are_logged_in_a_few_short_lines(
    open_site: Open, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.adapters.web.malformed._FILTER._window_start", -1e9)
    async with open_site() as site, AsyncExitStack() as stack:
        for _ in range(25):
            line = await Connection.to(site, stack)
            line.writer.write(b"GET /\x1b[31m HTTP/1.1\r\nHost: 127.0.0.1\r\n: " + b"x" * 5000 + b"\r\n\r\n")
            assert await line.status() == 400
    records = [record for record in caplog.records if record.name == "aiohttp.server"]
    assert 1 <= len(records) <= 10
    assert all(record.exc_info is None and len(record.getMessage()) < 400 for record in records)
    assert all(record.getMessage().startswith("malformed request from 127.0.0.1: ") for record in records)
