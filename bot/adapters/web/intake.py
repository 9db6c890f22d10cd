"""The body of a request: JSON with files as data URIs, or multipart with files streamed to disk within their bound."""

import asyncio
import base64
import binascii
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from aiohttp import BodyPartReader, web

from bot.buttons import meaning
from bot.command import Attachment, Command
from bot.text import parse, split_command
from engine.errors import BadInput, TooLarge
from engine.media import SCRIPTS, SUBTITLES, part

DEFAULT_COMMAND = "imagine"
"""What a line without a command means."""
ROUTES = {"/magic-prompt": "magic", "/render-video": "video", "/render-multi-scene": "scenes"}
"""Addresses that answer with a job of the command."""
ALIASES = {"generate_subtitles": "subtitles"}
"""What an option is also called at addresses of a command's own."""
TEXTS = SUBTITLES | SCRIPTS
"""Files that are told by their suffix."""
PARTS = 40
TEXT_BYTES = 100_000
CHUNK = 2**16


@dataclass(frozen=True)
class Bounds:
    """Where files wait until the service takes them, and the bytes that one may have; the service refuses more."""

    folder: Path
    file_bytes: int

    @property
    def body_bytes(self) -> int:
        """What a JSON body may have: a file of the largest size in base64, and some words."""
        return self.file_bytes * 4 // 3 + 2 * TEXT_BYTES


@dataclass
class Body:
    """What came: `fields` are the words, as JSON values or as texts of a form; `files` wait on disk."""

    fields: dict[str, Any] = field(default_factory=dict)
    files: dict[str, Attachment] = field(default_factory=dict)


@asynccontextmanager
async def body_of(request: web.Request, bounds: Bounds) -> AsyncIterator[Body]:
    """The body; its files are gone when this closes. Raises BadInput and TooLarge."""
    async with AsyncExitStack() as stack:
        if request.content_type == "multipart/form-data":
            yield await _form(request, bounds, stack)
        else:
            yield Body(await _json(request))


async def ask_of(body: Body, commands: Sequence[Command]) -> tuple[str, dict[str, Any]]:
    """Command and raw options: of `{"command", "options"}`, a form with the options as fields, a chat `line`, or a
    pressed `button` with the `text` that was edited.
    """
    if "line" in body.fields:
        return _typed(str(body.fields["line"]), commands)
    if "button" in body.fields:
        text = body.fields.get("text")
        asked = meaning(str(body.fields["button"]), commands, None if text is None else str(text))
        body.files.update(asked.files)
        return asked.command, dict(asked.raw)
    command = body.fields.get("command")
    if not isinstance(command, str):
        raise BadInput("command is missing. Give it a value.", option="command")
    options = body.fields.get("options", {name: value for name, value in body.fields.items() if name != "command"})
    if not isinstance(options, dict):
        raise BadInput("options must be an object with the options by name.")
    return command.encode(errors="replace").decode(), options


async def unpack(
    options: dict[str, Any], body: Body, command: Command | None, bounds: Bounds, stack: AsyncExitStack
) -> dict[str, Any]:
    """The options without those left null; a file that came as a data URI goes to disk and to the body's files.

    `job:3f9a1c20be`, or `job:3f9a1c20be.2` for its second file, is what that job made.
    """
    media = {option.name for option in command.params.options() if option.kind == "media"} if command else set()
    given = {name: value for name, value in options.items() if value is not None}
    for name in media & given.keys():
        value = given[name]
        if isinstance(value, str) and value.startswith("data:"):
            body.files[name] = await asyncio.to_thread(_keep_uri, name, given.pop(name), bounds, stack)
        elif isinstance(value, str) and value.startswith("job:"):
            body.files[name] = Attachment(name, result=given.pop(name).removeprefix("job:"))
    return given


def _typed(line: str, commands: Sequence[Command]) -> tuple[str, dict[str, Any]]:
    name, _, words = split_command(line) or (DEFAULT_COMMAND, "", line)
    command = next((command for command in commands if command.name == name), None)
    return name, dict(parse(command.params, words)) if command else {}


async def _json(request: web.Request) -> dict[str, Any]:
    try:
        fields = json.loads(await request.text())
    except (ValueError, RecursionError) as error:
        raise BadInput("The body must be JSON or multipart/form-data.") from error
    if not isinstance(fields, dict):
        raise BadInput("The body must be a JSON object.")
    return fields


async def _form(request: web.Request, bounds: Bounds, stack: AsyncExitStack) -> Body:
    body = Body()
    try:
        async for piece in await request.multipart():
            if not isinstance(piece, BodyPartReader) or piece.name is None:
                raise BadInput("Every part of the form needs a name.")
            if len(body.fields) + len(body.files) >= PARTS:
                raise BadInput("The form has more than {count} parts. Send less.", count=PARTS)
            if piece.filename is None:
                body.fields[piece.name] = await _words(piece)
            else:
                path = stack.enter_context(part(bounds.folder))
                file = body.files[piece.name] = await _stream(piece, path, bounds.file_bytes, request.content_length)
                if (file.size or 0) > bounds.file_bytes:
                    return body
    except ValueError as error:
        raise BadInput("The form is damaged. Send it again.") from error
    return body


async def _words(piece: BodyPartReader) -> str:
    words = bytearray()
    while chunk := await piece.read_chunk(CHUNK):
        words += chunk
        if len(words) > TEXT_BYTES:
            raise TooLarge(
                "{option} has more than {bound} bytes of text. Shorten it.", option=piece.name or "", bound=TEXT_BYTES
            )
    return words.decode()


async def _stream(piece: BodyPartReader, path: Path, bound: int, announced: int | None) -> Attachment:
    """The part as a file. One over the bound is not read further; its size is then what the request says of itself."""
    size = 0
    with await asyncio.to_thread(path.open, "wb") as file:
        while size <= bound and (chunk := await piece.read_chunk(CHUNK)):
            size += len(chunk)
            await asyncio.to_thread(file.write, chunk)
    if size > bound:
        size = max(size, announced or 0)
    return Attachment(name=piece.filename or "", size=size, path=path)


def _keep_uri(option: str, uri: str, bounds: Bounds, stack: AsyncExitStack) -> Attachment:
    """A data URI (RFC 2397) in base64 as a file."""
    head, comma, data = uri.partition(",")
    if not comma or not head.endswith(";base64"):
        raise BadInput("{option} must be a data URI in base64: data:image/png;base64,…", option=option)
    try:
        content = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadInput("{option} is not sound base64. Encode the file again.", option=option) from error
    path = stack.enter_context(part(bounds.folder))
    path.write_bytes(content)
    return Attachment(name=_named(option, head), size=len(content), path=path)


def _named(option: str, head: str) -> str:
    """What the file is called: `name=` of the data URI, or the option, with a suffix where a text is told by that."""
    mime, *parameters = head.removeprefix("data:").split(";")
    name = next((each[len("name=") :] for each in parameters if each.startswith("name=")), None)
    if name:
        return unquote(name)
    suffix = next((suffix for suffix, known in TEXTS.items() if known == mime.lower()), "")
    return f"{option}.{suffix}" if suffix else option
