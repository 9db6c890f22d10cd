"""Read a multipart form within limits: its parts, their headers and text, and files, which are written to disk."""

import asyncio
import errno
import warnings
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from aiohttp import BodyPartReader, MultipartReader, StreamReader, web
from aiohttp.http import HttpProcessingError

from bot.adapters.web.body_stream import CHUNK_BYTES, MAX_SMALL_BODY_BYTES, BodyStream
from bot.adapters.web.data_uri import MAX_TEXT_BYTES
from bot.core.command import Attachment
from engine.core.errors import BadInput, TooLarge, disk_full
from engine.media.files import temporary_file

MAX_PARTS = 40
"""Parts of a form."""
MAX_PART_HEADERS, MAX_HEADER_BYTES = 8, 2048
"""Header lines of a part, and bytes of each line."""
TEXT_CHUNK_BYTES = 4096
"""Bytes of text that are read at a time. aiohttp may read one such chunk past the limit."""
MALFORMED_FORM_ERRORS = (ValueError, LookupError, RuntimeError, Warning, HttpProcessingError)
"""What aiohttp raises for a form with malformed headers, boundaries or charsets."""


@dataclass(frozen=True)
class Bounds:
    """The limits of uploads: the folder for files until the service takes them, bytes of a file, and files of a
    command.
    """

    folder: Path
    file_bytes: int
    files: int = 3

    @property
    def body_bytes(self) -> int:
        """Return the bytes that a JSON body may have: one file of the largest size in base64, and some text."""
        return self.file_bytes * 4 // 3 + 2 * MAX_TEXT_BYTES

    @property
    def form_bytes(self) -> int:
        """Return the bytes that a form may have: as many files as a command accepts, and some text."""
        return self.files * self.file_bytes + 4 * MAX_TEXT_BYTES


@dataclass
class Body:
    """The content of a request: `fields` from JSON or from a form's text fields, and `files` on disk.

    A long data URI in JSON is a `DataUri` among the fields.
    """

    fields: dict[str, Any] = field(default_factory=dict)
    files: dict[str, Attachment] = field(default_factory=dict)


Check = Callable[[Mapping[str, Any], str], Awaitable[None]]
"""Receives the fields read so far and the name of the next file, and raises where the file would be refused."""


async def read_fields(request: web.Request) -> dict[str, Any]:
    """Return the text fields of a form without files, of at most MAX_SMALL_BODY_BYTES. Nothing is written to disk."""
    body = Body()
    reader = _reader(request, MAX_SMALL_BODY_BYTES)
    while (part := await _next_part(reader, body)) is not None:
        name, filename = _names_of(part)
        if filename is not None:
            raise BadInput("This address doesn't accept files. Send the request without them.")
        body.fields[_check_new_name(name, body)] = await _read_text(part, name)
    return body.fields


async def read_form(request: web.Request, bounds: Bounds, stack: ExitStack, check: Check) -> Body:
    """Return the form. Its files stay on disk until `stack` closes.

    `check` is called before each file. Reading stops at a file that exceeds the limit; the service then refuses it by
    name and size. Raises BadInput, TooLarge and TooSlow.
    """
    body = Body()
    reader = _reader(request, bounds.form_bytes)
    while (part := await _next_part(reader, body)) is not None:
        name, filename = _names_of(part)
        _check_new_name(name, body)
        if filename is None:
            body.fields[name] = await _read_text(part, name)
            continue
        if len(body.files) >= bounds.files:
            raise BadInput("The form has too many files; the limit is {bound}. Send fewer.", bound=bounds.files)
        await check(body.fields, name)
        path = stack.enter_context(temporary_file(bounds.folder))
        body.files[name] = file = await _write_file(part, filename, path, bounds.file_bytes, request.content_length)
        if (file.size or 0) > bounds.file_bytes:
            return body
    return body


def _reader(request: web.Request, bound: int) -> MultipartReader:
    # MultipartReader uses only the methods of StreamReader that BodyStream has.
    stream = cast("StreamReader", BodyStream(request, bound))
    try:
        return MultipartReader(request.headers, stream, max_field_size=MAX_HEADER_BYTES, max_headers=MAX_PART_HEADERS)
    except (*MALFORMED_FORM_ERRORS, AssertionError) as error:  # aiohttp asserts that the content type is multipart
        raise _malformed_form() from error


async def _next_part(reader: MultipartReader, body: Body) -> BodyPartReader | None:
    """Return the next part, or None after the last one. Raises BadInput where there are too many."""
    try:
        part = await reader.next()
    except MALFORMED_FORM_ERRORS as error:
        raise _malformed_form() from error
    if part is not None and not isinstance(part, BodyPartReader):
        raise BadInput("Every part of the form needs a name.")
    if part is not None and len(body.fields) + len(body.files) >= MAX_PARTS:
        raise BadInput("The form has too many parts; the limit is {bound}. Send fewer.", bound=MAX_PARTS)
    return part


def _names_of(part: BodyPartReader) -> tuple[str, str | None]:
    """Return the part's name, and its file name if it is a file. Raises BadInput for a part without a name."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            name, filename = part.name, part.filename
        for text in (name, filename):
            (text or "").encode()
    except MALFORMED_FORM_ERRORS as error:
        raise _malformed_form() from error
    if name is None:
        raise BadInput("Every part of the form needs a name.")
    return name, filename


def _check_new_name(name: str, body: Body) -> str:
    """Return the name. Raises BadInput if the form already has a part of this name."""
    if name in body.fields or name in body.files:
        raise BadInput("The form contains {option} twice. Send it once.", option=name[:80])
    return name


async def _read_text(part: BodyPartReader, name: str) -> str:
    """Return the part's text. Raises TooLarge beyond MAX_TEXT_BYTES."""
    text = bytearray()
    try:
        while chunk := await part.read_chunk(TEXT_CHUNK_BYTES):
            text += chunk
            if len(text) > MAX_TEXT_BYTES:
                raise TooLarge(
                    "{option} is longer than {bound:bytes}. Shorten it.", option=name[:80], bound=MAX_TEXT_BYTES
                )
        return text.decode()
    except MALFORMED_FORM_ERRORS as error:
        raise _malformed_form() from error


async def _write_file(part: BodyPartReader, name: str, path: Path, bound: int, announced: int | None) -> Attachment:
    """Write the part to `path`. Beyond `bound` bytes stop reading, and report the size that the request announced."""
    size = 0
    with convert_disk_full(), await asyncio.to_thread(path.open, "wb") as file:
        try:
            while size <= bound and (chunk := await part.read_chunk(CHUNK_BYTES)):
                size += len(chunk)
                await asyncio.to_thread(file.write, chunk)
        except MALFORMED_FORM_ERRORS as error:
            raise _malformed_form() from error
    if size > bound:
        size = max(size, announced or 0)
    return Attachment(name=name, size=size, path=path)


@contextmanager
def convert_disk_full() -> Iterator[None]:
    """Raise DiskFull in place of the operating system's error when the disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise disk_full() from error
        raise


def _malformed_form() -> BadInput:
    return BadInput("The form is malformed. Check it and send it again.")
