"""Read a request's body within its bounds: bytes, seconds, and the size and depth of its JSON."""

import asyncio
import json
import time
from collections.abc import Awaitable
from typing import Any, NoReturn

from aiohttp import web
from aiohttp.http import HttpProcessingError

from bot.adapters.web.routes import ask_for_body
from engine.core.errors import BadInput, TooLarge

OPEN_BYTES = 64 * 1024
"""Bytes of a body that are read before the sender has signed in, and of any body that carries no file."""
CHUNK_BYTES = 2**16
STALL_SECONDS = 20.0
"""Seconds without a byte after which the sender is given up."""
GRACE_SECONDS = 20.0
"""Seconds after which the average rate counts."""
MIN_RATE = 10_000
"""Bytes a second that a body must average. A slower sender would hold its connection, and its files, for hours."""
INLINE_BYTES = 8 * 1024
"""Bytes of JSON that are parsed on the event loop; more is parsed in a thread."""
JSON_MARKS = 50_000
"""Commas, colons and opening brackets of a body. The parser holds the interpreter's lock, and 50,000 take it 4 ms."""
JSON_DEPTH = 16
MAX_FORM_LINES = 1000
"""Lines of a form around its parts' contents: 40 parts take 480 with their boundaries and headers. Each costs 40 µs."""
CHARSETS = ("utf-8", "utf8", "us-ascii")


class TooSlow(BadInput):
    """The body did not arrive in time."""


class BodyStream:
    """The body of `request`, of at most `bound` bytes, with the part of `aiohttp.StreamReader` that forms use.

    Raises TooLarge beyond the bound, TooSlow where the sender stalls, and BadInput where the body is damaged.
    """

    def __init__(self, request: web.Request, bound: int) -> None:
        self._content = request.content
        self._bound = bound
        self._received = 0
        self._lines = 0
        self._begun = time.monotonic()
        ask_for_body(request)

    async def read(self, size: int) -> bytes:
        return self._count(await _in_time(self._content.read(size)))

    async def readline(self, *, max_line_length: int | None = None) -> bytes:
        """Return the next line, which is a form's own: a boundary, a part's header, or what stands before the parts."""
        self._lines += 1
        if self._lines > MAX_FORM_LINES:
            raise BadInput("The form has more than {bound} lines around its parts. Send less.", bound=MAX_FORM_LINES)
        return self._count(await _in_time(self._content.readline(max_line_length=max_line_length)))

    async def whole(self) -> bytes:
        body = bytearray()
        while chunk := await self.read(CHUNK_BYTES):
            body += chunk
        return bytes(body)

    def at_eof(self) -> bool:
        return self._content.at_eof()

    def unread_data(self, data: bytes) -> None:
        self._received -= len(data)
        self._content.unread_data(data)

    def _count(self, data: bytes) -> bytes:
        self._received += len(data)
        if self._received > self._bound:
            raise _too_large(self._bound)
        late = time.monotonic() - self._begun - GRACE_SECONDS
        if late > 0 and self._received < late * MIN_RATE:
            _give_up()
        return data


async def read_json(request: web.Request, bound: int) -> dict[str, Any]:
    """Return the JSON object that the body is. Raises BadInput, TooLarge and TooSlow."""
    if (request.content_length or 0) > bound:
        raise _too_large(bound)
    charset = request.charset
    if charset is not None and str(charset).lower() not in CHARSETS:
        raise BadInput("The body's charset must be UTF-8.")
    body = await BodyStream(request, bound).whole()
    return parse_json(body) if len(body) <= INLINE_BYTES else await asyncio.to_thread(parse_json, body)


def parse_json(body: bytes) -> dict[str, Any]:
    """Return the JSON object. Raises BadInput where it is none, or is too large, too deep or no Unicode."""
    if sum(body.count(mark) for mark in (b",", b":", b"[", b"{")) > JSON_MARKS:
        raise BadInput("The JSON has more than {bound} values. Send less.", bound=JSON_MARKS)
    try:
        fields = json.loads(body.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BadInput("The body must be JSON or multipart/form-data.") from error
    if not isinstance(fields, dict):
        raise BadInput("The body must be a JSON object.")
    _check(fields, JSON_DEPTH)
    return fields


def _check(value: Any, depth: int, option: str = "The body") -> None:
    """Raise BadInput for what nests too deeply, and for half of a surrogate pair, which no encoding writes."""
    if isinstance(value, str):
        _check_text(value, option)
    elif isinstance(value, dict | list):
        if depth == 0:
            raise BadInput("The JSON nests more than {bound} levels. Send it flatter.", bound=JSON_DEPTH)
        for name, part in value.items() if isinstance(value, dict) else ((option, part) for part in value):
            _check_text(name, option)
            _check(part, depth - 1, name[:80])


def _check_text(text: str, option: str) -> None:
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise BadInput("{option} has half of a character (\\ud800 to \\udfff). Send whole ones.", option=option)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


async def _in_time(read: Awaitable[bytes]) -> bytes:
    try:
        async with asyncio.timeout(STALL_SECONDS):
            return await read
    except TimeoutError:
        _give_up()
    except (HttpProcessingError, web.RequestPayloadError) as error:
        raise BadInput("The body is damaged. Send it again.") from error


def _give_up() -> NoReturn:
    raise TooSlow("The body came too slowly and was given up. Send it again over a faster connection.")


def _too_large(bound: int) -> TooLarge:
    if bound < 1_000_000:
        return TooLarge("The request is larger than {bound} kB. Send less.", bound=bound // 1024)
    return TooLarge("The request is larger than {bound:.0f} MB. Send less.", bound=bound / 1e6)
