"""Read a multipart form within its bounds: parts, their headers, their texts, and the files that go to disk."""

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

from bot.adapters.web.reading import CHUNK_BYTES, OPEN_BYTES, BodyStream
from bot.core.command import Attachment
from engine.core.errors import BadInput, TooLarge, disk_full
from engine.media.files import temporary_file

PARTS = 40
PART_HEADERS, HEADER_BYTES = 8, 2048
"""Header lines of a part, and bytes of each."""
TEXT_BYTES = 100_000
"""Bytes of one text of a form."""
TEXT_CHUNK_BYTES = 4096
"""Bytes of a text that are read at a time: aiohttp reads one such chunk beyond the text before it hands it over."""
DAMAGED = (ValueError, LookupError, RuntimeError, Warning, HttpProcessingError)
"""What aiohttp raises for a form that breaks the rules: headers, boundaries, charsets."""


@dataclass(frozen=True)
class Bounds:
    """Where files wait until the service takes them, the bytes that one may have, and how many a command takes."""

    folder: Path
    file_bytes: int
    files: int = 3

    @property
    def body_bytes(self) -> int:
        """What a JSON body may have: a file of the largest size in base64, and some words."""
        return self.file_bytes * 4 // 3 + 2 * TEXT_BYTES

    @property
    def form_bytes(self) -> int:
        """What a form may have: as many files as a command takes, and some words."""
        return self.files * self.file_bytes + 4 * TEXT_BYTES


@dataclass
class Body:
    """What came: `fields` are the words, as JSON values or as texts of a form; `files` wait on disk."""

    fields: dict[str, Any] = field(default_factory=dict)
    files: dict[str, Attachment] = field(default_factory=dict)


Check = Callable[[Mapping[str, Any], str], Awaitable[None]]
"""Takes the fields that have come and the name of the file that comes next; raises where it would be refused."""


async def read_fields(request: web.Request) -> dict[str, Any]:
    """Return the texts of a form of at most OPEN_BYTES that has no file. Nothing is written to disk."""
    body = Body()
    reader = _reader(request, OPEN_BYTES)
    while (piece := await _next(reader, body)) is not None:
        name, filename = _names(piece)
        if filename is not None:
            raise BadInput("This address takes no file.")
        body.fields[_new(name, body)] = await _words(piece, name)
    return body.fields


async def read_form(request: web.Request, bounds: Bounds, stack: ExitStack, check: Check) -> Body:
    """Return the form, its files on disk until `stack` closes.

    `check` is asked before each file. A file over its bound is not read further: it is the last, and the service
    refuses it by its name and size. Raises BadInput, TooLarge and TooSlow.
    """
    body = Body()
    reader = _reader(request, bounds.form_bytes)
    while (piece := await _next(reader, body)) is not None:
        name, filename = _names(piece)
        _new(name, body)
        if filename is None:
            body.fields[name] = await _words(piece, name)
            continue
        if len(body.files) >= bounds.files:
            raise BadInput("The form has more than {count} files. Send less.", count=bounds.files)
        await check(body.fields, name)
        path = stack.enter_context(temporary_file(bounds.folder))
        body.files[name] = file = await _write(piece, filename, path, bounds.file_bytes, request.content_length)
        if (file.size or 0) > bounds.file_bytes:
            return body
    return body


def _reader(request: web.Request, bound: int) -> MultipartReader:
    # Forms read no more of a StreamReader than BodyStream has.
    stream = cast("StreamReader", BodyStream(request, bound))
    try:
        return MultipartReader(request.headers, stream, max_field_size=HEADER_BYTES, max_headers=PART_HEADERS)
    except (*DAMAGED, AssertionError) as error:  # an assertion is how aiohttp refuses a type that is not multipart
        raise _damaged() from error


async def _next(reader: MultipartReader, body: Body) -> BodyPartReader | None:
    """Return the next part, None after the last. Raises BadInput where there are too many."""
    try:
        piece = await reader.next()
    except DAMAGED as error:
        raise _damaged() from error
    if piece is not None and not isinstance(piece, BodyPartReader):
        raise BadInput("Every part of the form needs a name.")
    if piece is not None and len(body.fields) + len(body.files) >= PARTS:
        raise BadInput("The form has more than {count} parts. Send less.", count=PARTS)
    return piece


def _names(piece: BodyPartReader) -> tuple[str, str | None]:
    """Return the part's name, and its file's name where it is a file. Raises BadInput where it has no name."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            name, filename = piece.name, piece.filename
        for each in (name, filename):
            (each or "").encode()
    except DAMAGED as error:
        raise _damaged() from error
    if name is None:
        raise BadInput("Every part of the form needs a name.")
    return name, filename


def _new(name: str, body: Body) -> str:
    if name in body.fields or name in body.files:
        raise BadInput("The form has {option} twice. Send it once.", option=name[:80])
    return name


async def _words(piece: BodyPartReader, name: str) -> str:
    words = bytearray()
    try:
        while chunk := await piece.read_chunk(TEXT_CHUNK_BYTES):
            words += chunk
            if len(words) > TEXT_BYTES:
                raise TooLarge(
                    "{option} has more than {bound} bytes of text. Shorten it.", option=name[:80], bound=TEXT_BYTES
                )
        return words.decode()
    except DAMAGED as error:
        raise _damaged() from error


async def _write(piece: BodyPartReader, name: str, path: Path, bound: int, announced: int | None) -> Attachment:
    """Write the part to `path`. One over the bound is not read further; its size is then what the request announces."""
    size = 0
    with disk_full_told(), await asyncio.to_thread(path.open, "wb") as file:
        try:
            while size <= bound and (chunk := await piece.read_chunk(CHUNK_BYTES)):
                size += len(chunk)
                await asyncio.to_thread(file.write, chunk)
        except DAMAGED as error:
            raise _damaged() from error
    if size > bound:
        size = max(size, announced or 0)
    return Attachment(name=name, size=size, path=path)


@contextmanager
def disk_full_told() -> Iterator[None]:
    """Raise DiskFull where the disk takes no more of a file."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise disk_full() from error
        raise


def _damaged() -> BadInput:
    return BadInput("The form is damaged. Send it again.")
