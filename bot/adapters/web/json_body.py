"""Read a JSON body within limits: its bytes, its values, their depth, and its files."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from aiohttp import web

from bot.adapters.web.body_stream import MAX_SMALL_BODY_BYTES, BodyStream, too_large
from bot.adapters.web.data_uri import MAX_TEXT_BYTES, DataUri, extract_data_uris
from engine.core.errors import BadInput, TooLarge

INLINE_BYTES = 8 * 1024
"""Bytes of JSON that are parsed on the event loop. Longer JSON is parsed in a thread."""
MAX_JSON_MARKS = 50_000
"""Commas, colons and opening brackets in a body. The parser holds the interpreter's lock: 50,000 of them take it 4 ms.
"""
MAX_JSON_DEPTH = 16
"""Levels of nested objects and arrays."""
CHARSETS = ("utf-8", "utf8", "us-ascii")
"""Names of encodings that UTF-8 can decode."""


async def read_json(
    request: web.Request, bound: int, max_files: int = 0, count_upload: Callable[[], None] | None = None
) -> dict[str, Any]:
    """Return the body, which must be a JSON object of at most `bound` bytes with at most `max_files` long data URIs.

    `count_upload` is called once the body is too long to be without a file. Raises BadInput, TooLarge and TooSlow, and
    what `count_upload` raises.
    """
    if (request.content_length or 0) > bound:
        raise too_large(bound)
    charset = request.charset
    if charset is not None and str(charset).lower() not in CHARSETS:
        raise BadInput("The request must be encoded as UTF-8.")
    if count_upload is not None and (request.content_length or 0) > MAX_SMALL_BODY_BYTES:
        count_upload()
    body = await BodyStream(request, bound).read_all(count_upload)
    if sum(map(len, body)) <= INLINE_BYTES:
        return parse_json(body, max_files)
    return await asyncio.to_thread(parse_json, body, max_files)


def parse_json(chunks: Sequence[bytes], max_files: int = 0) -> dict[str, Any]:
    """Return the JSON object in `chunks`. A long data URI in it, or in its `options`, becomes a `DataUri`.

    Raises BadInput where it is not an object, too large, too deeply nested or not valid Unicode, and TooLarge for a
    text that is too long.
    """
    text, uris = extract_data_uris(chunks, max_files)
    if sum(text.count(mark) for mark in (b",", b":", b"[", b"{")) > MAX_JSON_MARKS:
        raise BadInput("The JSON has too many values; the limit is {bound:,}. Send fewer.", bound=MAX_JSON_MARKS)
    try:
        fields = json.loads(text.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BadInput("The body must be JSON or multipart/form-data.") from error
    if not isinstance(fields, dict):
        raise BadInput("The body must be a JSON object.")
    for values in (fields, fields.get("options")):
        _insert_uris(values, uris)
    _check(fields, uris, MAX_JSON_DEPTH)
    return fields


def _insert_uris(values: Any, uris: Mapping[str, DataUri]) -> None:
    """Put the data URIs in place of their marks."""
    if isinstance(values, dict):
        values |= {name: uris[mark] for name, mark in values.items() if isinstance(mark, str) and mark in uris}


def _check(value: Any, uris: Mapping[str, DataUri], depth: int, option: str = "The body") -> None:
    """Raise BadInput for values nested deeper than `depth`, and for half of a surrogate pair, which cannot be encoded.
    Raise TooLarge for a data URI in a place where none is expected. `option` names the value in the message.
    """
    if isinstance(value, str):
        _check_text(value, uris, option)
    elif isinstance(value, dict | list):
        if depth == 0:
            raise BadInput("The JSON is nested too deeply; the limit is {bound}. Flatten it.", bound=MAX_JSON_DEPTH)
        for name, part in value.items() if isinstance(value, dict) else ((option, part) for part in value):
            _check_text(name, uris, option)
            _check(part, uris, depth - 1, name[:80])


def _check_text(text: str, uris: Mapping[str, DataUri], option: str) -> None:
    if text in uris:
        raise too_long_text(option)
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise BadInput(
            "{option} contains half of a surrogate pair (\\ud800 to \\udfff). Send complete characters.", option=option
        )


def too_long_text(option: str) -> TooLarge:
    """Return the error for an option whose text is longer than MAX_TEXT_BYTES."""
    return TooLarge("{option} is longer than {bound:bytes}. Shorten it.", option=option, bound=MAX_TEXT_BYTES)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not valid JSON")
