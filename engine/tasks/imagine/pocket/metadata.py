"""Reads an ONNX file's metadata without loading its network."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

METADATA, KEY, VALUE = 14, 1, 2
"""Field numbers of `ModelProto.metadata_props` and of its entries in onnx.proto."""
VARINT, SIZED = 0, 2
"""Protocol buffer wire types. An ONNX model has no others at its top level."""


def metadata(path: Path) -> dict[str, str]:
    """Return the entries that the exporter wrote. Raises ValueError for a file that is not an ONNX model."""
    found = {}
    with path.open("rb") as file:
        for field, length in _fields(file):
            if field == METADATA:
                text = BytesIO(file.read(length))
                entry = {name: text.read(size).decode() for name, size in _fields(text)}
                found[entry[KEY]] = entry.get(VALUE, "")
            else:
                file.seek(length, 1)
    return found


def _fields(stream: BinaryIO) -> Iterator[tuple[int, int]]:
    """Yield the number and length in bytes of each field. The caller reads or skips the field before the next one."""
    while (tag := _varint(stream)) is not None:
        if tag & 7 == SIZED:
            yield tag >> 3, _varint(stream) or 0
        elif tag & 7 == VARINT:
            _varint(stream)
        else:
            raise ValueError("not an ONNX model")


def _varint(stream: BinaryIO) -> int | None:
    """Read a varint: seven bits a byte, lowest first. Return None at the end of the stream."""
    number = shift = 0
    while byte := stream.read(1):
        number |= (byte[0] & 127) << shift
        shift += 7
        if byte[0] < 128:
            return number
    return None
