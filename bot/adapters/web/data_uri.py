"""Find the files in a JSON body, which are data URIs (RFC 2397), and write them to disk.

A file of 24 MB has 32 MB of base64. One call that parses or decodes all of it would hold the interpreter's lock, and
with it the event loop, for a tenth of a second. Everything here works on pieces of 64 KiB and runs in a thread.
"""

import binascii
import json
import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from engine.core.errors import BadInput, TooLarge
from engine.media.files import SCRIPTS, SUBTITLES

MAX_TEXT_BYTES = 100_000
"""Bytes of a text. A longer string has to be a data URI."""
MAX_TEXTS_BYTES = 4 * MAX_TEXT_BYTES
"""Bytes of a JSON body without its long data URIs. The parser holds the interpreter's lock: 400 kB take it 2 ms."""
MAX_HEAD_BYTES = 2048
"""Bytes of a data URI before its comma."""
START: Final = b'"data:'
"""The start of a data URI in JSON."""
MAX_ESCAPE_BYTES: Final = len(rb"\u0000")
"""The longest escape sequence of JSON."""
STRING = re.compile(rb'[^"\\]*+(?:\\(?:[^u]|u[0-9a-fA-F]{4})[^"\\]*+)*+', re.DOTALL)
"""The content of a JSON string up to its closing quote, or up to an incomplete escape sequence."""
TEXT_SUFFIXES = SUBTITLES | SCRIPTS
"""MIME types by suffix of the text files that are recognised by their suffix."""


@dataclass(frozen=True)
class DataUri:
    """A data URI. `pieces` are its bytes in order."""

    pieces: tuple[bytes, ...] = field(repr=False)

    def save(self, option: str, path: Path) -> tuple[str, int]:
        """Write the file to `path`, and return its name and its size in bytes. Raises BadInput."""
        head, content = self._split()
        if not head.endswith(b";base64") or len(head) > MAX_HEAD_BYTES:
            raise BadInput("{option} must be a data URI in base64: data:image/png;base64,…", option=option)
        try:
            name = _filename_of(option, head.decode())
            with path.open("wb") as file:
                return name, sum(map(file.write, _decode(content)))
        except ValueError as error:
            raise BadInput("{option} is not valid base64. Encode the file again.", option=option) from error

    def _split(self) -> tuple[bytes, tuple[bytes, ...]]:
        """Return what precedes the comma, which is empty if there is no comma near the start, and the rest."""
        start = b""
        for number, piece in enumerate(self.pieces, 1):
            start += piece
            head, comma, content = start.partition(b",")
            if comma:
                return head, (content, *self.pieces[number:])
            if len(start) > MAX_HEAD_BYTES:
                break
        return b"", ()


def extract_data_uris(chunks: Iterable[bytes], max_uris: int) -> tuple[bytes, dict[str, DataUri]]:
    """Return the JSON in `chunks` with a short mark in place of each data URI longer than MAX_TEXT_BYTES, and those
    data URIs by mark.

    Raises TooLarge where the rest is longer than MAX_TEXTS_BYTES, and BadInput for more than `max_uris` data URIs.
    Takes linear time.
    """
    extractor = _Extractor(max_uris)
    rest = b""
    for chunk in chunks:
        rest = extractor.feed(rest + chunk)
    return extractor.end(rest), extractor.uris


class _Extractor:
    """Splits JSON into `text` and `uris`. It may receive anything; only the parser decides what is valid."""

    def __init__(self, max_uris: int) -> None:
        self.text = bytearray()
        self.uris: dict[str, DataUri] = {}
        self._max_uris = max_uris
        self._pieces: list[bytes] | None = None
        """What has arrived of the data URI that has started, still with its escape sequences."""

    def feed(self, data: bytes) -> bytes:
        """Take `data`, and return the end of it that must be fed again with the data that follows."""
        position = 0
        while position < len(data):
            following = self._read_text(data, position) if self._pieces is None else self._read_uri(data, position)
            if following == position:
                break
            position = following
        return data[position:]

    def end(self, rest: bytes) -> bytes:
        """Return the text, which ends with `rest`."""
        if self._pieces is not None:
            raise _malformed_error()
        self._keep(rest)
        return bytes(self.text)

    def _read_text(self, data: bytes, position: int) -> int:
        """Keep text up to the start of the next data URI, and return the position after it.

        In valid JSON a quote starts a string unless a backslash precedes it, and only a start is followed by `data:`.
        """
        start = data.find(START, position)
        if start < 0:
            following = max(position, len(data) - len(START) + 1)
            self._keep(data[position:following])
            return following
        self._keep(data[position:start])
        if self.text.endswith(b"\\"):
            self._keep(data[start : start + 1])
        else:
            self._pieces = []
        return start + 1

    def _read_uri(self, data: bytes, position: int) -> int:
        """Keep a piece of the data URI, and return the position after the piece, or after the URI's closing quote."""
        assert self._pieces is not None
        match = STRING.match(data, position)
        end = match.end() if match else position
        if end > position:
            self._pieces.append(data[position:end])
        if data[end : end + 1] == b'"':
            self._finish_uri(self._pieces)
            return end + 1
        if len(data) - end >= MAX_ESCAPE_BYTES:
            raise _malformed_error()
        return end

    def _finish_uri(self, pieces: Sequence[bytes]) -> None:
        """Keep a short data URI in the text, and a long one apart."""
        self._pieces = None
        if sum(map(len, pieces)) <= MAX_TEXT_BYTES:
            self._keep(b'"%s"' % b"".join(pieces))
            return
        if len(self.uris) >= self._max_uris:
            raise BadInput("The JSON has too many files; the limit is {bound:,}. Send fewer.", bound=self._max_uris)
        mark = f"data:{secrets.token_hex(16)}"
        self.uris[mark] = DataUri(tuple(map(_unescape, pieces)))
        self._keep(b'"%s"' % mark.encode())

    def _keep(self, text: bytes) -> None:
        self.text += text
        if len(self.text) > MAX_TEXTS_BYTES:
            raise TooLarge("The request has more than {bound:bytes} of text. Shorten it.", bound=MAX_TEXTS_BYTES)


def _unescape(piece: bytes) -> bytes:
    """Return a piece of a JSON string without escape sequences. Some programs escape `/` or `+`, as PHP and .NET do."""
    if b"\\" not in piece:
        return piece
    try:
        return str(json.loads(b'"%s"' % piece)).encode()
    except ValueError as error:
        raise _malformed_error() from error


def _decode(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Decode base64. Raises ValueError unless it is complete, padded and free of other characters."""
    rest, is_padded = b"", False
    for piece in filter(None, pieces):
        if is_padded:
            raise ValueError("base64 continues after its padding")
        data = rest + piece
        complete, rest = data[: len(data) // 4 * 4], data[len(data) // 4 * 4 :]
        yield binascii.a2b_base64(complete, strict_mode=True)
        is_padded = complete.endswith(b"=")
        if complete.endswith(b"==="):  # which binascii accepts after complete groups
            raise ValueError("base64 has too much padding")
    if rest:
        raise ValueError("base64 is incomplete")


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


def _malformed_error() -> BadInput:
    return BadInput("The body must be JSON or multipart/form-data.")
