"""The body of a request: JSON with files as data URIs, or multipart with files streamed to disk within their bound."""

import base64
import binascii
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from bot.adapters.web.form import Body, Bounds, Check, disk_full_told, read_fields, read_form
from bot.adapters.web.reading import OPEN_BYTES, read_json
from bot.core.command import Attachment, Command
from bot.core.command_line import parse, split_command
from bot.presentation.buttons import parse_button
from engine.core.errors import BadInput
from engine.media.files import SCRIPTS, SUBTITLES, temporary_file

DEFAULT_COMMAND = "imagine"
"""What a line without a command means."""
ROUTES = {"/magic-prompt": "magic", "/render-video": "video", "/render-multi-scene": "scenes"}
"""Addresses that answer with a job of the command."""
ALIASES = {"generate_subtitles": "subtitles"}
"""What an option is also called at addresses of a command's own."""
TEXTS = SUBTITLES | SCRIPTS
"""Files that are told by their suffix."""


@asynccontextmanager
async def body_of(request: web.Request, bounds: Bounds, check: Check) -> AsyncIterator[Body]:
    """Yield the body; its files are gone when this closes. Raises BadInput, TooLarge and TooSlow."""
    with ExitStack() as stack:
        if request.content_type == "multipart/form-data":
            yield await read_form(request, bounds, stack, check)
        else:
            yield Body(await read_json(request, bounds.body_bytes))


async def fields_of(request: web.Request) -> dict[str, Any]:
    """Return the fields of a body of at most OPEN_BYTES, which takes no file. Nothing is written to disk."""
    if request.content_type == "multipart/form-data":
        return await read_fields(request)
    return await read_json(request, OPEN_BYTES)


async def ask_of(body: Body, commands: Sequence[Command]) -> tuple[str, dict[str, Any]]:
    """Command and raw options: of `{"command", "options"}`, a form with the options as fields, a chat `line`, or a
    pressed `button` with the `text` that was edited.
    """
    if "line" in body.fields:
        return _parse_line(str(body.fields["line"]), commands)
    if "button" in body.fields:
        text = body.fields.get("text")
        asked = parse_button(str(body.fields["button"]), commands, None if text is None else str(text))
        body.files.update(asked.files)
        return asked.command, dict(asked.raw_options)
    command = body.fields.get("command")
    if not isinstance(command, str):
        raise BadInput("command is missing. Give it a value.", option="command")
    options = body.fields.get("options", {name: value for name, value in body.fields.items() if name != "command"})
    if not isinstance(options, dict):
        raise BadInput("options must be an object with the options by name.")
    return command.encode(errors="replace").decode(), options


def unpack(options: dict[str, Any], body: Body, command: Command | None) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the options without those left null, and by option the files that came as data URIs.

    `job:3f9a1c20be`, or `job:3f9a1c20be.2` for its second file, is what that job made: it joins the body's files.
    """
    media = {option.name for option in command.params.options() if option.kind == "media"} if command else set()
    given = {name: value for name, value in options.items() if value is not None}
    uris: dict[str, str] = {}
    for name in media & given.keys():
        value = given[name]
        if isinstance(value, str) and value.startswith("data:"):
            uris[name] = given.pop(name)
        elif isinstance(value, str) and value.startswith("job:"):
            body.files[name] = Attachment(name, result=given.pop(name).removeprefix("job:"))
    return given, uris


def _parse_line(line: str, commands: Sequence[Command]) -> tuple[str, dict[str, Any]]:
    name, _, words = split_command(line) or (DEFAULT_COMMAND, "", line)
    command = next((command for command in commands if command.name == name), None)
    return name, dict(parse(command.params, words)) if command else {}


def keep_uri(option: str, uri: str, bounds: Bounds, stack: ExitStack) -> Attachment:
    """Write a data URI (RFC 2397) in base64 to a file that is gone when `stack` closes. Raises BadInput."""
    head, comma, data = uri.partition(",")
    if not comma or not head.endswith(";base64"):
        raise BadInput("{option} must be a data URI in base64: data:image/png;base64,…", option=option)
    try:
        content = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadInput("{option} is not sound base64. Encode the file again.", option=option) from error
    path = stack.enter_context(temporary_file(bounds.folder))
    with disk_full_told():
        path.write_bytes(content)
    return Attachment(name=_filename_of(option, head), size=len(content), path=path)


def _filename_of(option: str, head: str) -> str:
    """What the file is called: `name=` of the data URI, or the option, with a suffix where a text is told by that."""
    mime, *parameters = head.removeprefix("data:").split(";")
    name = next((each[len("name=") :] for each in parameters if each.startswith("name=")), None)
    if name:
        return unquote(name)
    suffix = next((suffix for suffix, known in TEXTS.items() if known == mime.lower()), "")
    return f"{option}.{suffix}" if suffix else option
