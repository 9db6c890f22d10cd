"""Read the body of a request within limits of bytes and of seconds."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NoReturn

from aiohttp import web
from aiohttp.http import HttpProcessingError

from bot.adapters.web.routes import ask_for_body
from engine.core.errors import BadInput, TooLarge

MAX_SMALL_BODY_BYTES = 64 * 1024
"""Bytes of a body that are read before the sender has signed in, and of any body without files."""
CHUNK_BYTES = 2**16
"""Bytes that are read at a time."""
STALL_SECONDS = 20.0
"""Seconds without a byte after which the request is refused."""
GRACE_SECONDS = 20.0
"""Seconds after which the average rate is checked."""
MIN_BYTES_PER_SECOND = 10_000
"""The lowest average rate of a body. A slower sender would hold its connection and its files for hours."""
MAX_FORM_LINES = 1000
"""Lines of a form around the contents of its parts. 40 parts take 480, with boundaries and headers. Each costs 40 µs.
"""


class TooSlow(BadInput):
    """The body did not arrive in time."""


class BodyStream:
    """The body of `request`, of at most `bound` bytes. It has the methods of `aiohttp.StreamReader` that the form
    reader uses.

    Reading raises TooLarge beyond the bound, TooSlow where the sender stalls, and BadInput where the body is damaged.
    """

    def __init__(self, request: web.Request, bound: int) -> None:
        if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
            raise BadInput("The request must not be compressed. Send it without Content-Encoding.")
        self._content = request.content
        self._bound = bound
        self._received = 0
        self._lines = 0
        self._start = time.monotonic()
        ask_for_body(request)

    async def read(self, size: int) -> bytes:
        """Return at most `size` bytes, and none at the end."""
        return self._count(await _await_in_time(self._content.read(size)))

    async def readline(self, *, max_line_length: int | None = None) -> bytes:
        """Return the next line with its end: a boundary, a part's header, or text before the first part."""
        self._lines += 1
        if self._lines > MAX_FORM_LINES:
            raise BadInput(
                "The form has too many lines around its parts; the limit is {bound:,}. Send fewer.",
                bound=MAX_FORM_LINES,
            )
        return self._count(await _await_in_time(self._content.readline(max_line_length=max_line_length)))

    async def read_all(self, count_upload: Callable[[], None] | None = None) -> list[bytes]:
        """Return the rest of the body in chunks of CHUNK_BYTES to twice that, but for the last one.

        Call `count_upload` once the body is longer than MAX_SMALL_BODY_BYTES.
        """
        chunks, chunk = [], bytearray()
        while data := await self.read(CHUNK_BYTES):
            if count_upload is not None and self._received > MAX_SMALL_BODY_BYTES:
                count_upload()
            chunk += data
            if len(chunk) >= CHUNK_BYTES:
                chunks.append(bytes(chunk))
                chunk.clear()
        return [*chunks, bytes(chunk)]

    def at_eof(self) -> bool:
        """Return whether the body has been read to its end."""
        return self._content.at_eof()

    def unread_data(self, data: bytes) -> None:
        """Put `data` back, to be read next."""
        self._received -= len(data)
        self._content.unread_data(data)

    def _count(self, data: bytes) -> bytes:
        """Count the data and check the total and the average rate."""
        self._received += len(data)
        if self._received > self._bound:
            raise too_large(self._bound)
        overtime = time.monotonic() - self._start - GRACE_SECONDS
        if overtime > 0 and self._received < overtime * MIN_BYTES_PER_SECOND:
            _raise_too_slow()
        return data


async def _await_in_time(read: Awaitable[bytes]) -> bytes:
    try:
        async with asyncio.timeout(STALL_SECONDS):
            return await read
    except TimeoutError:
        _raise_too_slow()
    except (HttpProcessingError, web.RequestPayloadError) as error:
        raise BadInput("The request arrived damaged. Send it again.") from error


def _raise_too_slow() -> NoReturn:
    raise TooSlow("The upload was too slow and was stopped. Send it again over a faster connection.")


def too_large(bound: int) -> TooLarge:
    """Return the error for a body of more than `bound` bytes."""
    if bound < 1_000_000:
        return TooLarge("The request is over the limit of {bound:bytes}. Shorten it.", bound=bound)
    return TooLarge("The request is over the limit of {bound:bytes}. Send smaller files.", bound=bound)
