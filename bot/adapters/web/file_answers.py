"""Answer with the files of a finished job as data URIs, which are encoded a piece at a time while they are sent."""

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field, create_model

from bot.adapters.web.models import JSON_TYPE, FileAnswer
from bot.core.command import Command
from bot.core.route import Route
from bot.i18n.translate import Language, translate_message
from engine.core.job import Done, Media

PIECE_BYTES = 3 * 2**16
"""Bytes of a file that are encoded at a time. Base64 encodes three bytes as four characters."""
INDEX_DIGITS = 4
"""Digits of a file's index after its mark."""


def file_answer_model(command: Command, route: Route) -> type[FileAnswer]:
    """Return the model of the answer of a `route` that waits for the result of `command`."""
    uri = Annotated[str, Field(pattern=f"^data:({'|'.join(route.media)})/")]
    first = Annotated[uri, Field(json_schema_extra={"description": "The first file as a data URI."})]
    files = {"video": uri} if route.answers_with_video else {"image": first, "images": tuple[uri, ...]}
    fields: dict[str, Any] = {**files, **route.facts}
    about = f"The answer of `{route.path}`."
    return create_model(f"{command.name.capitalize()}Answer", __base__=FileAnswer, __doc__=about, **fields)


def file_response(model: type[FileAnswer], done: Done, language: Language) -> web.Response:
    """Return the response with the files of the job as a `model`."""
    mark, media = secrets.token_hex(16), done.result.media
    uris = tuple(f"data:{file.mime};base64,{mark}{index:0{INDEX_DIGITS}}" for index, file in enumerate(media))
    text, *rest = _answer(model, done, language, uris).model_dump_json().split(mark)
    parts: list[tuple[Media, str]] = [(media[int(part[:INDEX_DIGITS])], part[INDEX_DIGITS:]) for part in rest]
    size = sum(len(after.encode()) + _base64_length(file.bytes) for file, after in parts) + len(text.encode())
    headers = {"Content-Type": f"{JSON_TYPE}; charset=utf-8", "Content-Length": str(size)}
    return web.Response(body=_encode(text, parts), headers=headers)


def _answer(model: type[FileAnswer], done: Done, language: Language, uris: Sequence[str]) -> FileAnswer:
    """Return the answer with `uris` as its files."""
    files: dict[str, Any] = {"video": uris[0]} if "video" in model.model_fields else {"image": uris[0], "images": uris}
    notes = [translate_message(note, language) for note in done.result.notes]
    outcome = {"status": "success", "id": done.job, "cached": done.cached, "notes": notes}
    return model.model_validate({**done.result.facts, **outcome, **files})


async def _encode(text: str, parts: Sequence[tuple[Media, str]]) -> AsyncIterator[bytes]:
    """Yield `text`, then each file in base64 with the text that follows it."""
    yield text.encode()
    for file, after in parts:
        for start in range(0, file.bytes, PIECE_BYTES):
            yield await asyncio.to_thread(_encode_piece, file.path, start)
        yield after.encode()


def _encode_piece(path: Path, start: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return base64.b64encode(file.read(PIECE_BYTES))


def _base64_length(size: int) -> int:
    return 4 * -(-size // 3)
