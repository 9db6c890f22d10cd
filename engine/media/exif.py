"""Read the EXIF orientation of a PNG or a WebP by walking the file's chunks, without decoding the picture.

PNG specification, 11.3 (`eXIf` may come after the pixels); WebP container specification, "Extended File Format".
"""

import os
import struct
from pathlib import Path
from typing import IO

MAX_EXIF_BYTES = 2**20
"""Maximum size of an EXIF chunk. No camera writes a larger one."""
BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
"""The byte order of a TIFF, in the notation of `struct`, by the TIFF's first bytes."""
ORIENTATION_TAG, UPRIGHT = 0x0112, 1
QUARTER_TURNS = (5, 6, 7, 8)
"""Orientations that swap width and height (EXIF 2.3, 4.6.4)."""
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def is_rotated(path: Path) -> bool:
    """Return whether a PNG's or WebP's orientation swaps width and height. Return False for any other format."""
    exif = _read_exif(path)
    return exif is not None and _parse_orientation(exif) in QUARTER_TURNS


def _read_exif(path: Path) -> bytes | None:
    with path.open("rb") as file:
        head = file.read(12)
        if head.startswith(PNG_SIGNATURE):
            file.seek(len(PNG_SIGNATURE))
            return _read_chunk(file, b"eXIf", ">I4s", trailer=4, alignment=1)
        if head[:4] == b"RIFF" and head[8:] == b"WEBP":
            return _read_chunk(file, b"EXIF", "<4sI", trailer=0, alignment=2)
    return None


def _read_chunk(file: IO[bytes], wanted: bytes, header: str, trailer: int, alignment: int) -> bytes | None:
    """Return the body of the first chunk named `wanted`, or None if there is none or it is too large.

    Each chunk starts with its name and size, packed as `header`. Its body is padded to a multiple of `alignment` bytes,
    and `trailer` bytes follow it.
    """
    while len(raw := file.read(8)) == 8:  # both formats have headers of 8 bytes
        first, second = struct.unpack(header, raw)
        name, size = (first, second) if isinstance(first, bytes) else (second, first)
        if name == wanted:
            return file.read(size) if size <= MAX_EXIF_BYTES else None
        file.seek(size + -size % alignment + trailer, os.SEEK_CUR)
    return None


def _parse_orientation(exif: bytes) -> int:
    """Return the orientation in the EXIF's first directory, or 1, upright, if it is missing or damaged.

    Source: EXIF 2.3, 4.6.2.
    """
    tiff = exif.removeprefix(b"Exif\0\0")
    order = BYTE_ORDERS.get(tiff[:4])
    if order is None:
        return UPRIGHT
    try:
        (start,) = struct.unpack_from(order + "I", tiff, 4)
        (count,) = struct.unpack_from(order + "H", tiff, start)
        entries = [struct.unpack_from(order + "HHIH", tiff, start + 2 + 12 * at) for at in range(count)]
    except struct.error:
        return UPRIGHT
    return next((int(value) for tag, _, _, value in entries if tag == ORIENTATION_TAG), UPRIGHT)
