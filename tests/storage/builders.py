"""What storage's tests are told with: a clock to turn, pictures of any size, attachments, a job's whole life."""

import struct
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web

from engine.core.errors import BadInput, UserError
from engine.core.job import Job, Result
from storage.files import Files
from storage.store import Store

NOON = 1_800_000_000.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve = Callable[[Handler], Awaitable[str]]
"""Starts a server on loopback that answers everything with the handler; its address."""


class Clock:
    """Unix seconds that stand still until a test turns them."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += seconds


def png(width: int, height: int, rows_there: int | None = None) -> bytes:
    """A black PNG of one bit a pixel. With only few `rows_there` a huge one is made at once, its header still whole."""
    rows = zlib.compressobj(9)
    line = bytes(1 + (width + 7) // 8)
    data = b"".join(rows.compress(line) for _ in range(height if rows_there is None else rows_there)) + rows.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


async def run(store: Store, job: Job, result: Result, seconds: float = 1.0) -> None:
    """The whole life of a job that is not in the cache."""
    assert await store.admit(job) is None
    await store.start(job.id, "cpu")
    await store.finish(job.id, result, seconds)
    await store.mark_delivered(job.id)


@dataclass(frozen=True)
class Sent:
    """An attachment as an adapter gives it."""

    name: str = "cat.png"
    size: int | None = None
    url: str | None = None
    path: Path | None = None


def always(body: bytes, status: int = 200) -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, status=status)

    return answer


async def refusal(files: Files, sent: Sent, kind: type[UserError] = BadInput) -> str:
    """What a person is told whose attachment is refused."""
    with pytest.raises(kind) as caught:
        await files.fetch("image", sent)
    return str(caught.value)


def left(folder: Path) -> list[Path]:
    """The media files there are."""
    return [path for path in (folder / "media").rglob("*") if path.is_file()]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


PICTURE = png(40, 30)
