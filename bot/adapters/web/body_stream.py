"""Read the body of a request within limits: bytes, seconds, and the size and depth of its JSON."""

import asyncio
import json
import time
from collections.abc import Awaitable
from typing import Any, NoReturn

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
INLINE_BYTES = 8 * 1024
"""Bytes of JSON that are parsed on the event loop. Longer JSON is parsed in a thread."""
MAX_JSON_MARKS = 50_000
"""Commas, colons and opening brackets in a body. The parser holds the interpreter's lock: 50,000 of them take it 4 ms.
"""
MAX_JSON_DEPTH = 16
"""Levels of nested objects and arrays."""
MAX_FORM_LINES = 1000
"""Lines of a form around the contents of its parts. 40 parts take 480, with boundaries and headers. Each costs 40 µs.
"""
CHARSETS = ("utf-8", "utf8", "us-ascii")
"""Names of encodings that UTF-8 can decode."""


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
            raise BadInput("The form has more than {bound} lines around its parts. Send fewer.", bound=MAX_FORM_LINES)
        return self._count(await _await_in_time(self._content.readline(max_line_length=max_line_length)))

    async def read_all(self) -> bytes:
        """Return the rest of the body."""
        body = bytearray()
        while chunk := await self.read(CHUNK_BYTES):
            body += chunk
        return bytes(body)

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
            raise _too_large(self._bound)
        overtime = time.monotonic() - self._start - GRACE_SECONDS
        if overtime > 0 and self._received < overtime * MIN_BYTES_PER_SECOND:
            _raise_too_slow()
        return data


async def read_json(request: web.Request, bound: int) -> dict[str, Any]:
    """Return the body, which must be a JSON object of at most `bound` bytes. Raises BadInput, TooLarge and TooSlow."""
    if (request.content_length or 0) > bound:
        raise _too_large(bound)
    charset = request.charset
    if charset is not None and str(charset).lower() not in CHARSETS:
        raise BadInput("The request must be encoded as UTF-8.")
    body = await BodyStream(request, bound).read_all()
    return parse_json(body) if len(body) <= INLINE_BYTES else await asyncio.to_thread(parse_json, body)


def parse_json(body: bytes) -> dict[str, Any]:
    """Return the JSON object in `body`. Raises BadInput where it is not an object, too large, too deeply nested or not
    valid Unicode.
    """
    if sum(body.count(mark) for mark in (b",", b":", b"[", b"{")) > MAX_JSON_MARKS:
        raise BadInput("The JSON has more than {bound} values. Send fewer.", bound=MAX_JSON_MARKS)
    try:
        fields = json.loads(body.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BadInput("The body must be JSON or multipart/form-data.") from error
    if not isinstance(fields, dict):
        raise BadInput("The body must be a JSON object.")
    _check(fields, MAX_JSON_DEPTH)
    return fields


def _check(value: Any, depth: int, option: str = "The body") -> None:
    """Raise BadInput for values nested deeper than `depth`, and for half of a surrogate pair, which cannot be encoded.
    `option` names the value in the message.
    """
    if isinstance(value, str):
        _check_text(value, option)
    elif isinstance(value, dict | list):
        if depth == 0:
            raise BadInput("The JSON is nested more than {bound} levels deep. Flatten it.", bound=MAX_JSON_DEPTH)
        for name, part in value.items() if isinstance(value, dict) else ((option, part) for part in value):
            _check_text(name, option)
            _check(part, depth - 1, name[:80])


def _check_text(text: str, option: str) -> None:
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise BadInput(
            "{option} contains half of a surrogate pair (\\ud800 to \\udfff). Send complete characters.", option=option
        )


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not valid JSON")


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


def _too_large(bound: int) -> TooLarge:
    if bound < 1_000_000:
        return TooLarge("The request is over the limit of {bound} kB. Shorten it.", bound=bound // 1024)
    return TooLarge("The request is over the limit of {bound:.0f} MB. Send smaller files.", bound=bound / 1e6)
