"""What storage's tests are told with: a clock to turn, pictures of any size, a job's whole life."""

import struct
import zlib

from engine.job import Job, Result
from storage.store import Store

NOON = 1_800_000_000.0


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


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
