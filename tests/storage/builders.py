"""Helpers for tests of storage: a clock, pictures of any size, attachments, and a complete run of a job."""

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
"""Starts a server on loopback that answers every request with the handler, and returns its address."""


class Clock:
    """A clock in Unix seconds that stands still until a test moves it forward."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += seconds


def png(width: int, height: int, rows_there: int | None = None) -> bytes:
    """Return a black PNG with one bit per pixel. With few `rows_there` it is truncated after a complete header."""
    rows = zlib.compressobj(9)
    line = bytes(1 + (width + 7) // 8)
    data = b"".join(rows.compress(line) for _ in range(height if rows_there is None else rows_there)) + rows.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


async def run(store: Store, job: Job, result: Result, seconds: float = 1.0) -> None:
    """Admit, start, finish and deliver a job that is not in the cache."""
    assert await store.admit(job) is None
    await store.start(job.id, "cpu")
    await store.finish(job.id, result, seconds)
    await store.mark_delivered(job.id)


@dataclass(frozen=True)
class Sent:
    """An attachment as an adapter passes it on."""

    name: str = "cat.png"
    size: int | None = None
    url: str | None = None
    path: Path | None = None


def always(body: bytes, status: int = 200) -> Handler:
    """Return a handler that always sends this answer."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, status=status)

    return answer


async def refusal(files: Files, sent: Sent, kind: type[UserError] = BadInput) -> str:
    """Return the message of the error that fetching the attachment raises."""
    with pytest.raises(kind) as caught:
        await files.fetch("image", sent)
    return str(caught.value)


def media_files(folder: Path) -> list[Path]:
    """Return the paths of all media files."""
    return [path for path in (folder / "media").rglob("*") if path.is_file()]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


PICTURE = png(40, 30)
