"""Parse the body of a request: JSON with files as data URIs, or a multipart form with files written to disk."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import ExitStack, asynccontextmanager
from typing import Any

from aiohttp import web

from bot.adapters.web.body_stream import MAX_SMALL_BODY_BYTES
from bot.adapters.web.data_uri import DataUri
from bot.adapters.web.form import Body, Bounds, Check, convert_disk_full, read_fields, read_form
from bot.adapters.web.json_body import INLINE_BYTES, read_json, too_long_text
from bot.core.command import Attachment, Command
from bot.core.command_line import parse, split_command
from bot.presentation.buttons import parse_button
from engine.core.errors import BadInput, TooLarge
from engine.media.files import temporary_file

DEFAULT_COMMAND = "imagine"
"""The command of a line that names none."""
MAX_LINE_CHARACTERS = 100_000
"""Characters of a chat line. Parsing 100,000 takes 25 ms, in a thread."""


@asynccontextmanager
async def open_body(
    request: web.Request, bounds: Bounds, check: Check, count_upload: Callable[[], None]
) -> AsyncIterator[Body]:
    """Yield the body. Its files are deleted when this closes. Raises BadInput, TooLarge and TooSlow.

    `count_upload` is called before a long JSON body is read, and `check` before each file of a form.
    """
    with ExitStack() as stack:
        if request.content_type == "multipart/form-data":
            yield await read_form(request, bounds, stack, check)
        else:
            yield Body(await read_json(request, bounds.body_bytes, bounds.files, count_upload))


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
    for name in ("line", "button", "command", "text"):
        if isinstance(body.fields.get(name), DataUri):
            raise too_long_text(name)
        if name != "text" and len(str(body.fields.get(name, ""))) > MAX_LINE_CHARACTERS:
            raise TooLarge(
                "{option} is longer than {count:,} character. Shorten it.",
                plural="{option} is longer than {count:,} characters. Shorten it.",
                option=name,
                count=MAX_LINE_CHARACTERS,
            )
    if "line" in body.fields:
        line = str(body.fields["line"])
        if len(line) <= INLINE_BYTES:
            return _parse_line(line, commands)
        return await asyncio.to_thread(_parse_line, line, commands)
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
) -> tuple[dict[str, Any], dict[str, DataUri]]:
    """Return the options without null values and files, and the data URIs by option.

    `job:3f9a1c20be`, or `job:3f9a1c20be.2` for its second file, refers to a job's result; such a file is added to the
    body. Raises TooLarge for a long data URI in an option that is not a file.
    """
    kinds = {option.name: option.kind for option in command.params.options()} if command else {}
    present = {name: value for name, value in options.items() if value is not None}
    uris: dict[str, DataUri] = {}
    for name, value in list(present.items()):
        if kinds.get(name) != "media":
            present[name] = _check_short(name, value, kinds.keys())
        elif isinstance(value, DataUri):
            uris[name] = present.pop(name)
        elif isinstance(value, str) and value.startswith("data:"):
            uris[name] = DataUri((present.pop(name).encode(),))
        elif isinstance(value, str) and value.startswith("job:"):
            body.files[name] = Attachment(name, result=present.pop(name).removeprefix("job:"))
    return present, uris


def _check_short(name: str, value: Any, options: Collection[str]) -> Any:
    """Return the value. The service refuses a name that is not among the command's `options`, whatever its value is."""
    if not isinstance(value, DataUri):
        return value
    if name in options:
        raise too_long_text(name)
    return "data:"


def _parse_line(line: str, commands: Sequence[Command]) -> tuple[str, dict[str, Any]]:
    name, _, words = split_command(line) or (DEFAULT_COMMAND, "", line)
    command = next((command for command in commands if command.name == name), None)
    return name, dict(parse(command.params, words)) if command else {}


def save_data_uri(option: str, uri: DataUri, bounds: Bounds, stack: ExitStack) -> Attachment:
    """Write a data URI to a file that is deleted when `stack` closes. Raises BadInput."""
    path = stack.enter_context(temporary_file(bounds.folder))
    with convert_disk_full():
        name, size = uri.save(option, path)
    return Attachment(name=name, size=size, path=path)
