"""Parse the body of a request: JSON with files as data URIs, or a multipart form with files written to disk."""

import base64
import binascii
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from bot.adapters.web.body_stream import MAX_SMALL_BODY_BYTES, read_json
from bot.adapters.web.form import Body, Bounds, Check, convert_disk_full, read_fields, read_form
from bot.core.command import Attachment, Command
from bot.core.command_line import parse, split_command
from bot.presentation.buttons import parse_button
from engine.core.errors import BadInput, TooLarge
from engine.media.files import SCRIPTS, SUBTITLES, temporary_file

DEFAULT_COMMAND = "imagine"
"""The command of a line that names none."""
TEXT_SUFFIXES = SUBTITLES | SCRIPTS
"""MIME types by suffix of the text files that are recognised by their suffix."""


MAX_LINE_CHARACTERS = 100_000
"""Characters of a chat line, which is parsed on the event loop: 100,000 take it 25 ms."""


@asynccontextmanager
async def open_body(request: web.Request, bounds: Bounds, check: Check) -> AsyncIterator[Body]:
    """Yield the body. Its files are deleted when this closes. Raises BadInput, TooLarge and TooSlow."""
    with ExitStack() as stack:
        if request.content_type == "multipart/form-data":
            yield await read_form(request, bounds, stack, check)
        else:
            yield Body(await read_json(request, bounds.body_bytes))


async def read_small_fields(request: web.Request) -> dict[str, Any]:
    """Return the fields of a body without files, of at most MAX_SMALL_BODY_BYTES. Nothing is written to disk."""
    if request.content_type == "multipart/form-data":
        return await read_fields(request)
    return await read_json(request, MAX_SMALL_BODY_BYTES)


async def parse_command(body: Body, commands: Sequence[Command]) -> tuple[str, dict[str, Any]]:
    """Return the command's name and its raw options.

    The body is one of: `{"command", "options"}`; a form with the options as fields; a chat `line`; a clicked `button`,
    with the `text` that was edited. Raises BadInput for anything else.
    """
    for name in ("line", "button", "command"):
        if len(str(body.fields.get(name, ""))) > MAX_LINE_CHARACTERS:
            raise TooLarge("{option} is longer than {bound} bytes. Shorten it.", option=name, bound=MAX_LINE_CHARACTERS)
    if "line" in body.fields:
        return _parse_line(str(body.fields["line"]), commands)
    if "button" in body.fields:
        text = body.fields.get("text")
        asked = parse_button(str(body.fields["button"]), commands, None if text is None else str(text))
        body.files.update(asked.files)
        return asked.command, dict(asked.raw_options)
    command = body.fields.get("command")
    if not isinstance(command, str):
        raise BadInput("command is missing. Say which command to run.", option="command")
    options = body.fields.get("options", {name: value for name, value in body.fields.items() if name != "command"})
    if not isinstance(options, dict):
        raise BadInput("options must be an object that maps option names to values.")
    return command.encode(errors="replace").decode(), options


def extract_files(
    options: dict[str, Any], body: Body, command: Command | None
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the options without null values and files, and the data URIs by option.

    `job:3f9a1c20be`, or `job:3f9a1c20be.2` for its second file, refers to a job's result; such a file is added to the
    body.
    """
    media = {option.name for option in command.params.options() if option.kind == "media"} if command else set()
    present = {name: value for name, value in options.items() if value is not None}
    uris: dict[str, str] = {}
    for name in media & present.keys():
        value = present[name]
        if isinstance(value, str) and value.startswith("data:"):
            uris[name] = present.pop(name)
        elif isinstance(value, str) and value.startswith("job:"):
            body.files[name] = Attachment(name, result=present.pop(name).removeprefix("job:"))
    return present, uris


def _parse_line(line: str, commands: Sequence[Command]) -> tuple[str, dict[str, Any]]:
    name, _, words = split_command(line) or (DEFAULT_COMMAND, "", line)
    command = next((command for command in commands if command.name == name), None)
    return name, dict(parse(command.params, words)) if command else {}


def save_data_uri(option: str, uri: str, bounds: Bounds, stack: ExitStack) -> Attachment:
    """Write a base64 data URI (RFC 2397) to a file that is deleted when `stack` closes. Raises BadInput."""
    head, comma, data = uri.partition(",")
    if not comma or not head.endswith(";base64"):
        raise BadInput("{option} must be a data URI in base64: data:image/png;base64,…", option=option)
    try:
        content = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadInput("{option} is not valid base64. Encode the file again.", option=option) from error
    path = stack.enter_context(temporary_file(bounds.folder))
    with convert_disk_full():
        path.write_bytes(content)
    return Attachment(name=_filename_of(option, head), size=len(content), path=path)


def _filename_of(option: str, head: str) -> str:
    """Return the file's name: the data URI's `name=` parameter, or the option's name, with a suffix if its type needs
    one.
    """
    mime, *parameters = head.removeprefix("data:").split(";")
    name = next((parameter[len("name=") :] for parameter in parameters if parameter.startswith("name=")), None)
    if name:
        return unquote(name)
    suffix = next((suffix for suffix, known in TEXT_SUFFIXES.items() if known == mime.lower()), "")
    return f"{option}.{suffix}" if suffix else option
